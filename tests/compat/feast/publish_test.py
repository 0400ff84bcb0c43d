"""What publishing into a Feast repository refuses, replaces and leaves alone; with Feast 0.67.

Rows of other times than now, views that are missing or called otherwise, stores that torii does not
write to, and the ways round: a feature server's /push, an online store of type `remote`.
"""

import json
import pathlib
import sqlite3
import sys
import textwrap

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import feast_side  # noqa: E402
from support import cases, databases, service  # noqa: E402

OLD, FUTURE = "2001-02-03T04:05:06", "2032-08-23T00:00:00"
IMPORTS = (
    "from feast import Entity, FeatureView, Field, FileSource, PushSource, ValueType\n"
    "from feast.types import Array, Float32, String\n\n"
)
SQLITE = "  type: sqlite\n  path: data/online_store.db\n"


class Publishing(feast_side.FeastCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plain = feast_side.Repo(cls.folder / "plain")
        cls.plain.apply(cls.peer)
        cls.torii = feast_side.Torii(cls.folder / "torii", cls.plain.folder)
        cls.torii.train()
        cls.own = cls.torii.own(cls.peer)
        cls.users = sorted(cls.own["user_items"])

    def setUp(self):
        self.name = self.id().rsplit(".", maxsplit=1)[-1]
        self.repo = feast_side.Repo(self.folder / self.name)
        self.torii.repo = self.repo.folder
        self.yaml, self.env = "feature_store.yaml", {}

    def use_online(self, text):
        """Another online store, in a yaml file of its own."""
        plain = (self.repo.folder / "feature_store.yaml").read_text()
        assert SQLITE in plain
        self.yaml = self.repo.write("online.yaml", plain.replace(SQLITE, text))
        self.torii.repo = self.repo.folder / self.yaml

    def publish(self, *more):
        """What was written: {view: {written, left_out, future_replaced, newer_kept}}."""
        return json.loads(self.torii.publish(*more, env=self.env).stdout)["views"]

    def read(self, view, ids, yaml=None):
        feature, key, _ = feast_side.VIEWS.get(view, ("top_k_item_ids", "user_id", None))
        words = {"repo": str(self.repo.folder), "yaml": yaml or self.yaml, "view": view}
        return self.peer.run("read", env=self.env, **words, feature=feature, key=key, ids=ids)

    def push_list(self, user, items, at):
        words = {"repo": str(self.repo.folder), "yaml": self.yaml, "at": at}
        rows = {"user_id": [user], "top_k_item_ids": [items]}
        self.peer.run("push", env=self.env, source="user_items_push_source", rows=rows, **words)

    def check_lists(self, view="user_items", yaml=None):
        found = feast_side.values_of(self.read(view, self.users, yaml))
        self.assert_same(found, self.own["user_items"], view)

    def check_vectors(self):
        for view in ("user_embedding", "item_embedding"):
            found = feast_side.values_of(self.read(view, sorted(self.own[view])))
            self.assert_same(found, self.own[view], view)

    # ---- the gate

    def test_the_gate_stands_before_feast(self):
        self.repo.apply(self.peer)
        done = self.torii.publish("--set", "publish.gate=enforce", check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        found = self.read("user_items", self.users[:5])
        self.assertEqual({status for _, status, _ in found.values()}, {"NOT_FOUND"})
        done = self.torii.publish("--set", "publish.gate=enforce", "--force", check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check_lists()

    # ---- rows that are there

    def check_rows_of_other_times(self):
        future, old, stranger = *self.users[:2], "somebody-else"
        self.push_list(future, ["placeholder"], FUTURE)
        self.push_list(old, ["yesterday"], OLD)
        self.push_list(stranger, ["theirs"], OLD)
        view = self.publish()["user_items"]
        self.assertEqual((view["written"], view["newer_kept"]), (len(self.users), 0))
        self.assertEqual((view["future_replaced"], view["future_example"]), (1, future))
        self.check_lists()
        ((value, _, at),) = self.read("user_items", [stranger]).values()
        self.assertEqual((value, at[:10]), (["theirs"], OLD[:10]))  # nobody torii knows
        self.assertEqual(self.publish()["user_items"]["future_replaced"], 0)

    def test_rows_of_other_times_in_sqlite(self):
        self.repo.apply(self.peer)
        self.check_rows_of_other_times()

    def test_rows_of_other_times_in_redis(self):
        with feast_side.online_store("redis", self.repo, self.folder / self.name, self.peer) as it:
            self.yaml, self.env = it
            self.torii.repo = self.repo.folder / self.yaml
            self.repo.apply(self.peer, self.yaml)
            self.check_rows_of_other_times()

    def test_rows_of_other_times_in_postgres(self):
        place = self.folder / self.name
        with feast_side.online_store("postgres", self.repo, place, self.peer) as it:
            self.yaml, self.env = it
            self.torii.repo = self.repo.folder / self.yaml
            self.repo.apply(self.peer, self.yaml, self.env)
            self.check_rows_of_other_times()

    def test_a_vector_of_another_width_gives_way(self):
        """The reference's placeholder rows hold vectors of two numbers."""
        self.repo.apply(self.peer)
        item = sorted(self.own["item_embedding"])[0]
        words = {"repo": str(self.repo.folder), "yaml": self.yaml, "at": FUTURE}
        rows = {"item_id": [item], "embedding": [[1.0, 2.0]]}
        self.peer.run("push", source="item_embed_push_source", rows=rows, **words)
        self.torii.publish()
        self.check_vectors()

    # ---- views

    def test_a_missing_view_is_told_with_its_definition(self):
        definitions = (self.repo.folder / "definitions.py").read_text()
        begin = definitions.index("user_items = pushed_view(")
        end = definitions.index("item_text = pushed_view(")
        definitions = definitions[:begin] + definitions[end:]
        definitions = definitions.replace('    "user_top_k_items": user_items,\n', "")
        self.repo.write("definitions.py", definitions.replace("    svc_top_k,\n", ""))
        self.repo.apply(self.peer)
        done = self.torii.publish(check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        for words in ("user_items", "FeatureView(", "top_k_item_ids", "Array(String)"):
            self.assertIn(words, done.stderr)
        self.torii.publish("--set", "publish.feast.user_items=")
        self.check_vectors()

    def test_the_definition_that_is_told_can_be_applied(self):
        """A repository of sources alone, and what the message says, until publishing works."""
        definitions = (self.repo.folder / "definitions.py").read_text()
        begin = definitions.index("item_embedding = pushed_view(")
        end = definitions.index("SERVICES = {")
        definitions = definitions[:begin] + definitions[end:]
        for line in (
            '    "item_embedding": item_embedding,\n',
            '    "user_top_k_items": user_items,\n',
            '    "item_textual_features_embed": item_text,\n',
            '    "item_clip_features_embed": item_clip,\n',
            "    svc_item_embedding,\n",
            "    svc_top_k,\n",
            "    svc_text,\n",
            "    svc_clip,\n",
        ):
            self.assertIn(line, definitions)
            definitions = definitions.replace(line, "")
        self.repo.write("definitions.py", definitions)
        self.repo.apply(self.peer)
        for view in feast_side.VIEWS:  # one after the other is missing
            done = self.torii.publish(check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.repo.write(f"told_{view}.py", IMPORTS + code_in(done.stderr))
            self.repo.apply(self.peer)
        self.torii.publish()
        self.check_lists()
        self.check_vectors()

    def test_views_may_be_called_otherwise(self):
        words = {'    "user_items", user,': '    "weekly_lists", user,'}
        self.repo.change("definitions.py", words=words)
        self.repo.apply(self.peer)
        self.assertEqual(self.torii.publish(check=False).returncode, 2)
        self.torii.publish("--set", "publish.feast.user_items=weekly_lists")
        self.check_lists("weekly_lists")

    def test_a_view_without_a_table_is_told(self):
        self.repo.apply(self.peer)
        with sqlite3.connect(self.repo.folder / "data" / "online_store.db") as database:
            database.execute('drop table "feast_rec_sys_user_items"')
        done = self.torii.publish(check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("feast_rec_sys_user_items", done.stderr)
        found = self.read("user_embedding", self.users[:5])  # nothing of it was written
        self.assertEqual({status for _, status, _ in found.values()}, {"NOT_FOUND"})

    # ---- stores

    def test_stores_that_are_refused(self):
        self.repo.apply(self.peer)
        redis = "  type: redis\n  connection_string: 127.0.0.1:6379"
        for online, named in (
            (f"{redis},ssl=true\n", "ssl"),
            (f"{redis}\n  redis_type: redis_cluster\n", "redis_cluster"),
            (f"{redis}\n  redis_type: redis_sentinel\n  sentinel_master: m\n", "redis_sentinel"),
            ("  type: dynamodb\n  region: x\n", "dynamodb"),
        ):
            self.use_online(online)
            done = self.torii.publish(check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(named, done.stderr)

    def test_stores_that_do_not_answer(self):
        self.repo.apply(self.peer)
        port = service.free_port()
        for online in (
            f"  type: redis\n  connection_string: 127.0.0.1:{port},password=hidden\n",
            f"  type: postgres\n  host: 127.0.0.1\n  port: {port}\n  database: d\n  user: u\n"
            "  password: hidden\n  sslmode: disable\n",
            f"  type: remote\n  path: http://127.0.0.1:{port}\n",
        ):
            self.use_online(online)
            done = self.torii.publish(check=False)
            self.assertEqual(done.returncode, 1, (online, done.stderr))
            self.assertIn(str(port), done.stderr)
            self.assertNotIn("hidden", done.stderr)

    # ---- through a feature server

    def test_through_the_push_of_a_feature_server(self):
        self.repo.apply(self.peer)
        with feast_side.feature_server(self.peer, self.repo, self.yaml) as client:
            self.torii.publish("--set", f"publish.feast.push=http://127.0.0.1:{client.port}")
        self.check_lists()
        self.check_vectors()

    def test_through_a_remote_online_store(self):
        self.repo.apply(self.peer)
        with feast_side.feature_server(self.peer, self.repo, self.yaml) as client:
            self.use_online(f"  type: remote\n  path: http://127.0.0.1:{client.port}\n")
            self.torii.publish()
            self.check_lists()  # by the client of the feature server
            self.check_lists(yaml="feature_store.yaml")

    # ---- redis

    def test_redis_keys_expire_as_the_yaml_says(self):
        with databases.Redis(self.folder / "expiring") as server:
            place = f"  type: redis\n  connection_string: 127.0.0.1:{server.port},db=3\n"
            self.use_online(f"{place}  key_ttl_seconds: 3600\n")
            self.repo.apply(self.peer, self.yaml)
            self.torii.publish()
            self.check_lists()
            which = {"port": server.port, "database": 3, "project": feast_side.PROJECT}
            left = self.peer.run("redis_ttls", **which)
            self.assertEqual(len(left), len(self.users) + len(self.own["item_embedding"]))
            self.assertTrue(all(3300 < seconds <= 3600 for seconds in left), sorted(set(left)))


def code_in(text):
    """The indented lines of a message, which are Python."""
    lines = [line for line in text.splitlines() if line.startswith("    ") or not line.strip()]
    return textwrap.dedent("\n".join(lines)).strip() + "\n"


if __name__ == "__main__":
    cases.main()

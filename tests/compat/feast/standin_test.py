"""`torii serve` in the place of a Feast feature server: Feast's own client with an online store of
type `remote` reads lists and vectors from it, and clients that speak to a feature server do."""

import datetime
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import feast_side  # noqa: E402
from support import cases, service  # noqa: E402

PRESENT, NOT_FOUND = "PRESENT", "NOT_FOUND"


class StandIn(feast_side.FeastCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.repo = feast_side.Repo(cls.folder / "copy")
        cls.repo.apply(cls.peer)
        cls.torii = feast_side.Torii(cls.folder / "torii", cls.repo.folder)
        cls.torii.train()
        cls.own = cls.torii.own(cls.peer)
        store = f"sqlite:{cls.folder}/shop.db"
        words = ("--bundle=model.bundle", "--config=torii.yaml", f"--store={store}")
        cls.publication = ("publish", *words, "--set", "publish.gate=report", "--json")
        cls.torii.run(*cls.publication)
        server = service.Service(cls.torii.program, store, cls.torii.folder)
        cls.server = cls.stack.enter_context(server)
        text = (cls.repo.folder / "feature_store.yaml").read_text()
        sqlite = "  type: sqlite\n  path: data/online_store.db\n"
        assert sqlite in text
        remote = f"  type: remote\n  path: http://127.0.0.1:{server.port}\n"
        cls.yaml = cls.repo.write("remote.yaml", text.replace(sqlite, remote))

    def read(self, view, ids, **more):
        feature, key, _ = feast_side.VIEWS[view]
        words = {"repo": str(self.repo.folder), "yaml": self.yaml, "view": view}
        return self.peer.run("read", **words, feature=feature, key=key, ids=ids, **more)

    def publish_again(self):
        """What was pushed before a publication is past."""
        client = self.server.client()
        version = lambda: client.get("/v1/categories")[1]["model_version"]  # noqa: E731
        before = version()
        self.torii.run(*self.publication)
        service.wait_until(lambda: version() > before, 20, "the new publication")

    def check_view(self, view, **more):
        found = self.read(view, sorted(self.own[view]), **more)
        self.assert_same(feast_side.values_of(found), self.own[view], view)
        self.assertEqual({status for _, status, _ in found.values()}, {PRESENT})

    def test_every_list(self):
        self.check_view("user_items")

    def test_every_list_by_the_service_of_the_reference(self):
        self.check_view("user_items", service="user_top_k_items")

    def test_every_user_embedding(self):
        self.check_view("user_embedding")

    def test_every_item_embedding(self):
        self.check_view("item_embedding")

    def test_every_item_has_the_vector_of_its_text(self):
        found = self.read("item_textual_features_embed", sorted(self.own["item_embedding"]))
        for identity, (value, status, _) in found.items():
            self.assertEqual(status, PRESENT, identity)
            length = sum(x * x for x in struct.unpack(f"<{len(value) // 4}f", value))
            self.assertAlmostEqual(length, 1, 2, identity)  # the store keeps them in 16 bits

    def test_who_is_unknown_is_not_found(self):
        user = sorted(self.own["user_items"])[0]
        found = self.read("user_items", ["nobody-of-this-name", user])
        self.assertEqual(found["nobody-of-this-name"][:2], (None, NOT_FOUND))
        self.assertEqual(found[user][:2], (self.own["user_items"][user], PRESENT))

    def test_a_push_of_feast_is_what_is_read_afterwards(self):
        """store.push(), which a remote online store sends as rows to write."""
        user, other = sorted(self.own["user_items"])[1:3]
        pushed = self.own["user_items"][user][::-1]
        rows = {"user_id": [user], "top_k_item_ids": [pushed]}
        words = {"repo": str(self.repo.folder), "yaml": self.yaml, "at": now()}
        self.peer.run("push", source="user_items_push_source", rows=rows, **words)
        self.addCleanup(self.publish_again)
        found = feast_side.values_of(self.read("user_items", [user, other]))
        self.assertEqual(found, {user: pushed, other: self.own["user_items"][other]})

    def test_a_push_by_http_is_what_is_read_afterwards(self):
        item, other = sorted(self.own["item_embedding"])[:2]
        vector = [0.25] * 64
        frame = {"item_id": [item], "embedding": [vector], "event_timestamp": [now()]}
        request = {"push_source_name": "item_embed_push_source", "df": frame, "to": "online"}
        status, answer = self.server.client().post("/push", request)
        self.assertEqual(status, 200, answer)
        self.addCleanup(self.publish_again)
        found = feast_side.values_of(self.read("item_embedding", [item, other]))
        expected = {item: struct.pack("<64f", *vector), other: self.own["item_embedding"][other]}
        self.assert_same(found, expected, "item_embedding")

    # ---- the routes, as a client without Feast sees them

    def test_an_answer_has_the_shape_of_a_feature_server(self):
        user = sorted(self.own["user_items"])[0]
        request = {"features": ["user_items:top_k_item_ids"], "entities": {"user_id": [user]}}
        ask = {"full_feature_names": True, **request}
        status, answer = self.server.client().post("/get-online-features", ask)
        self.assertEqual(status, 200, answer)
        names = ["user_id", "user_items__top_k_item_ids"]
        self.assertEqual(answer["metadata"], {"feature_names": names})
        first, second = answer["results"]
        epoch = "1970-01-01T00:00:00Z"
        self.assertEqual(
            first, {"values": [user], "statuses": [PRESENT], "event_timestamps": [epoch]}
        )
        self.assertEqual(second["values"], [self.own["user_items"][user]])
        self.assertEqual(second["statuses"], [PRESENT])
        self.assertNotEqual(second["event_timestamps"], [epoch])

    def test_another_view_or_service_is_refused(self):
        client = self.server.client()
        for wrong in (
            {"features": ["item_features:category"], "entities": {"item_id": ["x"]}},
            {"features": ["no_view:x"], "entities": {"user_id": ["x"]}},
            {"feature_service": "no_service", "entities": {"user_id": ["x"]}},
        ):
            status, answer = client.post("/get-online-features", wrong)
            self.assertIn(status, (404, 422), (wrong, answer))


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat()


if __name__ == "__main__":
    cases.main()

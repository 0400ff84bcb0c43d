"""`torii publish --store=feast:REPO`: the lists that Feast's clients find are those of the service's own
store; versions, the gate, rows that others wrote later, and what a repository is not."""

import json
import pathlib
import sqlite3
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, feast_repo, service, shop_case  # noqa: E402

PROGRAM = shop_case.PROGRAM


class PublishFeast(shop_case.ShopCase):
    def setUp(self):
        self.repo = self.folder / self.id().split(".")[-1]
        self.database = feast_repo.make(self.repo)

    def publish(self, *more, store=None, check=True):
        words = ("publish", "--config=torii.yaml", "--bundle=shop.bundle", "--k=20")
        store = store or f"feast:{self.repo}"
        return service.run(PROGRAM, *words, f"--store={store}", *more, cwd=self.folder, check=check)

    def rows(self, view):
        database = sqlite3.connect(self.database)
        found = dict(database.execute(f"SELECT entity_key, value FROM shop_{view}").fetchall())
        database.close()
        return {feast_repo.id_of(key): value for key, value in found.items()}

    def test_lists_are_those_of_a_store(self):
        answer = json.loads(self.publish("--json").stdout)
        self.assertEqual(answer["version"], 1)
        self.assertTrue(answer["bundle_uri"].startswith(str(self.repo / "bundles")))
        self.assertEqual(answer["views"]["user_items"]["written"], answer["users"])
        self.publish(store=f"sqlite:{self.folder}/own.db")
        own = sqlite3.connect(self.folder / "own.db")
        ids = dict(own.execute("SELECT place, item_id FROM torii_publication_items").fetchall())
        lists, vectors = {}, {}
        query = "SELECT user_id, items, embedding FROM torii_publication_users"
        for user, items, embedding in own.execute(query):
            lists[user] = [ids[i] for (i,) in struct.iter_unpack("<I", items)]
            vectors[user] = embedding
        own.close()
        found = {user: feast_repo.texts_of(value) for user, value in self.rows("user_items").items()}
        self.assertEqual(found, lists)
        self.assertTrue(any(found.values()))
        packed = {user: feast_repo.fields(value)[16][0] for user, value in self.rows("user_embedding").items()}
        self.assertEqual({user: feast_repo.fields(value)[1][0] for user, value in packed.items()}, vectors)
        self.assertEqual(set(self.rows("item_embedding")), set(ids.values()))

    def test_the_gate_judges_beside_the_current_version(self):
        self.publish()
        again = json.loads(self.publish("--json", "--force").stdout)
        self.assertEqual(again["version"], 2)
        self.assertEqual(again["gate"]["current"], 1)

    def test_placeholders_are_replaced_and_told(self):
        self.put("u1", 1976745600)  # 2032
        self.assertIn("1 of a time to come replaced (such as 'u1')", self.publish().stdout)
        self.assertNotEqual(self.rows("user_items")["u1"], b"old")

    def test_a_row_that_somebody_writes_meanwhile_is_kept_and_told(self):
        database = sqlite3.connect(self.database, isolation_level=None)
        database.execute("BEGIN IMMEDIATE")  # another writer, at work
        told = []
        thread = threading.Thread(target=lambda: told.append(self.publish("--json", check=False)))
        thread.start()
        service.wait_until((self.repo / "bundles").exists, 60, "no bundle is copied")
        time.sleep(1.5)  # the publication's moment is over
        self.put("u1", int(time.time()), database)
        time.sleep(1.1)
        database.execute("COMMIT")
        database.close()
        thread.join()
        self.assertEqual(told[0].returncode, 3, told[0].stderr)
        answer = json.loads(told[0].stdout)
        self.assertEqual(answer["version"], 1)
        views = answer["views"]
        self.assertEqual((views["user_items"]["newer_kept"], views["user_items"]["newer_example"]), (1, "u1"))
        self.assertEqual(views["user_items"]["written"], answer["users"] - 1)
        self.assertEqual(views["user_embedding"]["written"], answer["users"])
        self.assertIn("were kept", answer["error"]["message"])
        self.assertEqual(self.rows("user_items")["u1"], b"old")

    def put(self, user, seconds, database=None):
        row = (feast_repo.key_of("user_id", user), "top_k_item_ids", b"old", seconds)
        query = "INSERT INTO shop_user_items (entity_key, feature_name, value, event_ts) VALUES (?, ?, ?, ?)"
        if database is not None:
            database.execute(query, row)
            return
        own = sqlite3.connect(self.database)
        own.execute(query, row)
        own.commit()
        own.close()

    def test_what_a_repository_is_not(self):
        for words in (("serve",), ("store", "show"), ("keys", "list")):
            refused = service.run(PROGRAM, *words, f"--store=feast:{self.repo}", cwd=self.folder, check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("Feast repository", refused.stderr)
        refused = self.publish("--tenant=other", check=False)
        self.assertIn("one shop", refused.stderr)

    def test_a_missing_view_is_told_with_its_definition(self):
        more = ("--set", "publish.feast.user_items=lists")
        refused = self.publish(*more, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("FeatureView(", refused.stderr)
        self.assertIn('name="lists"', refused.stderr)
        self.publish("--set", "publish.feast.item_text=", "--set", "publish.feast.item_embedding=")
        self.assertEqual(self.rows("item_embedding"), {})


if __name__ == "__main__":
    cases.main()

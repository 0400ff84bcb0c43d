"""Feast's repository -> torii -> Feast's online store -> Feast's clients, unmodified.

    round_trip_test.py [VERSION [STORE]]    0.67 or 0.49; sqlite, postgres, pgvector or redis

`feast apply` on a copy of the reference's repository, torii trains from it and publishes into it;
then Feast's clients read every user's list and every embedding by get_online_features and by the
HTTP feature server (and, with pgvector, by retrieve_online_documents): bit by bit what torii says.
"""

import datetime
import pathlib
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import feast_side  # noqa: E402
from support import cases  # noqa: E402

VERSION, STORE = (sys.argv[1:] + ["0.67", "sqlite"][len(sys.argv) - 1 :])[:2]
USERS, ITEMS, K, TEXT_WIDTH = 1000, 101, 64, 384
NOT_FOUND = "nobody-of-this-name"


def float32(values):
    """Numbers of JSON as the bytes that they stand for."""
    return struct.pack(f"<{len(values)}f", *values)


class RoundTrip(feast_side.FeastCase):
    version = VERSION

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.repo = feast_side.Repo(cls.folder / "copy")
        store = feast_side.online_store(STORE, cls.repo, cls.folder, cls.peer)
        cls.yaml, cls.env = cls.stack.enter_context(store)
        cls.repo.apply(cls.peer, cls.yaml, cls.env)
        cls.registry = cls.registry_files()
        cls.torii = feast_side.Torii(cls.folder / "torii", cls.repo.folder / cls.yaml, cls.env)
        cls.trained = cls.torii.train()
        cls.begun = time.time()
        cls.torii.publish()
        cls.ended = time.time()
        cls.own = cls.torii.own(cls.peer, K)

    @classmethod
    def registry_files(cls):
        folder = cls.repo.folder / "data"
        return {file.name: file.read_bytes() for file in folder.glob("registry*.db")}

    def read(self, view, ids, **more):
        """{id: (value, status, event time)} by get_online_features."""
        feature, key, _ = feast_side.VIEWS[view]
        words = {"repo": str(self.repo.folder), "yaml": self.yaml, "view": view}
        words |= {"feature": feature, "key": key, "ids": ids}
        return self.peer.run("read", env=self.env, **words, **more)

    def check_view(self, view):
        expected = self.own[view]
        found = self.read(view, sorted(expected))
        self.assert_same(feast_side.values_of(found), expected, view)
        for identity, (_, status, at) in found.items():
            self.assertEqual(status, "PRESENT", (view, identity))
            # Feast says a time of UTC without saying so. sqlite, and redis in 0.49: whole seconds.
            moment = datetime.datetime.fromisoformat(at).replace(tzinfo=datetime.timezone.utc)
            self.assertGreaterEqual(moment.timestamp(), int(self.begun) - 1, (view, identity))
            self.assertLessEqual(moment.timestamp(), self.ended + 1, (view, identity))

    # ---- the Python client

    def test_all_of_it_was_trained(self):
        counts = (self.trained["users"], self.trained["items"], self.trained["interactions"])
        self.assertEqual(counts, (USERS, ITEMS, 20000))
        sizes = {view: len(rows) for view, rows in self.own.items()}
        self.assertEqual(
            sizes, {"user_items": USERS, "user_embedding": USERS, "item_embedding": ITEMS}
        )

    def test_every_list(self):
        self.check_view("user_items")

    def test_every_list_by_the_service_of_the_reference(self):
        ids = sorted(self.own["user_items"])
        found = self.read("user_items", ids, service="user_top_k_items")
        self.assert_same(feast_side.values_of(found), self.own["user_items"], "user_top_k_items")

    def test_every_user_embedding(self):
        self.check_view("user_embedding")

    def test_every_item_embedding(self):
        self.check_view("item_embedding")

    def test_every_item_has_the_vector_of_its_text(self):
        found = self.read("item_textual_features_embed", sorted(self.own["item_embedding"]))
        distinct = set()
        for identity, (value, status, _) in found.items():
            self.assertEqual((status, len(value)), ("PRESENT", 4 * TEXT_WIDTH), identity)
            length = sum(x * x for x in struct.unpack(f"<{TEXT_WIDTH}f", value))
            self.assertAlmostEqual(length, 1, 4, identity)
            distinct.add(value)
        self.assertGreater(len(distinct), ITEMS / 2)

    def test_who_is_unknown_is_not_found(self):
        ((value, status, _),) = self.read("user_items", [NOT_FOUND]).values()
        self.assertIsNone(value)
        if STORE != "redis":  # whose client says PRESENT of all that it asks for
            self.assertEqual(status, "NOT_FOUND")

    def test_the_registry_is_as_feast_left_it(self):
        self.assertEqual(self.registry_files(), self.registry)

    # ---- the feature server

    def test_the_feature_server_gives_the_same(self):
        with feast_side.feature_server(self.peer, self.repo, self.yaml, self.env) as client:
            for view, expected in self.own.items():
                feature, key, _ = feast_side.VIEWS[view]
                found, ids = {}, sorted(expected)
                for begin in range(0, len(ids), 250):
                    some = ids[begin : begin + 250]
                    request = {"features": [f"{view}:{feature}"], "entities": {key: some}}
                    found |= self.column(client, request, key, feature)
                self.assert_same(found, expected, f"{view} by HTTP")
            request = {"feature_service": "user_top_k_items", "entities": {"user_id": [NOT_FOUND]}}
            found = self.column(client, request, "user_id", "top_k_item_ids")
            self.assertEqual(found, {NOT_FOUND: None})

    def column(self, client, request, key, feature):
        status, answer = client.post("/get-online-features", request)
        self.assertEqual(status, 200, answer)
        results = dict(zip(answer["metadata"]["feature_names"], answer["results"], strict=True))
        values = [
            float32(value) if value and isinstance(value[0], float) else value
            for value in results[feature]["values"]
        ]
        return dict(zip(results[key]["values"], values, strict=True))

    # ---- vectors in PostgreSQL

    if STORE == "pgvector":

        def test_retrieve_online_documents_ranks_as_the_lists_do(self):
            """Its order (by L2, which the article's model trains), without what a user has already
            met, is the list."""
            users = sorted(self.own["user_embedding"])
            queries = {
                "queries": [self.own["user_embedding"][user].hex() for user in users],
                "k": ITEMS,
            }
            words = {"repo": str(self.repo.folder), "yaml": self.yaml}
            found = self.peer.run("documents", env=self.env, seconds=300, **words, **queries)
            items = {identity: floats(row) for identity, row in self.own["item_embedding"].items()}
            met = self.met()
            for user, order in zip(users, found, strict=True):
                self.assertEqual(sorted(order), sorted(items), user)
                left = [item for item in order if item not in met.get(user, ())]
                listed = self.own["user_items"][user]
                query = floats(self.own["user_embedding"][user])
                for a, b in zip(left, listed, strict=False):
                    if a != b:  # only where both are equally far
                        far, near = (distance(query, items[item]) for item in (a, b))
                        self.assertAlmostEqual(far, near, 4, (user, a, b))
                self.assertEqual(len(listed), min(K, len(left)), user)

        def met(self):
            """What each user has met, liked or not: that is in no list."""
            file = str(feast_side.ORIGINAL / "recommendation_interactions.parquet")
            table = self.peer.run("columns", file=file, names=["user_id", "item_id"])
            met = {}
            for user, item in zip(table["user_id"], table["item_id"], strict=True):
                met.setdefault(user, set()).add(item)
            return met


def floats(vector):
    return struct.unpack(f"<{len(vector) // 4}f", vector)


def distance(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5


if __name__ == "__main__":
    cases.main()

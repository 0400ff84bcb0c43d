"""Time zones: writer and reader in Tokyo and at UTC agree, about values and about event times.

Every pair of a torii that publishes under one TZ and a Feast client that reads under another, in
each online store. PostgreSQL also with a database whose own time zone is Tokyo's.
"""

import datetime
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import feast_side  # noqa: E402
from support import cases  # noqa: E402

ZONES = ("UTC", "Asia/Tokyo")
TOKYO_S = 9 * 3600
ROWS = 20  # users that are read; round_trip_test.py reads them all


class Zones(feast_side.FeastCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.repo = feast_side.Repo(cls.folder / "copy")
        cls.repo.apply(cls.peer)
        cls.torii = feast_side.Torii(cls.folder / "torii", cls.repo.folder, {"TZ": "UTC"})
        cls.trained = cls.torii.train("--threads=1")
        cls.own = cls.torii.own(cls.peer)

    def test_the_same_bundle_comes_of_the_same_tables(self):
        """Times of interactions and of users are those of the tables wherever torii runs."""
        tokyo = feast_side.Torii(self.folder / "tokyo", self.repo.folder, {"TZ": "Asia/Tokyo"})
        self.assertEqual(tokyo.train("--threads=1")["id"], self.trained["id"])

    def test_sqlite(self):
        self.check("sqlite")

    def test_postgres(self):
        self.check("postgres")

    def test_postgres_of_tokyo(self):
        tokyo = ["alter database postgres set timezone to 'Asia/Tokyo'"]
        self.check("postgres", tokyo)

    def test_redis(self):
        self.check("redis")

    def check(self, kind, statements=()):
        place = self.folder / self.id().rsplit(".", maxsplit=1)[-1]
        repo = feast_side.Repo(place / "copy")
        users = sorted(self.own["user_items"])[:ROWS]
        with feast_side.online_store(kind, repo, place, self.peer) as (yaml, env):
            repo.apply(self.peer, yaml, env)
            if statements:
                port = env["DB_PORT"]
                where = f"host=127.0.0.1 port={port} dbname=postgres user=torii"
                self.peer.run("sql", conninfo=where, statements=list(statements))
            for writer in ZONES:
                begun = time.time()
                self.torii.repo = repo.folder / yaml
                self.torii.publish(env={**env, "TZ": writer})
                ended = time.time()
                for reader in ZONES:
                    with self.subTest(store=kind, writer=writer, reader=reader):
                        found = self.read(repo, yaml, {**env, "TZ": reader}, users)
                        expected = {user: self.own["user_items"][user] for user in users}
                        self.assert_same(feast_side.values_of(found), expected, "user_items")
                        # Feast's client of SQLite takes the epoch in the file for its local time,
                        # also of rows that Feast wrote at UTC: right at UTC, off elsewhere.
                        off = TOKYO_S if (kind, reader) == ("sqlite", "Asia/Tokyo") else 0
                        for _, status, at in found.values():
                            self.assertEqual(status, "PRESENT")
                            moment = datetime.datetime.fromisoformat(at)
                            seconds = moment.replace(tzinfo=datetime.timezone.utc).timestamp() - off
                            self.assertGreaterEqual(seconds, int(begun) - 1)
                            self.assertLessEqual(seconds, ended + 1)

    def read(self, repo, yaml, env, users):
        words = {"repo": str(repo.folder), "yaml": yaml, "view": "user_items", "key": "user_id"}
        words |= {"feature": "top_k_item_ids", "ids": users}
        return self.peer.run("read", env=env, **words)


if __name__ == "__main__":
    cases.main()

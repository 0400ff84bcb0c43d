"""`torii pipeline run` with a Feast repository as its source: the article's three steps to the end, and a
night that ends at its gate, for the reference's rows were made at random; a night that lets them pass
publishes into the repository's online store, where Feast's own client finds the lists."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import feast_side  # noqa: E402
from support import cases  # noqa: E402

TABLES = ("load-users", "load-items", "load-interactions")


class FeastNight(feast_side.FeastCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.repo = feast_side.Repo(cls.folder / "copy")
        cls.repo.apply(cls.peer)
        cls.torii = feast_side.Torii(cls.folder / "torii", cls.repo.folder)

    def run_pipeline(self, *words, check=True):
        done = self.torii.run("pipeline", "run", *words, "--config=torii.yaml", "--json", check=check)
        answer = json.loads(done.stdout)
        return {task["task"]: task["status"] for task in answer["tasks"]}, done

    def test_the_articles_three_steps(self):
        tasks, _ = self.run_pipeline("article")
        self.assertEqual(tasks, dict.fromkeys(("load-training-data", "train-model", "generate-candidates"), "succeeded"))

    def test_a_night_ends_at_its_gate_or_in_the_online_store(self):
        self.torii.run("load", "--config=torii.yaml", "--table=users", "--out=users.parquet")
        users = self.peer.run("vectors", file=str(self.torii.folder / "users.parquet"), key="user_id", column="user_id")
        store = f"--param=store=feast:{self.repo.folder}"
        tasks, done = self.run_pipeline("nightly", store, check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual({tasks[name] for name in (*TABLES, "train", "evaluate")}, {"succeeded"})
        self.assertEqual((tasks["gate"], tasks["publish"]), ("failed", "blocked"))
        place = {"repo": str(self.repo.folder), "yaml": "feature_store.yaml"}
        read = {"view": "user_items", "feature": "top_k_item_ids", "key": "user_id", "ids": sorted(users)}
        self.assertFalse(any(feast_side.values_of(self.peer.run("read", **place, **read)).values()))

        tasks, _ = self.run_pipeline("nightly", store, "--param=must_beat=nothing")
        self.assertEqual((tasks["train"], tasks["publish"]), ("cached", "succeeded"))
        lists = feast_side.values_of(self.peer.run("read", **place, **read))
        self.assertEqual({len(items) for items in lists.values()}, {64})


if __name__ == "__main__":
    cases.main()

"""`torii pipeline run` with its artifacts in S3, on the reference's data. Runs beside a server of its own
(compat/s3/with_s3.py)."""

import json
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, service  # noqa: E402

PROGRAM = service.program_of_environment()
SHARED = os.environ.get("TORII_SHARED_DIR", "")
DATA = pathlib.Path(SHARED) / "data" / "reference"


class PipelineInS3(unittest.TestCase):
    def setUp(self):
        if not (SHARED and DATA.is_dir()):
            if os.environ.get("CI") == "true":
                self.fail(f"{DATA}: the data of the tests is missing")
            self.skipTest(f"{DATA} is not there; TORII_SHARED_DIR names the folder with data sets")
        folder = tempfile.TemporaryDirectory(prefix="torii-night-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_pipeline(self, *words, check=True, env=None):
        done = service.run(PROGRAM, "pipeline", "run", *words, "--json", cwd=self.folder, check=check, env=env)
        return json.loads(done.stdout), done

    def told(self, *words):
        return json.loads(service.run(PROGRAM, "pipeline", *words, "--json", cwd=self.folder).stdout)

    def test_a_night_and_the_next(self):
        words = ("nightly", f"--data={DATA.parent / 'ml-100k'}", "--param=store=sqlite:shop.db", "--store=s3://shop/night", "--set", "train.epochs=8")
        answer, _ = self.run_pipeline(*words)
        self.assertEqual({task["status"] for task in answer["tasks"]}, {"succeeded"})
        self.assertEqual(len(answer["tasks"]), 10)
        again, _ = self.run_pipeline(*words)
        cached = {task["task"] for task in again["tasks"] if task["status"] == "cached"}
        self.assertEqual(cached, {"encode-text", "train", "evaluate", "candidates-1", "candidates-2"})
        lineage = self.told("lineage", "last")
        for one in lineage["artifacts"]:
            self.assertTrue(one["uri"].startswith("s3://shop/night/objects/"), one)

    def test_data_without_taste_ends_at_the_gate(self):
        """The reference's rows were made at random: no model of them has a clear lead over what is popular."""
        words = ("nightly", f"--data={DATA}", "--param=store=sqlite:shop.db", "--store=s3://shop/random")
        answer, done = self.run_pipeline(*words, check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        status = {task["task"]: task["status"] for task in answer["tasks"]}
        self.assertEqual((status["evaluate"], status["gate"], status["publish"]), ("succeeded", "failed", "blocked"))
        self.assertIn("not clearly better than popularity", done.stderr)
        article, _ = self.run_pipeline("article", f"--data={DATA}", "--store=s3://shop/random")
        self.assertEqual(article["status"], "succeeded")
        again, _ = self.run_pipeline("nightly", *words[1:], "--param=must_beat=nothing")
        self.assertEqual(again["status"], "succeeded")  # no worse than what is popular
        # What the artifacts say is read from S3 too.
        other, _ = self.run_pipeline("nightly", *words[1:], "--param=must_beat=nothing", "--param=seed=7")
        differences = self.told("diff", again["run"], other["run"])
        self.assertEqual(differences["not_compared"], [])
        (lists,) = differences["lists"]
        self.assertEqual((lists["users"], lists["k"]), (1000, 64))
        self.assertTrue(0 < lists["overlap@k"] < 1)
        self.assertTrue(lists["entered"] and lists["left"])
        back = self.told("lineage", "--store=sqlite:shop.db", "--version=1")
        self.assertEqual((back["run"]["run"], back["run"]["model"]["made_in"]), (again["run"], answer["run"]))

    def test_a_model_of_all_rows_cannot_be_judged(self):
        words = ("nightly", f"--data={DATA}", "--param=store=sqlite:shop.db", "--store=s3://shop/all-rows")
        done = service.run(PROGRAM, "pipeline", "run", *words, "--set", "evaluate.split=none", cwd=self.folder, check=False)
        self.assertIn(done.returncode, (2, 3), done.stderr)
        self.assertIn("split", done.stderr)

    def test_a_wrong_key_is_told_and_nothing_is_lost(self):
        words = ("article", f"--data={DATA}", "--store=s3://shop/night")
        wrong = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{service.free_port()}", "AWS_MAX_ATTEMPTS": "1"}
        done = service.run(PROGRAM, "pipeline", "run", *words, cwd=self.folder, check=False, env=wrong)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("s3://shop/night", done.stderr)
        answer, _ = self.run_pipeline("--resume=last")
        self.assertEqual(answer["status"], "succeeded")


if __name__ == "__main__":
    cases.main()

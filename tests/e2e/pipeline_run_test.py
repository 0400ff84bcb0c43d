"""`torii pipeline run` with the real program: the built-in pipelines from tables to a published model, what
a second night takes from the first, a gate that says no, what was run told afterwards."""

import json
import pathlib
import sqlite3
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, service  # noqa: E402

PROGRAM = service.program_of_environment()


class PipelineRun(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="torii-night-")
        cls.shop = pathlib.Path(cls.temporary.name)
        service.generate_shop(PROGRAM, cls.shop)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="torii-run-", dir=self.shop)
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        text = (self.shop / "torii.yaml").read_text().replace("path: shop/", f"path: {self.shop}/shop/")
        (self.folder / "torii.yaml").write_text(text)

    def torii(self, *words, check=True):
        return service.run(PROGRAM, *words, "--json", cwd=self.folder, check=check)

    def run_pipeline(self, *words, check=True):
        done = self.torii("pipeline", "run", *words, check=check)
        answer = json.loads(done.stdout)
        return answer, {task["task"]: task["status"] for task in answer["tasks"]}, done

    def night(self, *words, check=True):
        return self.run_pipeline("nightly", "--config=torii.yaml", f"--param=store=sqlite:{self.folder}/shop.db", *words, check=check)

    def versions(self):
        shown = json.loads(self.torii("store", "show", f"--store=sqlite:{self.folder}/shop.db").stdout)
        return [one["version"] for tenant in shown["tenants"] for one in tenant["publications"]]

    def test_a_night_and_the_next(self):
        answer, tasks, _ = self.night()
        self.assertEqual(answer["status"], "succeeded")
        self.assertEqual(set(tasks.values()), {"succeeded"})
        self.assertEqual(len(tasks), 10)
        begun = time.monotonic()
        again, second, _ = self.night()
        self.assertLess(time.monotonic() - begun, 20)
        cached = {"encode-text", "train", "evaluate", "candidates-1", "candidates-2"}
        self.assertEqual({name for name, status in second.items() if status == "cached"}, cached)

        with self.subTest("lineage leads from the publication to the tables"):
            lineage = json.loads(self.torii("pipeline", "lineage", again["run"]).stdout)
            made = {f"{one['task']}.{one['name']}": one for one in lineage["artifacts"] if one["role"] == "output"}
            read = [one for one in lineage["artifacts"] if one["role"] == "input" and "from" in one]
            self.assertGreaterEqual(len(read), 20)
            for one in read:
                self.assertEqual(one["sha256"], made[one["from"]]["sha256"], one)
            published = json.loads(pathlib.Path(made["publish.publication"]["uri"]).read_text())
            self.assertEqual(published["version"], 2)

        with self.subTest("two equal nights differ in what was published alone"):
            differences = json.loads(self.torii("pipeline", "diff", answer["run"], again["run"]).stdout)
            self.assertTrue(differences["same_pipeline"])
            self.assertEqual({one["what"] for one in differences["differences"]},
                             {"output publish.publication", "output gate.verdict"})  # fmt: skip

        with self.subTest("another content of the configuration is another training"):
            text = (self.folder / "torii.yaml").read_text().replace("epochs: 2", "epochs: 3")
            (self.folder / "torii.yaml").write_text(text)
            third_answer, third, _ = self.night()
            self.assertEqual(third["train"], "succeeded")
            _, fourth, _ = self.night("--set", "train.epochs=2")
            self.assertEqual(fourth["train"], "succeeded")

        with self.subTest("a publication leads back to run, model, data and settings"):
            self.leads_back(answer["run"], again["run"])

        with self.subTest("two nights with other settings differ in settings, metrics and lists"):
            self.differs_by_epochs(answer["run"], third_answer["run"])

        runs = json.loads(self.torii("pipeline", "runs").stdout)["runs"]
        self.assertEqual([one["status"] for one in runs], ["succeeded"] * 4)
        logs = json.loads(self.torii("pipeline", "logs", answer["run"], "--step=train").stdout)
        self.assertIn("epoch", logs["attempts"][0]["text"])

    def leads_back(self, first, second):
        store = f"--store=sqlite:{self.folder}/shop.db"
        back = json.loads(self.torii("pipeline", "lineage", store, "--version=2").stdout)
        self.assertEqual((back["publication"]["version"], back["run"]["run"]), (2, second))
        self.assertEqual((back["run"]["model"]["task"], back["run"]["model"]["made_in"]), ("train", first))
        self.assertEqual(back["settings"]["train"]["epochs"], 2)
        sources = {f"{one['task']}.{one['name']}": one for one in back["run"]["sources"]}
        self.assertEqual(len(sources["load-users.users"]["sha256"]), 64)
        config = next(one for name, one in sources.items() if name.endswith(".config"))
        self.assertEqual(config["uri"], str(self.folder / "torii.yaml"))
        self.assertTrue(back["publication"]["lineage"]["data"]["fingerprint"])
        shown = service.run(PROGRAM, "pipeline", "lineage", store, "--version=1", cwd=self.folder).stdout
        self.assertIn(f"run          {first}", shown)
        done = self.torii("pipeline", "lineage", store, "--version=77", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no version 77", done.stderr)

        # Of a publication that names no run, the bundle's manifest tells.
        database = sqlite3.connect(self.folder / "shop.db")
        info = json.loads(database.execute("SELECT info FROM torii_publications WHERE version = 2").fetchone()[0])
        self.assertEqual(info["lineage"].pop("pipeline"), {"run": second, "task": "publish"})
        database.execute("UPDATE torii_publications SET info = ? WHERE version = 2", (json.dumps(info),))
        database.commit()
        back = json.loads(self.torii("pipeline", "lineage", store, "--version=2").stdout)
        self.assertEqual(back["run"]["model"]["made_in"], first)

    def differs_by_epochs(self, first, third):
        differences = json.loads(self.torii("pipeline", "diff", first, third).stdout)
        settings = {one["what"]: (one["before"], one["after"]) for one in differences["settings"]}
        self.assertEqual(settings, {"train.epochs": ("2", "3")})
        self.assertEqual(differences["not_compared"], [])
        ndcg = next(one for one in differences["metrics"] if one["key"] == "metrics.ndcg@10")
        self.assertAlmostEqual(ndcg["difference"], ndcg["after"] - ndcg["before"])
        (lists,) = differences["lists"]
        self.assertEqual((lists["what"], lists["users"], lists["sample"]), ("candidates.lists", 60, False))
        self.assertGreater(lists["changed_share"], 0)
        self.assertTrue(0 < lists["overlap@10"] <= 1)
        shown = service.run(PROGRAM, "pipeline", "diff", first, third, cwd=self.folder).stdout
        for expected in ("train.epochs", "metrics.ndcg@10", "have another list"):
            self.assertIn(expected, shown)

    def test_tables_of_a_database_take_the_same_way(self):
        service.write_shop(self.folder)
        database = sqlite3.connect(self.folder / "tables.db")
        for table in ("users", "items", "interactions"):
            header, *rows = [line.split(",") for line in (self.folder / "tables" / f"{table}.csv").read_text().split()]
            database.execute(f"CREATE TABLE {table} ({', '.join(header)})")
            database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(header))})", rows)
        database.execute("CREATE TABLE fresh AS SELECT 'new' AS user_id, '30' AS age, 'c1' AS city")
        database.commit()
        place = f"path: sqlite:{self.folder}/tables.db"
        (self.folder / "torii.yaml").write_text(
            "data:\n"
            f"  interactions: {{{place}, query: SELECT * FROM interactions ORDER BY timestamp}}\n"
            f"  users: {{{place}, table: users, categorical: [city]}}\n"
            f"  new_users: {{{place}, table: fresh}}\n"
            f"  items: {{{place}, table: items, categorical: [category, color]}}\n"
            "model: {width: 16}\n"
            "train: {epochs: 2, patience: 0, batch_size: 256}\n"
        )
        answer, _, _ = self.night("--set", "publish.gate=off")
        self.assertEqual(answer["status"], "succeeded")
        shown = json.loads(self.torii("pipeline", "logs", answer["run"], "--step=publish").stdout)
        self.assertIn("61 users", shown["attempts"][0]["text"])
        answer, tasks, _ = self.run_pipeline("article", "--config=torii.yaml")
        self.assertEqual(set(tasks.values()), {"succeeded"})

    def test_a_gate_that_says_no_ends_the_run_and_a_mended_one_goes_on(self):
        service.generate_shop(PROGRAM, self.folder, users=300, items=400, interactions=9000)
        text = (self.folder / "torii.yaml").read_text().replace("gate: report", "gate: enforce")
        # It has learned nothing: worse than what is popular, beyond doubt.
        (self.folder / "torii.yaml").write_text(text.replace("epochs: 2", "epochs: 1, learning_rate: 0.0000001"))
        answer, tasks, done = self.night(check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual((answer["status"], tasks["gate"], tasks["publish"]), ("failed", "failed", "blocked"))
        self.assertIn("--resume=", done.stderr)
        self.assertEqual(self.versions(), [])
        (self.folder / "torii.yaml").write_text(text.replace("gate: enforce", "gate: report"))
        answer, tasks, _ = self.run_pipeline(f"--resume={answer['run']}")
        self.assertEqual((answer["status"], tasks["publish"]), ("succeeded", "succeeded"))
        self.assertEqual(self.versions(), [1])

    def test_what_cannot_be_is_told(self):
        for words, expected in (
            (("night.yaml",), "night.yaml"),
            (("nightly", "--config=torii.yaml"), "store"),
            (("--resume=20200101-000000-abcdef",), "nothing has run there"),
            (("nightly", "--config=torii.yaml", "--param=store=sqlite:x.db", "--cpus=-1"), "--cpus"),
        ):
            done = self.torii("pipeline", "run", *words, check=False)
            self.assertEqual(done.returncode, 2, (words, done.stderr))
            self.assertIn(expected, done.stderr)


if __name__ == "__main__":
    cases.main()

"""torii's own steps with artifacts in S3 that nobody copies between them: tables, vectors of texts, a model
and lists are read and written where they are."""

import json
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, service  # noqa: E402
from support.s3_store import S3Store  # noqa: E402

PROGRAM = service.program_of_environment()
TABLES = "--set data.users.path=${inputs.users} --set data.items.path=${inputs.items} --set data.interactions.path=${inputs.interactions}"
READ = "users: load-users.users, items: load-items.items, interactions: load-interactions.interactions"
NIGHT = (
    """name: night
parameters: {data: {type: place}, store: {type: place}, place: {type: text}}
location: ${params.place}
steps:
"""
    + "".join(
        f"  load-{table}:\n    command: torii load --table={table} --data=${{params.data}} --out=${{outputs.{table}}}\n"
        f"    outputs: {{{table}: {{type: Dataset, share: location}}}}\n"
        for table in ("users", "items", "interactions")
    )
    + f"""  encode:
    command: torii encode {TABLES} --out=${{outputs.texts}}
    inputs: {{{READ}}}
    outputs: {{texts: {{type: Dataset, share: location}}}}
  train:
    command: torii train {TABLES} --cache=${{inputs.texts}} --set train.epochs=2 --set model.width=16 --out=${{outputs.model}}
    inputs: {{{READ}, texts: encode.texts}}
    outputs: {{model: {{type: Model, share: location}}}}
  evaluate:
    command: torii evaluate {TABLES} --cache=${{inputs.texts}} --bundle=${{inputs.model}} --report=${{outputs.report}} --answer=${{outputs.metrics}}
    inputs: {{{READ}, texts: encode.texts, model: train.model}}
    outputs:
      report: {{type: HTML, share: location, keep: true}}
      metrics: {{type: Metrics, share: location, keep: true}}
  candidates:
    command: torii candidates {TABLES} --cache=${{inputs.texts}} --bundle=${{inputs.model}} --shard=${{shard}}/${{shards}} --k=10 --out=${{outputs.lists}}
    inputs: {{{READ}, texts: encode.texts, model: train.model}}
    outputs: {{lists: {{type: Dataset, share: location}}}}
    shards: 2
  publish:
    command: torii publish {TABLES} --cache=${{inputs.texts}} --bundle=${{inputs.model}} --candidates=${{inputs.lists}} --k=10 --store=${{params.store}} --set publish.gate=off --answer=${{outputs.publication}}
    inputs: {{{READ}, texts: encode.texts, model: train.model, lists: candidates.lists}}
    outputs: {{publication: {{type: Artifact, keep: true}}}}
"""
)


class ByLocation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="torii-places-")
        cls.folder = pathlib.Path(cls.temporary.name)
        service.generate_shop(PROGRAM, cls.folder)
        cls.store = S3Store(cls.folder / "s3")
        cls.store.start()
        (cls.folder / "night.yaml").write_text(NIGHT)
        (cls.folder / "tmp").mkdir()
        words = ("night.yaml", f"--data={cls.folder}/shop", f"--param=store=sqlite:{cls.folder}/shop.db", "--param=place=s3://shop/places", "--json")
        cls.answer = json.loads(cls.torii("pipeline", "run", *words, "--store=s3://shop/artifacts").stdout)

    @classmethod
    def tearDownClass(cls):
        cls.store.stop()
        cls.temporary.cleanup()

    @classmethod
    def torii(cls, *words, check=True, **more):
        return service.run(PROGRAM, *words, cwd=cls.folder, check=check, env=cls.store.environment(TMPDIR=f"{cls.folder}/tmp", **more))

    def place(self, task, output, attempt=1):
        return f"s3://shop/places/{self.answer['run']}/{task}/{attempt}/{output}"

    def test_a_night_goes_from_tables_to_a_publication(self):
        self.assertEqual({task["status"] for task in self.answer["tasks"]}, {"succeeded"})
        lineage = json.loads(self.torii("pipeline", "lineage", "last", "--json").stdout)
        located = {f"{one['task']}.{one['name']}": one for one in lineage["artifacts"] if one["role"] == "output" and one.get("by_location")}
        self.assertEqual(len(located), 3 + 1 + 1 + 2 + 2)
        for one in located.values():
            self.assertTrue(one["uri"].startswith("s3://shop/places/"), one)
        self.assertIn(self.place("train", "model").removeprefix("s3://shop/") + "/bundle.json", self.store.objects())
        self.assertEqual(self.store.uploads, {})
        # Of what went by location nothing is in the store of copies: its mark and the publication are all.
        self.assertEqual(len(self.store.objects("artifacts/")), 2)
        shown = json.loads(self.torii("store", "show", f"--store=sqlite:{self.folder}/shop.db", "--json").stdout)
        self.assertEqual([one["version"] for tenant in shown["tenants"] for one in tenant["publications"]], [1])

    def test_verbs_name_the_places_that_they_were_given(self):
        model, out = self.place("train", "model"), "s3://shop/mine/lists.parquet"
        for words in (("--json",), ()):
            done = self.torii("candidates", f"--bundle={model}", f"--data={self.folder}/shop", "--k=5", f"--out={out}", *words)
            self.assertIn(out, done.stdout)
            self.assertNotIn("torii-places", done.stdout.replace(str(self.folder), ""))
        self.assertIn("mine/lists.parquet", self.store.objects())
        done = self.torii("embed", "--bundle", model, f"--data={self.folder}/shop", "--out", "s3://shop/mine/vectors", "--answer=answer.json")
        self.assertEqual(json.loads((self.folder / "answer.json").read_text())["out"], "s3://shop/mine/vectors")
        self.assertIn("mine/vectors/user_embeddings.parquet", self.store.objects())
        self.assertEqual(os.listdir(self.folder / "tmp"), [], "something was left behind")

    def test_what_is_not_there_or_cannot_be_is_told(self):
        data = f"--data={self.folder}/shop"
        for words, expected in (
            (("candidates", "--bundle=s3://shop/none", data, "--out=x.parquet"), ("--bundle", "s3://shop/none", "no such object")),
            (("candidates", "--bundle=s3://nowhere/x", data, "--out=x.parquet"), ("no bucket 'nowhere'",)),
            (("train", data, "--out=s3://shop/m", "--resume"), ("--resume", "s3://shop/m", "checkpoint")),
        ):
            done = self.torii(*words, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            for word in expected:
                self.assertIn(word, done.stderr)
        done = self.torii("train", data, "--out=s3://shop/m", check=False, AWS_ACCESS_KEY_ID="somebody")
        self.assertEqual(done.returncode, 1)
        self.assertIn("access denied", done.stderr)
        self.assertNotIn("epoch", done.stderr, "it is told after the work and not before")

    def test_half_a_bundle_is_none(self):
        """The manifest goes last: what an interrupted upload leaves cannot be opened."""

        def refuse(method, key, query):
            return (403, "AccessDenied") if method == "PUT" and key == "half/bundle.json" else None

        self.store.faults.append(refuse)
        self.addCleanup(self.store.faults.remove, refuse)
        words = ("train", f"--data={self.folder}/shop", "--set", "train.epochs=1", "--out=s3://shop/half")
        done = self.torii(*words, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("s3://shop/half/bundle.json", done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertIn("half/towers.safetensors", self.store.objects())
        done = self.torii("bundle", "show", "--bundle=s3://shop/half", check=False)
        self.assertEqual(done.returncode, 2, done.stderr)


if __name__ == "__main__":
    cases.main()

#!/usr/bin/env python3
"""The built-in pipelines in KFP's own local orchestrator, with the real program in every step."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parent.parent)]
from support import cases, service  # noqa: E402

PROGRAM = pathlib.Path(os.environ["TORII_PROGRAM"])
KFP = pathlib.Path(os.environ["TORII_DEPS"]) / "kfp"


class KfpRun(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="torii-kfp-")
        cls.shop = pathlib.Path(cls.temporary.name)
        service.write_shop(cls.shop)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def run_compiled(self, name, words, given):
        """The artifacts that it leaves: file name -> path."""
        root = self.shop / name
        ir = self.shop / f"{name}.yaml"
        service.run(PROGRAM, "pipeline", "compile", name, "--target=kfp", "--image=torii:test", f"--out={ir}", *words, cwd=self.shop)
        environment = {**os.environ, "PYTHONPATH": str(KFP), "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}", "PYTHONWARNINGS": "ignore"}
        command = [sys.executable, "-B", str(HERE / "run_kfp.py"), str(ir), str(root), *(f"{key}={value}" for key, value in given.items())]
        done = subprocess.run(command, cwd=self.shop, env=environment, capture_output=True, text=True, timeout=240, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-3000:])
        return {path.name: path for path in root.rglob("*")}

    def test_nightly_ends_with_a_publication(self):
        store = f"sqlite:{self.shop}/shop.db"
        made = self.run_compiled("nightly", ("--set", "publish.gate=report", "--param=shards=3"), {"data": self.shop / "tables", "store": store, "k": "20"})
        published = json.loads(made["publication"].read_text())
        self.assertEqual((published["version"], published["users"]), (1, 60))
        self.assertEqual(json.loads(made["metrics"].read_text())["bundle"], published["bundle"])
        self.assertIn(b"<html", made["report"].read_bytes()[:2000])
        service.run(PROGRAM, "store", "verify", f"--store={store}", cwd=self.shop)

    def test_article_ends_with_lists_for_everyone(self):
        made = self.run_compiled("article", (), {"data": self.shop / "tables"})
        shown = service.run(PROGRAM, "bundle", "verify", str(made["model"]), cwd=self.shop)
        self.assertEqual(shown.returncode, 0)
        self.assertGreater(made["candidates"].stat().st_size, 1000)


if __name__ == "__main__":
    cases.main()

#!/usr/bin/env python3
"""Argo's own lint, strict and offline, over every manifest that `torii pipeline compile` writes: the kept ones, the
built-in pipelines and whole.yaml in each form, the pipelines of docs/pipelines.md. Argo's code judges, so the test is
there where it has been built (.deps/cluster/bin/argolint, `make test-cluster`)."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE.parents[1])]
from support import cases, service  # noqa: E402

PROGRAM = os.environ["TORII_PROGRAM"]
LINT = pathlib.Path(os.environ["TORII_DEPS"]) / "cluster" / "bin" / "argolint"
GIVEN = {
    "nightly": ("--data=s3://shop/tables", "--param=store=postgres://shop"),
    "article": ("--data=s3://shop/tables",),
    str(HERE / "whole.yaml"): ("--data=s3://shop/tables",),
}


class LintArgo(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def lint(self, *files):
        return subprocess.run([LINT, *map(str, files)], capture_output=True, text=True, timeout=60, check=False)

    def passes(self, *files):
        done = self.lint(*files)
        self.assertEqual(done.returncode, 0, f"{files}: {done.stdout}{done.stderr}")
        self.assertIn("no linting errors found", done.stdout)

    def compile(self, pipeline, *words):
        out = self.folder / "manifest.yaml"
        service.run(PROGRAM, "pipeline", "compile", pipeline, "--target=argo", f"--out={out}", *words, cwd=self.folder)
        return out

    def test_the_kept_manifests(self):
        kept = sorted((HERE / "expected").glob("*argo*.yaml"))
        self.assertGreaterEqual(len(kept), 4)
        for path in kept:
            self.passes(path)

    def test_every_form(self):
        (self.folder / "torii.yaml").write_text("train: {epochs: 2}\n")
        for pipeline, given in GIVEN.items():
            for kind in ("workflow", "template"):
                self.passes(self.compile(pipeline, f"--as={kind}", "--image=torii:0.1", *given))
        self.passes(self.compile(str(HERE / "whole.yaml"), "--as=cron", *GIVEN[str(HERE / "whole.yaml")]))
        words = ("--config=torii.yaml", "--s3-secret=torii-secrets", "--param=registry=https://registry.example.org", "--param=shards=8")
        self.passes(self.compile("nightly", "--image=torii:0.1", "--param=store=postgres://shop", "--namespace=shop", "--service-account=torii-steps", *words))

    def test_the_pipelines_of_the_docs(self):
        page = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
        found = 0
        for text in re.findall(r"^```yaml\n(# \S+\.yaml\n.*?)^```$", page, re.M | re.S):
            if text.startswith("# wrong.yaml"):
                continue
            (self.folder / "docs.yaml").write_text(text)
            self.passes(self.compile("docs.yaml", "--as=template", "--image=torii:0.1"))
            found += 1
        self.assertGreaterEqual(found, 1)

    def test_a_broken_manifest_is_refused(self):
        whole = (HERE / "expected" / "whole.argo.yaml").read_text()
        for old, new in (
            ("retryStrategy:", "retryStrategies:"),
            ("{{tasks.load.outputs.artifacts.users}}", "{{tasks.lode.outputs.artifacts.users}}"),
            ("depends: load.Succeeded", "depends: lode.Succeeded"),
        ):
            self.assertIn(old, whole)
            (self.folder / "broken.yaml").write_text(whole.replace(old, new, 1))
            self.assertNotEqual(self.lint(self.folder / "broken.yaml").returncode, 0, new)


if __name__ == "__main__":
    cases.main()

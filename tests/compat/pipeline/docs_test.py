#!/usr/bin/env python3
"""docs/pipelines.md does what it says: each YAML block is a file, each line of a shell is run (servers of the test's own
stand for the clusters, and for kubectl what it would read is looked at), what errors look like is compared."""

import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests"), str(pathlib.Path(__file__).parent)]
from stand_ins import ArgoServer, KfpServer  # noqa: E402
from support import cases, service  # noqa: E402

PROGRAM = os.environ["TORII_PROGRAM"]
PAGE = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.M | re.S)


class Docs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        (cls.folder / "token").write_text("let-me-in")
        service.write_shop(cls.folder)
        (cls.folder / "tables").rename(cls.folder / "shop")
        (cls.folder / "torii.yaml").unlink()
        for kind, text in BLOCKS:
            name = re.match(r"# (\S+\.yaml)\n", text)
            if kind == "yaml" and name:
                (cls.folder / name[1]).write_text(text)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def run_line(self, line, check=True):
        command = line.replace("torii ", shlex.quote(PROGRAM) + " ", 1)
        done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=self.folder, capture_output=True, text=True, check=False)
        if check:
            self.assertEqual(done.returncode, 0, f"{line}\n{done.stderr}")
        return done

    def test_every_block_is_tested(self):
        """A block of a kind, or a line of a shell, that no test here knows is a gap."""
        for kind, text in BLOCKS:
            if kind == "sh":
                for line in filter(None, text.splitlines()):
                    self.assertRegex(line, r"^(torii pipeline|torii serve .*--schedule=|kubectl (apply|create)) ?")
            elif kind == "yaml":
                self.assertRegex(text, r"^# \S+\.yaml\n")
            else:
                self.assertIn((kind, text[:11]), {("", "wrong.yaml:"), ("text", "load-users(")})  # a log is only shown

    def test_every_command_runs(self):
        lines = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line.startswith("torii pipeline")]
        self.assertGreater(len(lines), 7)
        for line in lines:
            if " submit " not in line:
                self.run_line(line)
                continue
            with KfpServer() if "kfp" in line else ArgoServer() as server:
                self.run_line(self.at(server, line))
                self.assertTrue(server.requests)

    def test_what_serve_is_given_is_a_schedule(self):
        lines = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line.startswith("torii serve")]
        self.assertEqual(len(lines), 1)
        (told,) = [word.partition("=")[2] for word in shlex.split(lines[0]) if word.startswith("--schedule=")]
        self.run_line(f"torii pipeline schedule {told} --show")

    def at(self, server, line):
        """The line with the server where it names an address, or a kubeconfig that does."""
        host = re.search(r"--host=(\S+)", line)
        if host:
            return line.replace(host[1], server.url).replace("--data=", "--namespace=shop --data=")
        config, context = re.search(r"--kubeconfig=(\S+) --context=(\S+)", line).groups()
        user = {"name": "me", "user": {"token": "let-me-in"}}
        cluster = {"name": "there", "cluster": {"server": server.url}}
        chosen = {"name": context, "context": {"cluster": "there", "user": "me"}}
        (self.folder / config).write_text(json.dumps({"clusters": [cluster], "users": [user], "contexts": [chosen]}))
        return line

    def test_what_kubectl_is_given_is_there(self):
        lines = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line.startswith("kubectl")]
        self.assertEqual(len(lines), 3)
        job = yaml.safe_load((ROOT / "deploy" / "argo" / "job.yaml").read_text())
        wanted = [word for word in job["spec"]["template"]["spec"]["containers"][0]["args"] if word.startswith("--s3-secret=")]
        for line in lines:
            words = shlex.split(line)
            self.assertEqual(words[words.index("-n") + 1], "shop")
            if "-k" in words:
                folder = ROOT / words[words.index("-k") + 1]
                kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
                for name in kustomization["resources"]:
                    self.assertTrue((folder / name).is_file())
            elif "-f" in words:
                self.assertEqual(yaml.safe_load((ROOT / words[words.index("-f") + 1]).read_text()), job)
            else:
                self.assertEqual(words[:4], ["kubectl", "create", "secret", "generic"])
                self.assertEqual(wanted, [f"--s3-secret={words[4]}"])
                keys = {re.match(r"--from-literal=(\w+)=", word)[1] for word in words if word.startswith("--from-literal")}
                self.assertLessEqual(keys, self.secret_keys(words[4]))

    def secret_keys(self, secret):
        """What the steps of the night take from it."""
        out = self.folder / "night.yaml"
        self.run_line(f"torii pipeline compile nightly --target=argo --as=template --image=x --s3-secret={secret} --out={out}")
        containers = [one["container"] for one in yaml.safe_load(out.read_text())["spec"]["templates"] if "container" in one]
        references = [variable["valueFrom"]["secretKeyRef"] for one in containers for variable in one["env"]]
        return {one["key"] for one in references if one["name"] == secret}

    def test_faults_are_as_shown(self):
        done = self.run_line("torii pipeline show wrong.yaml", check=False)
        self.assertEqual(done.returncode, 2)
        shown = next(text for kind, text in BLOCKS if kind == "" and text.startswith("wrong.yaml"))
        self.assertIn(shown.strip(), done.stderr)

    def test_the_tables_name_every_key(self):
        nothing = "steps:\n  a: {command: x, resources: {zzz: 1}, retries: {zzz: 1}, zzz: 1}\nzzz: 1\ncluster: {zzz: 1}\n"
        (self.folder / "keys.yaml").write_text(nothing)
        told = self.run_line("torii pipeline show keys.yaml --json", check=False)
        message = json.loads(told.stdout)["error"]["message"]
        lists = re.findall(r"unknown key 'zzz'; there are: (.*)", message)
        self.assertEqual(len(lists), 5, message)
        for key in {key for one in lists for key in one.split(", ")}:
            self.assertIn(key, PAGE)


if __name__ == "__main__":
    cases.main()

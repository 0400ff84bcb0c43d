"""What the tests of `torii pipeline run` share: a chain of steps that leaves a trace, a folder of the
test's own, and looks at what a run left behind."""

import contextlib
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from support import service

PROGRAM = service.program_of_environment()

# Each step leaves a line outside, so that what ran is known.
CHAIN = """name: chain
parameters: {{trace: {{type: text}}}}
steps:
{steps}"""


def chain(count, pause, size=0):
    steps = ""
    for n in range(count):
        before = f", inputs: {{x: s{n - 1}.x}}" if n else ""
        read = '"${inputs.x}"' if n else "/dev/null"
        kept = ", keep: true" if n == count - 1 else ""
        script = f"echo s{n} >> $2; sleep {pause}; cat $1 > $0; head -c {size} /dev/urandom >> $0; echo s{n} >> $0"
        steps += f"  s{n}: {{command: [sh, -ec, '{script}', \"${{outputs.x}}\", {read}, \"${{params.trace}}\"]{before}, "
        steps += f"outputs: {{x: {{type: Dataset{kept}}}}}}}\n"
    return CHAIN.format(steps=steps)


def marked(run):
    """Processes that belong to a run."""
    found, mark = [], f"TORII_PIPELINE_RUN={run}".encode()
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="torii-faults-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.trace = self.folder / "trace"

    def write(self, text, name="p.yaml"):
        (self.folder / name).write_text(text)
        return name

    def torii(self, *words, env=None, check=True, prefix=()):
        command = [*prefix, str(PROGRAM), "pipeline", *map(str, words)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=240, check=False, env={**os.environ, **(env or {})})
        if check and done.returncode != 0:
            raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def run_it(self, *words, **options):
        done = self.torii("run", *words, "--json", **options)
        return json.loads(done.stdout) if done.stdout else None, done

    def lines(self):
        return self.trace.read_text().split() if self.trace.exists() else []

    def check_objects(self, store, prefix):
        for key, path in store.objects(f"{prefix}/objects/").items():
            self.assertEqual(sha256(path), key.rsplit("/", 1)[1], "an object is not what its name says")

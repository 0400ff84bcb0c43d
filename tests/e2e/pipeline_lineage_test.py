"""Runs of several machines in one lineage in PostgreSQL: each with a home of its own, all see what ran,
one run is never run twice, anyone may stop it, and no password is kept."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, databases, service  # noqa: E402

PROGRAM = service.program_of_environment()
SECRET = "not/to/be:told"
PIPELINE = """
name: long
description: waits for a file
steps:
  a: {command: [sh, -c, 'touch $DIR/begun; while [ ! -e $DIR/go ]; do sleep 0.1; done'], cache: false}
"""


class SharedLineage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="torii-lineage-")
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.folder.chmod(0o755)
        cls.database = databases.Postgres(cls.folder / "postgres").start()
        # The server trusts whoever comes; the password is there to be looked for.
        cls.uri = cls.database.uri().replace("torii@", f"torii:{SECRET.replace('/', '%2F').replace(':', '%3A')}@")

    @classmethod
    def tearDownClass(cls):
        cls.database.stop(signal.SIGINT)
        cls.temporary.cleanup()

    def words(self, machine, *words):
        return ["pipeline", *words, f"--home={self.folder}/{machine}", f"--lineage={self.uri}", "--json"]

    def torii(self, machine, *words, check=True):
        environment = {"DIR": str(self.folder)}
        return service.run(PROGRAM, *self.words(machine, *words), cwd=self.folder, check=check, env=environment)

    def rows(self):
        """Everything that the database has of it, as text."""
        command = [self.database.binaries / "pg_dump", "--data-only", "-h", "127.0.0.1", "-p", str(self.database.port)]
        return subprocess.run([*command, "-U", "torii", "postgres"], check=True, capture_output=True, text=True).stdout

    def begin(self, machine):
        command = [PROGRAM, *self.words(machine, "run", "long.yaml")]
        return subprocess.Popen(
            command, cwd=self.folder, env={**os.environ, "DIR": str(self.folder)}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=service.die_with_parent,
        )  # fmt: skip

    def test_two_machines(self):
        (self.folder / "long.yaml").write_text(PIPELINE)
        run = self.begin("one")
        service.wait_until((self.folder / "begun").exists, 60)
        (shown,) = json.loads(self.torii("two", "runs").stdout)["runs"]
        self.assertEqual((shown["status"], shown["pipeline"]), ("running", "long"))

        refused = self.torii("two", "run", f"--resume={shown['run']}", f"--store={self.folder}/one/artifacts", check=False)
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn("another process runs it", refused.stderr)

        self.assertTrue(json.loads(self.torii("two", "cancel", "last").stdout)["asked"])
        answer, _ = run.communicate(timeout=60)
        self.assertEqual(json.loads(answer)["status"], "cancelled")

        with self.subTest("a killed one is interrupted, and goes on elsewhere"):
            (self.folder / "begun").unlink()
            run = self.begin("one")
            service.wait_until((self.folder / "begun").exists, 60)
            run.kill()
            run.communicate()
            shown = json.loads(self.torii("two", "runs").stdout)["runs"][0]
            self.assertEqual(shown["status"], "interrupted")
            (self.folder / "go").touch()
            again = self.torii("two", "run", f"--resume={shown['run']}", f"--store={self.folder}/one/artifacts")
            self.assertEqual(json.loads(again.stdout)["status"], "succeeded")
            logs = json.loads(self.torii("two", "logs", shown["run"]).stdout)
            self.assertEqual([one["status"] for one in logs["attempts"]], ["interrupted", "succeeded"])

        with self.subTest("a server that restarts is waited for"):
            (self.folder / "go").unlink()
            (self.folder / "begun").unlink()
            run = self.begin("one")
            service.wait_until((self.folder / "begun").exists, 60)
            self.database.crash()
            (self.folder / "go").touch()
            self.database.start()
            answer, errors = run.communicate(timeout=90)
            self.assertEqual(json.loads(answer)["status"], "succeeded", errors)

        with self.subTest("no password is kept or told"):
            texts = self.rows() + answer + errors + self.torii("two", "lineage", "last").stdout
            self.assertIn("long.yaml", texts)
            for secret in (SECRET, "not%2Fto"):
                self.assertNotIn(secret, texts)
            unit = self.torii("two", "schedule", "long.yaml", "--cron=0 2 * * *", "--systemd", check=False)
            self.assertEqual(unit.returncode, 2)
            self.assertIn("PGPASSWORD", unit.stderr)
            self.assertNotIn("not%2Fto", unit.stderr)

    def test_places_that_are_none(self):
        done = service.run(PROGRAM, "pipeline", "runs", "--lineage=mysql://x", cwd=self.folder, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--lineage: expected postgres://", done.stderr)
        away = f"--lineage=postgres://torii:{SECRET}@127.0.0.1:{service.free_port()}/x"
        done = service.run(PROGRAM, "pipeline", "runs", away, cwd=self.folder, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn("be:told", done.stderr)


if __name__ == "__main__":
    cases.main()

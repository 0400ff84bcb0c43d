"""`torii pipeline schedule`: nights that are due run once, over restarts, kills and clocks that lie; a night
that fails is told of."""

import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, service  # noqa: E402

PROGRAM = service.program_of_environment()
PIPELINE = """name: night
schedule: {{cron: "0 * * * *", zone: Europe/Berlin, catch_up: last}}
steps:
  first: {{command: ["sh", "-c", "echo ${{run.id}} >> {folder}/ran; {what}"]}}
"""
HOUR = 3600


class PipelineSchedule(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="torii-clock-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.record = self.folder / "torii-runs" / "schedules" / "night.json"

    def write(self, what="true"):
        (self.folder / "night.yaml").write_text(PIPELINE.format(folder=self.folder, what=what))

    def decided_until(self, seconds_ago):
        """As if the schedule had last been looked at so long ago."""
        self.record.parent.mkdir(parents=True, exist_ok=True)
        kept = json.loads(self.record.read_text()) if self.record.exists() else {"missed": 0, "nights": []}
        self.record.write_text(json.dumps({**kept, "done_ms": int((time.time() - seconds_ago) * 1000)}))

    def schedule(self, *words, check=True):
        return service.run(PROGRAM, "pipeline", "schedule", "night.yaml", *words, cwd=self.folder, check=check)

    def ran(self):
        return (self.folder / "ran").read_text().split() if (self.folder / "ran").exists() else []

    def test_what_was_missed_runs_once(self):
        self.write()
        self.schedule("--once")
        self.assertEqual(self.ran(), [])  # nothing before the first look is due
        self.decided_until(3 * HOUR + 10)
        self.schedule("--once")
        self.assertEqual(len(self.ran()), 1)
        self.schedule("--once")
        self.decided_until(-5 * HOUR)  # the clock was set back
        self.schedule("--once")
        self.assertEqual(len(self.ran()), 1)
        shown = json.loads(self.schedule("--show", "--json").stdout)
        self.assertEqual((shown["zone"], [one["status"] for one in shown["nights"]]), ("Europe/Berlin", ["succeeded"]))
        self.assertGreaterEqual(shown["missed"], 2)
        self.assertEqual([one["run"] for one in shown["nights"]], self.ran())

    def test_a_night_that_fails_is_told_of(self):
        got = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.write("echo the disk is full; exit 3")
        self.decided_until(2 * HOUR)
        alert = f"sh -c 'echo $TORII_PIPELINE $TORII_PIPELINE_STATUS $TORII_PIPELINE_MESSAGE > {self.folder}/told'"
        done = self.schedule("--once", f"--alert={alert}", f"--alert-url=http://127.0.0.1:{server.server_port}/hook", check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        (run,) = self.ran()
        told = (self.folder / "told").read_text()
        for part in ("night failed", "the disk is full", f"--resume={run}"):
            self.assertIn(part, told)
        (body,) = got
        self.assertEqual((body["pipeline"], body["run"], body["status"]), ("night", run, "failed"))
        self.assertIn("the disk is full", body["message"])

    def test_a_killed_night_goes_on(self):
        self.write(f"test -e {self.folder}/go || sleep 60")
        self.decided_until(2 * HOUR)
        command = [str(PROGRAM), "pipeline", "schedule", "night.yaml", "--once"]
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=service.die_with_parent)
        service.wait_until(self.ran, 20, "the night does not begin")
        second = self.schedule("--once", check=False)
        self.assertEqual(second.returncode, 1, second.stderr)  # one watch at a time
        process.send_signal(signal.SIGKILL)
        process.wait()
        (self.folder / "go").touch()
        self.schedule("--once")
        self.assertEqual(len(set(self.ran())), 1)  # the same run, its step again
        self.assertEqual(len(self.ran()), 2)
        (night,) = json.loads(self.record.read_text())["nights"]
        self.assertEqual((night["run"], night["status"]), (self.ran()[0], "succeeded"))

    def test_a_killed_night_of_a_built_in_pipeline_goes_on(self):
        service.write_shop(self.folder)
        words = ("pipeline", "schedule", "nightly", "--config=torii.yaml", f"--param=store=sqlite:{self.folder}/shop.db",
                 "--cron=0 * * * *", "--catch-up=last", "--once", "--set", "train.epochs=1")  # fmt: skip
        self.record = self.record.with_name("nightly.json")
        self.decided_until(2 * HOUR)
        process = subprocess.Popen([str(PROGRAM), *words], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=service.die_with_parent)
        logs = self.folder / "torii-runs" / "runs"
        service.wait_until(lambda: list(logs.glob("*/logs/encode-text*")), 30, "the night does not begin")
        process.send_signal(signal.SIGKILL)
        process.wait()
        service.run(PROGRAM, *words, cwd=self.folder)
        (night,) = json.loads(self.record.read_text())["nights"]
        self.assertEqual(night["status"], "succeeded")
        self.assertEqual(len(list(logs.iterdir())), 1)

    def test_it_waits_and_ends_when_it_is_told_to(self):
        self.write()
        command = [str(PROGRAM), "pipeline", "schedule", "night.yaml"]
        with open(self.folder / "log", "wb") as log:
            process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, preexec_fn=service.die_with_parent)
        service.wait_until(lambda: b"next at" in (self.folder / "log").read_bytes(), 20, "it does not say when")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 0)

    def test_what_cannot_be_is_told(self):
        self.write()
        for words, expected in ((["--cron=0 25 * * *"], "hour"), (["--zone=Mars/Olympus"], "no time zone"), (["--catch-up=maybe"], "none, last or all")):
            done = self.schedule(*words, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(expected, done.stderr)
        done = service.run(PROGRAM, "pipeline", "schedule", "article", "--data=x", cwd=self.folder, check=False)
        self.assertIn("--cron", done.stderr)
        unit = self.schedule("--cron=5 2 * * *", "--systemd").stdout
        self.assertIn(f"WorkingDirectory={self.folder}", unit)
        self.assertIn("'--cron=5 2 * * *'", unit)
        self.assertNotIn("--systemd", unit)
        self.assertTrue(os.access(unit.split("ExecStart=")[1].split()[0], os.X_OK))


if __name__ == "__main__":
    cases.main()

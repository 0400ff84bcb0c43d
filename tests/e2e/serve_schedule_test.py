"""`torii serve --schedule`: a night beside the service, in a process of its own at the lowest priority; the
publication is taken up; metrics and log tell of it; a stop and a start lose nothing."""

import contextlib
import json
import os
import pathlib
import re
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, service  # noqa: E402

PROGRAM = service.program_of_environment()
PIPELINE = """name: night
schedule: {{cron: "0 * * * *", catch_up: last}}
steps:
  wait: {{command: [sh, -c, 'echo ${{run.id}} >> {folder}/began; while [ -e {folder}/hold ]; do sleep 0.1; done'], cache: false}}
  publish:
    command: torii publish --config={folder}/torii.yaml --bundle={folder}/shop.bundle --store=sqlite:{folder}/shop.db --k=20 --threads=1
    after: [wait]
    cache: false
"""
CALL = "night.yaml --home=runs"
HOUR = 3600


def children_of(pid):
    """Process ids below it, at any depth."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split() if folder.name.isdigit() else []
        except OSError:
            continue
        if fields and int(fields[1]) == pid:
            found += [int(folder.name), *children_of(int(folder.name))]
    return found


def priorities_of(pids):
    """Of those that live still: a step's shell starts others for a moment."""
    found = set()
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            found.add(os.getpriority(os.PRIO_PROCESS, pid))
    return found


class ServeSchedule(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="torii-serve-night-")
        cls.folder = pathlib.Path(cls.temporary.name)
        service.write_shop(cls.folder)
        text = (cls.folder / "torii.yaml").read_text().replace("path: tables", f"path: {cls.folder}/tables")
        (cls.folder / "torii.yaml").write_text(text)
        service.train(PROGRAM, cls.folder)
        service.publish(PROGRAM, cls.folder, f"sqlite:{cls.folder}/shop.db")
        (cls.folder / "night.yaml").write_text(PIPELINE.format(folder=cls.folder))

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def due(self):
        """As if the schedule had last been looked at two hours ago."""
        record = self.folder / "runs" / "schedules" / "night.json"
        record.parent.mkdir(parents=True, exist_ok=True)
        kept = json.loads(record.read_text()) if record.exists() else {"missed": 0, "nights": []}
        record.write_text(json.dumps({**kept, "done_ms": int((time.time() - 2 * HOUR) * 1000)}))

    def serve(self, *calls):
        words = [f"--schedule={call}" for call in calls or (CALL,)]
        return service.Service(PROGRAM, f"sqlite:{self.folder}/shop.db", self.folder, *words)

    def began(self):
        return (self.folder / "began").read_text().split() if (self.folder / "began").exists() else []

    @staticmethod
    def metric(client, name):
        found = re.search(rf'^{name}{{pipeline="night"}} (\S+)$', client.get("/metrics")[1], re.MULTILINE)
        return float(found[1]) if found else None

    def version(self, client):
        return client.get("/v1/users/u001/recommendations?k=5")[1]["model_version"]

    def test_a_night_is_taken_up_and_goes_on_after_a_stop(self):
        (self.folder / "hold").touch()
        self.due()
        with self.serve() as running, contextlib.closing(running.client()) as client:
            service.wait_until(lambda: len(self.began()) == 1, 60)
            self.assertEqual(self.version(client), 1)
            self.assertEqual(self.metric(client, "torii_pipeline_schedule_up"), 1)
            self.assertEqual(self.metric(client, "torii_pipeline_running"), 1)
            self.assertIsNone(self.metric(client, "torii_pipeline_last_succeeded"))
            self.assertGreater(self.metric(client, "torii_pipeline_next_timestamp_seconds"), time.time())
            below = children_of(running.process.pid)
            self.assertGreaterEqual(len(below), 2)
            self.assertEqual(priorities_of(below), {19})
            self.assertEqual(os.getpriority(os.PRIO_PROCESS, running.process.pid), os.getpriority(os.PRIO_PROCESS, 0))
            begun = time.monotonic()
            self.assertEqual(running.stop(), 0)
            self.assertLess(time.monotonic() - begun, 20)
            service.wait_until(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in below), 5)
        (self.folder / "hold").unlink()
        with self.serve() as running, contextlib.closing(running.client()) as client:
            service.wait_until(lambda: self.metric(client, "torii_pipeline_last_succeeded") == 1, 60, running.log_text())
            service.wait_until(lambda: self.version(client) == 2, 10)
            self.assertEqual(len(set(self.began())), 1, "the same run went on")
            self.assertEqual(self.metric(client, "torii_pipeline_running"), 0)
            self.assertGreater(self.metric(client, "torii_pipeline_last_timestamp_seconds"), time.time() - 2 * HOUR)
            lines = [json.loads(line) for line in running.log_text().splitlines() if line.startswith("{")]
            told = [line["text"] for line in lines if line["event"] == "pipeline" and line["pipeline"] == "night"]
            self.assertTrue(any("goes on" in text for text in told), told)
            self.assertTrue(any("succeeded" in text for text in told), told)

            with self.subTest("one that is killed is begun again"):
                (child, *_) = children_of(running.process.pid)
                os.kill(child, 9)
                service.wait_until(lambda: "pipeline_schedule_ended" in running.log_text())
                service.wait_until(lambda: set(children_of(running.process.pid)) - {child}, 10)
                self.assertEqual(self.version(client), 2)

    def test_calls_that_cannot_be_are_refused_at_once(self):
        for calls, expected in (
            (("no.yaml",), "no.yaml"),
            ((CALL + " --cron=never",), "cron"),
            ((CALL + " --once",), "leave --once out"),
            ((CALL, CALL), "scheduled twice"),
        ):
            running = self.serve(*calls)
            running.start(ready=False)
            self.assertEqual(running.process.wait(60), 2, running.log_text())
            self.assertIn("--schedule=", running.log_text())
            self.assertIn(expected, running.log_text())


if __name__ == "__main__":
    cases.main()

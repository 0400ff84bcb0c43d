"""`torii pipeline run` with steps that want too much or never end, and with a clock that goes back."""

import contextlib
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, service  # noqa: E402
from support.pipeline_case import PROGRAM, Case, chain, marked  # noqa: E402


class GreedySteps(Case):
    def fail(self, settings, script, status=1):
        text = f"name: p\nparameters: {{trace: {{type: text}}}}\nsteps:\n  s:\n    command: [sh, -c, {json.dumps(script)}, \"${{outputs.x}}\", \"${{params.trace}}\"]\n"
        text += f"    outputs: {{x: {{type: Dataset, keep: true}}}}\n    {settings}\n    retries: {{count: 2, wait: 0.01s}}\n"
        self.write(text)
        answer, done = self.run_it("p.yaml", f"--param=trace={self.trace}", check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(marked(answer["run"]), [], "a process was left behind")
        self.assertFalse((self.folder / "torii-runs" / "runs" / answer["run"] / "work").exists())
        return answer["error"]["message"]

    def test_one_that_writes_too_much(self):
        for script in ("echo x >> $1; head -c 60000000 /dev/zero > $0", "echo x >> $1; mkdir $0; for n in 1 2 3 4 5 6 7 8 9; do head -c 3000000 /dev/zero > $0/$n; done; sleep 1"):
            with self.subTest(script):
                self.trace.unlink(missing_ok=True)
                message = self.fail("resources: {storage_limit: 8Mi}", script)
                for word in ("step 's'", "storage limit of 8.0 MiB", "the largest artifact is 'x'", "share: location", "resources.storage_limit"):
                    self.assertIn(word, message)
                self.assertEqual(self.lines(), ["x"], "it was tried again")

    def test_one_that_eats_memory(self):
        message = self.fail("resources: {memory_limit: 64Mi}", "echo x >> $1; python3 -c 'x = bytes(range(256)) * (200 << 12); import time; time.sleep(30)'")
        for word in ("step 's'", "limit of 64 MiB", "resources.memory_limit"):
            self.assertIn(word, message)
        self.assertEqual(self.lines(), ["x"], "it was tried again")

    def test_one_that_never_ends(self):
        """With children of its own, one of which has left the group and hears no signal."""
        script = "echo x >> $1; setsid sh -c 'trap \"\" TERM; sleep 1001' & sleep 1002 & sleep 1003"
        message = self.fail("timeout: 0.5s", script)
        for word in ("step 's'", "timeout of 0.5 s", "raise timeout"):
            self.assertIn(word, message)
        self.assertEqual(self.lines(), ["x"] * 3, "a time that ran out is tried again as often as told")


class ClockGoesBack(Case):
    """The program's clock is moved by faults/moved_clock.cc."""

    def setUp(self):
        super().setUp()
        self.clock = self.folder / "clock"
        self.library = os.environ.get("TORII_MOVED_CLOCK", PROGRAM.parent.parent / "lib" / "moved_clock.so")
        self.set_clock(0)
        self.words = (f"--param=trace={self.trace}",)
        self.set_clock(-86400)
        told = subprocess.run(["date", "+%s"], env={**os.environ, **self.environment()}, capture_output=True, text=True, check=True).stdout
        self.assertLess(abs(int(told) - time.time() + 86400), 100, "the clock does not move")
        self.set_clock(0)

    def set_clock(self, seconds):
        (self.folder / "clock.new").write_text(str(seconds))
        (self.folder / "clock.new").rename(self.clock)

    def environment(self):
        return {"LD_PRELOAD": str(self.library), "TORII_TEST_CLOCK": str(self.clock)}

    def torii(self, *words, env=None, **options):
        return super().torii(*words, env={**self.environment(), **(env or {})}, **options)

    def check_times(self):
        with contextlib.closing(sqlite3.connect(self.folder / "torii-runs" / "lineage.db")) as database:
            for table in ("torii_runs", "torii_tasks", "torii_attempts"):
                for name, started, ended in database.execute(f"SELECT * FROM (SELECT rowid, started_ms, ended_ms FROM {table})"):
                    self.assertGreater(started, 0, (table, name))
                    self.assertGreaterEqual(ended, started, (table, name))

    def test_while_a_run_goes_on(self):
        self.write(chain(3, 0.3))
        command = [str(PROGRAM), "pipeline", "run", "p.yaml", *self.words]
        process = subprocess.Popen(command, cwd=self.folder, env={**os.environ, **self.environment()}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        service.wait_until(lambda: "s1" in self.lines(), 60, "s1 does not run")
        self.set_clock(-3600)
        _, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, err)
        self.check_times()
        (run,) = json.loads(self.torii("runs", "--json").stdout)["runs"]
        self.assertEqual(run["status"], "succeeded")
        self.assertLess(run["ended_ms"] - run["started_ms"], 60_000)

    def test_between_a_run_and_its_resumption(self):
        text = chain(3, 0).replace("echo s1 >> $2;", f"test -e {self.folder}/mended; echo s1 >> $2;")
        self.write(text)
        _, failed = self.run_it("p.yaml", *self.words, check=False)
        self.assertEqual(failed.returncode, 1, failed.stderr)
        (self.folder / "mended").touch()
        self.set_clock(-86400)
        answer, _ = self.run_it("--resume=last")
        self.assertEqual((answer["status"], self.lines()), ("succeeded", ["s0", "s1", "s2"]))
        self.check_times()
        with self.subTest("the newest run is the one that was begun last"):
            self.write(chain(1, 0), "other.yaml")
            other, _ = self.run_it("other.yaml", *self.words)
            runs = json.loads(self.torii("runs", "--json").stdout)["runs"]
            self.assertEqual([one["run"] for one in runs], [other["run"], answer["run"]])
            self.assertEqual(json.loads(self.torii("lineage", "last", "--json").stdout)["run"], other["run"])
        with self.subTest("and the cache takes what there is"):
            again, _ = self.run_it("p.yaml", *self.words)
            self.assertEqual({task["status"] for task in again["tasks"]}, {"cached"})
            self.assertEqual(self.lines(), ["s0", "s1", "s2"])
        self.check_times()

    def test_nothing_is_run_twice_by_the_clock(self):
        self.write(chain(1, 0).replace("steps:", "defaults: {cache: false}\nsteps:"))
        base = int(time.time()) // 60 * 60 + 30  # far from the borders of a minute

        def turn(seconds):
            self.set_clock(base + seconds - int(time.time()))
            self.torii("schedule", "p.yaml", *self.words, "--cron=* * * * *", "--once")
            return len(self.lines())

        self.assertEqual(turn(0), 0, "from before the first call nothing is due")
        self.assertEqual(turn(60), 1)
        self.assertEqual(turn(-600), 1, "set back, it runs again")
        self.assertEqual(turn(0), 1, "the clock comes over the same minutes again")
        self.assertEqual(turn(60), 1, "what ran at that minute runs again")
        self.assertEqual(turn(200), 2, "behind it the next one is due")


if __name__ == "__main__":
    cases.main()

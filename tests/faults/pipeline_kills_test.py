"""`torii pipeline run` killed with -9 at any moment - the runner, a step, all of it, the store - goes on
where it was: nothing is lost, nothing half is seen."""

import collections
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, service  # noqa: E402
from support.pipeline_case import PROGRAM, Case, marked  # noqa: E402
from support.s3_store import S3Store  # noqa: E402

SEED = int(os.environ.get("TORII_FAULT_SEED", time.time_ns() % 1_000_000))

# Ten steps: verbs and shell, copies and locations, a folder, a fan-out, a value, a condition.
TEN = """name: ten
parameters:
  data: {type: place}
  place: {type: text}
location: ${params.place}
defaults: {retries: {count: 30, wait: 0.02s, wait_max: 0.2s}}
steps:
  rows:
    command: torii load --table=interactions --data=${params.data} --out=${outputs.rows}
    outputs: {rows: Dataset}
  users:
    command: torii load --table=users --data=${params.data} --out=${outputs.users}
    outputs: {users: Dataset}
  notes:
    command: [sh, -ec, 'mkdir -p $0/deep; echo one > $0/one; sleep 0.05; echo two > $0/deep/two', "${outputs.notes}"]
    outputs: {notes: Dataset}
  big:
    command: [sh, -ec, 'head -c 100000 /dev/zero > $0; sleep 0.05; echo end >> $0', "${outputs.big}"]
    outputs: {big: {type: Dataset, share: location}}
  sums:
    command: [sh, -ec, 'out=$0; for f in "$@"; do sha256sum < $f >> $out; done', "${outputs.sums}", "${inputs.rows}", "${inputs.users}", "${inputs.big}"]
    inputs: {rows: rows.rows, users: users.users, big: big.big}
    outputs: {sums: Dataset}
  words:
    command: [sh, -ec, 'cat $1/one $1/deep/two > $0', "${outputs.words}", "${inputs.notes}"]
    inputs: {notes: notes.notes}
    outputs: {words: {type: Dataset, share: location}}
  parts:
    command: [sh, -ec, 'cat $1 $2 > $0; sleep 0.03; echo part $3 >> $0', "${outputs.part}", "${inputs.sums}", "${inputs.words}", "${shard}"]
    inputs: {sums: sums.sums, words: words.words}
    outputs: {part: Dataset}
    shards: 3
  joined:
    command: [sh, -ec, 'out=$0; cat "$@" > $out', "${outputs.joined}", "${inputs.parts}"]
    inputs: {parts: parts.part}
    outputs: {joined: Dataset}
  count:
    command: [sh, -ec, 'wc -l < $1 > $0', "${outputs.lines}", "${inputs.joined}"]
    inputs: {joined: joined.joined}
    outputs: {lines: integer}
  end:
    command: [sh, -ec, 'cat $1 > $0; echo $2 >> $0', "${outputs.end}", "${inputs.joined}", "${inputs.lines}"]
    inputs: {joined: joined.joined, lines: count.lines}
    outputs: {end: {type: Dataset, keep: true}}
    when: count.lines > 1
"""

# The same with its location in the store: torii's verbs write and read there, what a shell makes is copied.
TEN_IN_S3 = TEN
for before, after in (
    ("outputs: {rows: Dataset}", "outputs: {located: {type: Dataset, share: location}}"),
    ("--out=${outputs.rows}", "--out=${outputs.located}"),
    (
        "  users:\n",
        "  again:\n    command: torii load --table=interactions --set data.interactions.path=${inputs.located} --out=${outputs.rows}\n"
        "    inputs: {located: rows.located}\n    outputs: {rows: Dataset}\n  users:\n",
    ),
    ("rows: rows.rows", "rows: again.rows"),
    ("outputs: {big: {type: Dataset, share: location}}", "outputs: {big: Dataset}"),
    ("outputs: {words: {type: Dataset, share: location}}", "outputs: {words: Dataset}"),
):
    assert before in TEN_IN_S3, before
    TEN_IN_S3 = TEN_IN_S3.replace(before, after, 1)


class Kills(Case):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="torii-kills-")
        cls.shop = pathlib.Path(cls.temporary.name)
        service.generate_shop(PROGRAM, cls.shop, users=20, items=15, interactions=200)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def start(self, *words):
        command = [str(PROGRAM), "pipeline", "run", *words, f"--home={self.home}", "--quiet"]
        return subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.home / "stderr", "ab"),
                                env={**os.environ, **self.store.environment()}, start_new_session=True)  # fmt: skip

    def new_run(self, name, kind):
        self.home = self.folder / name
        self.home.mkdir()
        self.prefix = name
        place = f"--param=place=s3://shop/{name}/places" if kind == "s3" else f"--param=place={self.folder}/places-{name}"
        return self.start(f"{kind}.yaml", f"--param=data={self.shop}/shop", place, f"--store=s3://shop/{name}")

    def wait(self, process, kind, moment, dice):
        """Its exit code; None if it was killed."""
        end = time.monotonic() + moment
        while time.monotonic() < end:
            if process.poll() is not None:
                return process.returncode
            time.sleep(0.005)
        if kind == "runner":
            process.kill()
        elif kind == "all":
            for pid in [process.pid, *marked(self.run_id() or "none")]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        elif kind == "step":
            steps = marked(self.run_id() or "none")
            if steps:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(dice.choice(steps), signal.SIGKILL)
        elif kind == "store":
            self.store.stop()
            time.sleep(dice.uniform(0, 1))
            self.store.start()
        process.wait(600)
        return process.returncode if kind in ("step", "store", "none") or process.returncode >= 0 else None

    def rows(self, query):
        if not (self.home / "lineage.db").exists():
            return []
        with contextlib.closing(sqlite3.connect(self.home / "lineage.db", timeout=60)) as database:
            try:
                return database.execute(query).fetchall()
            except sqlite3.OperationalError as error:  # killed before there were tables
                self.assertIn("no such table", str(error))
                return []

    def run_id(self):
        found = self.rows("SELECT id FROM torii_runs")
        return found[0][0] if found else None

    def check(self):
        """Every object is whole, and every output that the lineage knows is there."""
        self.check_objects(self.store, self.prefix)
        there = self.store.objects(f"{self.prefix}/objects/")
        outputs = self.rows("SELECT by_location, uri, sha256, bytes, is_folder FROM torii_artifacts WHERE role = 'output' AND is_value = 0")
        for by_location, uri, digest, size, is_folder in outputs:
            if by_location and not uri.startswith("s3://"):
                self.assertEqual(os.stat(uri).st_size, size)
                continue
            if by_location:
                self.assertEqual(self.store.objects()[uri.removeprefix("s3://shop/")].stat().st_size, size)
                continue
            key = uri.removeprefix("s3://shop/")
            self.assertIn(key, there)
            if not is_folder:
                self.assertEqual(there[key].stat().st_size, size)
                continue
            for entry in json.loads(there[key].read_text())["entries"]:
                if "sha256" in entry:
                    self.assertIn(f"{self.prefix}/objects/{entry['sha256'][:2]}/{entry['sha256']}", there)

    def result(self):
        ((uri,),) = self.rows("SELECT uri FROM torii_artifacts WHERE role = 'output' AND task = 'end'")
        return self.store.objects()[uri.removeprefix("s3://shop/")].read_text()

    def test_killed_at_any_moment_it_goes_on_where_it_was(self):
        print(f"seed {SEED}", file=sys.stderr)
        dice = random.Random(SEED)
        self.write(TEN, "here.yaml")
        self.write(TEN_IN_S3, "s3.yaml")
        usual, expected = {}, {}
        with S3Store(self.folder / "s3") as self.store:
            for place in ("here", "s3"):
                begun = time.monotonic()
                code = self.wait(self.new_run(f"whole-{place}", place), "none", 0, dice)
                self.assertEqual(code, 0, (self.home / "stderr").read_text())
                usual[place], expected[place] = time.monotonic() - begun, self.result()
                self.assertEqual(expected[place].count("\n"), 3 * (3 + 2 + 1) + 1)
            kills, longest = collections.Counter(), 0.0
            for number in range(service.rounds(20)):
                place = "s3" if number % 2 else "here"
                begun, process, code = time.monotonic(), self.new_run(f"r{number}", place), None
                for kill in range(20):
                    kind = dice.choice(("runner", "runner", "all", "step", "store")) if kill < 3 else "none"
                    code = self.wait(process, kind, dice.uniform(0, 1.1 * usual[place]) if kind != "none" else 0, dice)
                    kills[kind] += code is None or kind in ("step", "store")
                    self.check()
                    if code is not None:
                        break
                    if self.run_id() is None:  # killed before it was recorded: nothing to go on with
                        shutil.rmtree(self.home)
                        process = self.new_run(self.prefix, place)
                    else:
                        process = self.start("--resume=last")
                self.assertEqual(code, 0, f"round {number}, seed {SEED}: {(self.home / 'stderr').read_text()[-2000:]}")
                self.assertEqual(self.result(), expected[place], f"round {number}, seed {SEED}")
                self.assertEqual({status for (status,) in self.rows("SELECT status FROM torii_tasks")}, {"succeeded"})
                self.assertEqual(self.rows("SELECT status FROM torii_runs"), [("succeeded",)])
                self.assertEqual(marked(self.run_id()), [], "a step outlived its run")
                self.assertFalse((self.home / "runs" / self.run_id() / "work").exists())
                self.assertEqual(self.store.uploads, {})
                longest = max(longest, time.monotonic() - begun)
                shutil.rmtree(self.home)
                shutil.rmtree(self.folder / f"places-{self.prefix}", ignore_errors=True)
                for path in self.store.objects(f"{self.prefix}/").values():
                    path.unlink()
            print(f"{number + 1} rounds, kills {dict(kills)}; undisturbed {max(usual.values()):.1f} s, longest round {longest:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    cases.main()

"""`torii pipeline run` when things go wrong: kill -9 at any moment, an S3 store that goes away and comes
back, full disks, wrong credentials, steps that want too much or never end, a clock that goes back.
Nothing is lost, nothing half is seen, and messages say what to do."""

import collections
import contextlib
import hashlib
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
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, service, small_disk  # noqa: E402
from support.s3_store import S3Store  # noqa: E402

PROGRAM = service.program_of_environment()
DEPS = pathlib.Path(os.environ.get("TORII_DEPS", ".deps"))
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


class Minio:
    """The real thing, with the same calls as S3Store where a test needs them."""

    def __init__(self, program, folder):
        self.program, self.folder, self.port, self.process = program, pathlib.Path(folder), service.free_port(), None
        (self.folder / "shop").mkdir(parents=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder.parent), "MINIO_BROWSER": "off"}
        environment |= {"MINIO_ROOT_USER": "torii-test", "MINIO_ROOT_PASSWORD": "torii-test-secret"}
        command = [str(self.program), "server", str(self.folder), "--address", f"127.0.0.1:{self.port}"]
        log = open(self.folder.parent / "minio.log", "ab")
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=service.die_with_parent)

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    environment = S3Store.environment


def minio_program():
    return next((path for path in (DEPS / "minio" / "minio", DEPS / "cluster" / "bin" / "minio") if path.is_file()), None)


class StoreGoesAway(Case):
    def start(self, store, name, text, **more):
        self.write(text)
        command = [str(PROGRAM), "pipeline", "run", "p.yaml", f"--param=trace={self.trace}", f"--store=s3://shop/{name}", "--json"]
        process = subprocess.Popen(command, cwd=self.folder, env={**os.environ, **store.environment(), **more}, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def wait_for_step(self, name):
        service.wait_until(lambda: name in self.lines(), 60, f"{name} does not run")

    def test_a_short_outage_is_outlived(self):
        with S3Store(self.folder / "s3") as store:
            process = self.start(store, "short", chain(5, 0.2))
            self.wait_for_step("s1")
            store.stop()
            time.sleep(2)
            store.start()
            out, err = process.communicate(timeout=240)
            self.assertEqual(process.returncode, 0, err)
            self.assertEqual(self.lines(), ["s0", "s1", "s2", "s3", "s4"], "a step ran twice")
            self.check_objects(store, "short")
            self.assertEqual(json.loads(out)["status"], "succeeded")

    def test_a_long_outage_is_told_and_a_resumption_finishes(self):
        quick = {"AWS_MAX_ATTEMPTS": "2"}
        with S3Store(self.folder / "s3") as store:
            process = self.start(store, "long", chain(4, 0.3), **quick)
            self.wait_for_step("s2")
            store.stop()
            out, err = process.communicate(timeout=240)
            self.assertEqual(process.returncode, 1, err)
            message = json.loads(out)["error"]["message"]
            for word in ("s3://shop/long/", f"http://127.0.0.1:{store.port}", "cannot be reached", "2 attempts", "AWS_ENDPOINT_URL", "--resume="):
                self.assertIn(word, message)
            done = self.lines()
            with self.subTest("gone on with while it is away, nothing is done and nothing is lost"):
                _, again = self.run_it("--resume=last", check=False, env=store.environment(**quick))
                self.assertEqual(again.returncode, 1)
                self.assertIn("cannot be reached", again.stderr)
                self.assertEqual(self.lines(), done)
            store.start()
            answer, _ = self.run_it("--resume=last", env=store.environment())
            self.assertEqual(answer["status"], "succeeded")
            counts = collections.Counter(self.lines())
            self.assertEqual((counts["s0"], counts["s3"]), (1, 1), "done work was done again")
            self.check_objects(store, "long")

    def test_a_restart_in_an_upload(self):
        """The connection breaks off in the middle of an object of several parts."""
        with S3Store(self.folder / "s3") as store:
            broken = []

            def break_off(method, key, query):
                if method == "PUT" and query.get("partNumber") == "2" and not broken:
                    broken.append(key)
                    threading.Thread(target=self.restart, args=(store,)).start()
                    return "reset"
                return None

            store.faults.append(break_off)
            process = self.start(store, "parts", chain(2, 0, size=30 << 20))
            out, err = process.communicate(timeout=240)
            self.assertEqual(process.returncode, 0, err)
            self.assertEqual(len(broken), 1)
            self.assertEqual(self.lines(), ["s0", "s1"])
            self.assertEqual(store.uploads, {})
            self.check_objects(store, "parts")

    @staticmethod
    def restart(store):
        store.stop()
        time.sleep(1)
        store.start()

    def test_a_server_killed_and_started_again(self):
        """MinIO where it is built (make test-compat does so), else a small store in this process."""
        with Minio(minio_program(), self.folder / "minio") if minio_program() else S3Store(self.folder / "s3") as store:
            service.wait_until(lambda: socket_answers(store.port), 60, "the server does not come up")
            process = self.start(store, "real", chain(5, 0.3, size=12 << 20), AWS_MAX_ATTEMPTS="12")
            self.wait_for_step("s1")
            store.stop()
            time.sleep(1)
            store.start()
            out, err = process.communicate(timeout=240)
            self.assertEqual(process.returncode, 0, err)
            self.assertEqual(self.lines(), ["s0", "s1", "s2", "s3", "s4"])
            answer, _ = self.run_it("p.yaml", f"--param=trace={self.trace}", "--store=s3://shop/real", env=store.environment())
            self.assertEqual({task["status"] for task in answer["tasks"]}, {"cached"})

    def test_wrong_credentials_are_told_before_anything_runs(self):
        with S3Store(self.folder / "s3") as store:
            wrong = {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "hush-hush"}
            self.write(chain(2, 0))
            words = ("p.yaml", f"--param=trace={self.trace}", "--store=s3://shop/keys")
            answer, done = self.run_it(*words, env=store.environment(**wrong), check=False)
            self.assertEqual(done.returncode, 1, done.stderr)
            for word in ("artifact store s3://shop/keys", "access denied", "check AWS_ACCESS_KEY_ID", "--resume="):
                self.assertIn(word, answer["error"]["message"])
            self.assertNotIn("hush-hush", done.stdout + done.stderr)
            self.assertEqual((self.lines(), store.objects()), ([], {}))
            nobody = {name: value for name, value in store.environment().items() if "KEY" not in name}
            clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
            done = subprocess.run([PROGRAM, "pipeline", "run", "--resume=last"], cwd=self.folder, env=clean | nobody, capture_output=True, text=True, check=False)
            self.assertIn("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", done.stderr)
            answer, _ = self.run_it("--resume=last", env=store.environment())
            self.assertEqual((answer["status"], self.lines()), ("succeeded", ["s0", "s1"]))

    def test_credentials_that_end_on_the_way(self):
        with S3Store(self.folder / "s3") as store:
            process = self.start(store, "ended", chain(4, 0.3, size=20 << 20))
            self.wait_for_step("s1")
            store.user = "another"
            out, err = process.communicate(timeout=240)
            self.assertEqual(process.returncode, 1, err)
            self.assertIn("access denied", json.loads(out)["error"]["message"])
            self.check_objects(store, "ended")
            store.user = "torii-test"
            answer, _ = self.run_it("--resume=last", env=store.environment())
            self.assertEqual(answer["status"], "succeeded")
            self.assertEqual(collections.Counter(self.lines())["s0"], 1)


def socket_answers(port):
    with contextlib.suppress(OSError), contextlib.closing(service.socket.create_connection(("127.0.0.1", port), 1)):
        return True
    return False


class FullDisk(Case):
    SIZE = 24 << 20

    def setUp(self):
        super().setUp()
        self.disk, self.words = None, small_disk.kind()
        self.place = self.folder / "disk"
        if self.words is None:
            print("no file system of the test's own here: a limit on file sizes is the full disk", file=sys.stderr)
            return
        self.place.mkdir()
        (self.folder / "empty").mkdir()
        command = [*small_disk.prefix(self.words, self.place, self.folder / "empty", self.SIZE), "sleep", "600"]
        holder = subprocess.Popen(command, preexec_fn=service.die_with_parent)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.kill)
        self.disk = small_disk.SmallDisk(holder.pid, self.place)
        service.wait_until(lambda: self.disk.seen.is_dir() and 0 < self.disk.free() <= self.SIZE, 30, "there is no small disk")
        as_user = ("--user", "--preserve-credentials") if "--user" in self.words else ()
        self.inside = ("nsenter", f"--target={holder.pid}", *as_user, "--mount", "env", f"--chdir={self.folder}")

    def run_full(self, *words, left=0, check=False):
        """While the disk has so many bytes left."""
        if self.disk is None:  # a write that fails is what a full disk means
            return self.run_it(*words, check=check, prefix=("env", "--ignore-signal=XFSZ", "prlimit", f"--fsize={max(left, 512)}"))
        self.disk.fill(left=left)
        try:
            return self.run_it(*words, check=check, prefix=self.inside)
        finally:
            self.disk.make_room()

    def run_again(self, *words):
        answer, _ = self.run_it(*words, prefix=self.inside if self.disk else ())
        self.assertEqual(answer["status"], "succeeded")

    def test_a_full_work_folder(self):
        self.write(chain(3, 0, size=2 << 20))
        home = f"--home={self.place}/home"
        answer, done = self.run_full("p.yaml", f"--param=trace={self.trace}", home, f"--store={self.folder}/store", left=4 << 20)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(answer["error"]["message"], "No space left|File too large|disk is full")
        self.assertIn("--resume=", done.stderr)
        self.assertEqual(self.lines()[:2], ["s0", "s1"])
        self.run_again("--resume=last", home)
        self.assertEqual(collections.Counter(self.lines())["s0"], 1, "done work was done again")

    def test_not_a_byte_left_for_the_lineage(self):
        self.write(chain(2, 0))
        words = ("p.yaml", f"--param=trace={self.trace}", f"--home={self.place}/home", f"--store={self.folder}/store")
        _, done = self.run_full(*words)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(f"{self.place}/home", done.stderr)
        self.assertRegex(done.stderr, "disk is full|free some space" if self.disk else "disk I/O error|disk is full")
        self.assertEqual(self.lines(), [])
        self.run_again(*words)

    def test_a_disk_that_fills_while_steps_run(self):
        """The lineage cannot be written any more; what was recorded counts."""
        self.write(chain(4, 0.3))
        home = f"--home={self.place}/home"
        words = ("p.yaml", f"--param=trace={self.trace}", home, f"--store={self.folder}/store")
        if self.disk is None:  # a limit on files comes at the start, and at the log of a step
            _, done = self.run_full(*words, left=64 << 10)
            self.assertIn(done.returncode, (0, 1))
            return
        process = subprocess.Popen([*self.inside, str(PROGRAM), "pipeline", "run", *words], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        service.wait_until(lambda: "s1" in self.lines(), 60, "s1 does not run")
        self.disk.fill()
        _, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 1, err)
        self.assertRegex(err, "No space left|disk is full")
        self.assertIn("--resume=", err)
        self.disk.make_room()
        self.run_again("--resume=last", home)
        self.assertEqual(collections.Counter(self.lines())["s0"], 1)

    def test_a_full_store(self):
        self.write(chain(3, 0, size=2 << 20))
        store = self.place / "store"
        answer, done = self.run_full("p.yaml", f"--param=trace={self.trace}", f"--store={store}", left=3 << 20)
        self.assertEqual(done.returncode, 1, done.stderr)
        if self.disk:
            self.assertIn(str(store), answer["error"]["message"])
            self.assertIn("free some space", answer["error"]["message"])
        objects = [path for path in ((self.disk.seen if self.disk else self.place) / "store" / "objects").rglob("*") if path.is_file()]
        self.assertEqual(len(objects), 1)
        for path in objects:
            self.assertEqual(sha256(path), path.name, "half of an object has a name")
        self.run_again("--resume=last")
        self.assertEqual(collections.Counter(self.lines())["s0"], 1)


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

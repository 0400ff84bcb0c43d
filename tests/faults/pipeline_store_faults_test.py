"""`torii pipeline run` when its artifact store goes away and comes back, refuses it, or is full: nothing
is lost, and messages say what to do."""

import collections
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, service, small_disk  # noqa: E402
from support.pipeline_case import PROGRAM, Case, chain, sha256  # noqa: E402
from support.s3_store import S3Store  # noqa: E402

DEPS = pathlib.Path(os.environ.get("TORII_DEPS", ".deps"))


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


if __name__ == "__main__":
    cases.main()

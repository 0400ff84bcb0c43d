"""A million users' lists of a hundred items, published into PostgreSQL in Feast's layout.

    scale_test.py [USERS]    1,000,000 unless told; `make bench-feast-scale` runs it

Prints times, rows a second and memory. Then the same again, with kill -9 in the middle (a client
sees each user's whole old list, and once a rerun is through, each whole new one) and with a server
that is lost in the middle and comes back (publishing goes on by itself).
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import feast_side  # noqa: E402
from support import cases, databases, service  # noqa: E402

USERS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
ITEMS, K, SAMPLE = 20_000, 100, 2_000
#: Memory that publishing may take on while it writes, whatever the number of rows.
GROWTH_MIB_MAX = 64
CONFIG = """data:
  interactions: {path: shop/interactions.parquet}
  users: {path: shop/users.parquet}
  items: {path: shop/items.parquet, skip: [title]}
model: {width: 16, id_embeddings: false}
train: {epochs: 1, patience: 0, batch_size: 4096}
publish:
  gate: "off"
  feast: {user_embedding: "", item_embedding: "", item_text: ""}
"""


def memory_mib(pid):
    with contextlib.suppress(OSError, ValueError):
        lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        words = {line.split(":")[0]: line.split() for line in lines}
        return int(words["RssAnon"][1]) / 1024, int(words["VmHWM"][1]) / 1024
    return None


class Scale(feast_side.FeastCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program = service.program_of_environment()
        cls.repo = feast_side.Repo(cls.folder / "copy")
        cls.server = cls.stack.enter_context(databases.Postgres(cls.folder / "postgres"))
        words = {"vector_enabled: true": "vector_enabled: false"}
        cls.repo.change("feature_store_postgres.yaml", words=words)
        cls.yaml = "feature_store_postgres.yaml"
        cls.env = feast_side.postgres_environment(cls.server)
        cls.repo.apply(cls.peer, cls.yaml, cls.env)
        cls.home = cls.folder / "torii"
        cls.home.mkdir()
        (cls.home / "torii.yaml").write_text(CONFIG)
        sizes = (f"--users={USERS}", f"--items={ITEMS}", f"--interactions={3 * USERS}")
        cls.run_torii("generate", *sizes, "--out=shop", "--quiet")
        cls.lists = {}
        for seed, name in enumerate(("one", "two")):  # two models: a list says whose it is
            words = ("--config=torii.yaml", "--split=none", f"--seed={seed}", "--quiet")
            cls.run_torii("train", *words, f"--out={name}.bundle")
            words = ("--config=torii.yaml", f"--bundle={name}.bundle", f"--k={K}", "--quiet")
            cls.run_torii("candidates", *words, f"--out={name}.parquet")
            file = str(cls.home / f"{name}.parquet")
            cls.lists[name] = cls.peer.run("some_lists", file=file, count=SAMPLE, seconds=300)
        cls.users = sorted(cls.lists["one"])

    @classmethod
    def run_torii(cls, *words):
        return service.run(cls.program, *words, cwd=cls.home, env=cls.env, timeout=1800)

    def command(self, name):
        words = ["publish", "--config=torii.yaml", f"--bundle={name}.bundle", f"--k={K}"]
        words += [f"--candidates={name}.parquet", f"--store=feast:{self.repo.folder / self.yaml}"]
        return [str(self.program), *words, "--json"]

    def start(self, name):
        with open(self.home / "publish.log", "wb") as log:
            return subprocess.Popen(
                self.command(name),
                cwd=self.home,
                env={**os.environ, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                preexec_fn=service.die_with_parent,
            )

    def finish(self, process, seconds=1200):
        try:
            out, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"publishing takes more than {seconds} s") from None
        log = (self.home / "publish.log").read_text(errors="replace")[-2000:]
        self.assertEqual(process.returncode, 0, log)
        document = json.loads(out)
        self.assertEqual(document["views"]["user_items"]["written"], USERS)
        return document, log

    def read(self):
        """{user: list} of the sample by Feast's client."""
        words = {"repo": str(self.repo.folder), "yaml": self.yaml, "view": "user_items"}
        words |= {"feature": "top_k_item_ids", "key": "user_id", "ids": self.users}
        return feast_side.values_of(self.peer.run("read", env=self.env, **words))

    def wait_until_writing(self, process):
        """Until its transaction is at the rows; the moment."""
        conninfo = feast_side.conninfo(self.server)
        asked = (
            "select count(*) from pg_stat_activity where pid <> pg_backend_pid() "
            "and state <> 'idle' and query like 'INSERT INTO%unnest(%'"
        )
        end = time.monotonic() + 600
        while process.poll() is None and time.monotonic() < end:
            if self.peer.run("sql", conninfo=conninfo, statements=[asked])[0][0] > 0:
                return time.monotonic()
            time.sleep(0.05)
        raise AssertionError("publishing never wrote:\n" + (self.home / "publish.log").read_text())

    # ---- one after the other; each leaves a publication behind

    def test_1_time_and_memory(self):
        for what in ("an empty table", "a full table"):
            process, writing, high = self.start("one"), [], 0
            self.wait_until_writing(process)
            while process.poll() is None:
                if found := memory_mib(process.pid):
                    writing.append(found[0])
                    high = max(high, found[1])
                time.sleep(0.2)
            document, _ = self.finish(process)
            seconds = document["seconds"]
            Scale.write_s = seconds["commit"]
            print(
                f"\n{USERS} lists of {K} into {what}: {seconds['commit']:.1f} s, "
                f"{USERS / seconds['commit']:.0f} rows/s; in all {seconds['total']:.1f} s; memory "
                f"while writing {writing[0]:.0f} MiB, then at most {max(writing):.0f}, peak {high:.0f}",
                file=sys.stderr,
            )
            # What the night needed before is given back on the way, and at the end of the process.
            self.assertLess(max(writing) - writing[0], GROWTH_MIB_MAX)
            self.assert_same(self.read(), self.lists["one"], what)

    def test_2_killed_half_way(self):
        process = self.start("two")
        self.wait_until_writing(process)
        time.sleep(0.3 * self.write_s)
        self.assert_same(self.read(), self.lists["one"], "while it writes")
        self.assertIsNone(process.poll(), "it is done before it could be killed")
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        self.assert_same(self.read(), self.lists["one"], "after kill -9")
        self.finish(self.start("two"))
        self.assert_same(self.read(), self.lists["two"], "after a rerun")

    def test_3_the_server_is_lost_half_way(self):
        process = self.start("one")
        self.wait_until_writing(process)
        time.sleep(0.4 * self.write_s)
        self.server.crash()
        self.assertIsNone(process.poll(), "it is done before the server could be lost")
        time.sleep(2)
        self.server.start()
        _, log = self.finish(process)
        print(log, file=sys.stderr)
        self.assert_same(self.read(), self.lists["one"], "after the server came back")


if __name__ == "__main__":
    cases.main()

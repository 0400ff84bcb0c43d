"""A torii service of a test's own: a small shop, a publication of it, the server on a free port of
the loopback, and a client. Everything that is started is ended by its process id."""

import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

START_S = 60
PRCTL = ctypes.CDLL(None).prctl


def die_with_parent():
    """A server does not outlive a test that is killed."""
    PRCTL(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def rounds(default):
    """How often a test with kills repeats: TORII_FAULT_ROUNDS, or the given number."""
    return max(1, int(os.environ.get("TORII_FAULT_ROUNDS", default)))


def run(program, *words, cwd, check=True, timeout=240, env=None):
    """Runs a verb to its end; a failure shows what it wrote."""
    command = [str(program), *map(str, words)]
    environment = {**os.environ, **(env or {})}
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False, env=environment)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def write_shop(folder, letter="i", users=60, items=80):
    """Tables without texts, so that nothing waits for the text model. Item ids begin with `letter`."""
    folder = pathlib.Path(folder)
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    with open(folder / "tables" / "users.csv", "w", encoding="utf-8") as out:
        out.write("user_id,age,city\n")
        out.writelines(f"u{u:03},{20 + u % 40},c{u % 7}\n" for u in range(users))
    with open(folder / "tables" / "items.csv", "w", encoding="utf-8") as out:
        out.write("item_id,price,category,color\n")
        out.writelines(f"{letter}{i:03},{i}.5,k{i % 5},{['red', 'green', 'blue'][i % 3]}\n" for i in range(items))
    with open(folder / "tables" / "interactions.csv", "w", encoding="utf-8") as out:
        out.write("user_id,item_id,timestamp,interaction_type\n")
        for u in range(users):
            for n in range(10):
                item = (u * 7 + n * 13 + u % 3) % items
                out.write(f"u{u:03},{letter}{item:03},{1700000000 + u * 100 + n},view\n")
    (folder / "torii.yaml").write_text(
        "data:\n"
        "  interactions: {path: tables/interactions.csv}\n"
        "  users: {path: tables/users.csv, categorical: [city]}\n"
        "  items: {path: tables/items.csv, categorical: [category, color]}\n"
        "model: {width: 16}\n"
        "train: {epochs: 2, patience: 0, batch_size: 256}\n"
        "publish: {gate: report}\n",
        encoding="utf-8",
    )


def generate_shop(program, folder, users=60, items=50, interactions=1800, seed=5):
    """The synthetic shop of `torii generate` in folder/shop; its titles are left out, so that nothing
    waits for the text model. Users are u1, u2, ..., items i1, i2, ..."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    sizes = (f"--users={users}", f"--items={items}", f"--interactions={interactions}", f"--seed={seed}")
    run(program, "generate", *sizes, "--out=shop", "--quiet", cwd=folder)
    (folder / "torii.yaml").write_text(
        "data:\n"
        "  interactions: {path: shop/interactions.parquet}\n"
        "  users: {path: shop/users.parquet}\n"
        "  items: {path: shop/items.parquet, skip: [title]}\n"
        "model: {width: 16}\n"
        "train: {epochs: 2, patience: 0, batch_size: 256}\n"
        "publish: {gate: report}\n",
        encoding="utf-8",
    )


def train(program, folder):
    run(program, "train", "--config=torii.yaml", "--split=loo", "--out=shop.bundle", "--quiet", "--threads=1", cwd=folder)


def publish_command(store, k=20):
    words = ["publish", "--config=torii.yaml", "--bundle=shop.bundle", f"--store={store}", f"--k={k}"]
    return [*words, "--quiet", "--threads=1"]


def publish(program, folder, store, *more, env=None, **options):
    run(program, *publish_command(store, **options), *more, cwd=folder, env=env)


def make_key(program, folder, store, scopes, tenant="default"):
    """What `torii keys create --json` says; `key` is the secret."""
    words = ("keys", "create", f"--store={store}", f"--name=for {scopes}", f"--scopes={scopes}", f"--tenant={tenant}")
    return json.loads(run(program, *words, "--json", cwd=folder).stdout)


def wait_until(holds, seconds=10, why="it does not come about"):
    """Asks again and again; what `holds` returned once it was true."""
    end = time.monotonic() + seconds
    while not (value := holds()):
        if time.monotonic() > end:
            raise AssertionError(f"{why}, for {seconds} s")
        time.sleep(0.02)
    return value


class Client:
    """One keep-alive connection that speaks JSON."""

    def __init__(self, port, timeout=10, headers=None):
        self.port, self.timeout, self.headers = port, timeout, headers or {}
        self.answered = {}  # header fields of the last answer, names in small letters
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def ask(self, method, path, body=None):
        """(status, document or text). Network failures are OSError or HTTPException."""
        text = None if body is None else json.dumps(body)
        headers = dict(self.headers, **({} if body is None else {"Content-Type": "application/json"}))
        try:
            self.connection.request(method, path, text, headers)
            answer = self.connection.getresponse()
            content = answer.read()
            self.answered = {name.lower(): value for name, value in answer.getheaders()}
        except BaseException:
            self.close()
            raise
        is_json = "json" in (answer.getheader("Content-Type") or "")
        return answer.status, json.loads(content) if is_json and content else content.decode(errors="replace")

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path, body):
        return self.ask("POST", path, body)

    def put(self, path, body):
        return self.ask("PUT", path, body)

    def status(self, method, path, body=None):
        return self.ask(method, path, body)[0]

    def close(self):
        self.connection.close()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)


def with_key(key):
    """Header fields of a client that has a key or a token."""
    return {"Authorization": f"Bearer {key}"}


def ids_of(answer):
    return [item["item_id"] for item in answer["items"]]


class Service:
    """`torii serve`; ends with the `with` block. Without keys unless keys=True."""

    def __init__(self, program, store, folder, *words, port=None, env=None, prefix=(), keys=False):
        self.port = port or free_port()
        self.folder, self.env, self.process = pathlib.Path(folder), env or {}, None
        self.command = [*prefix, str(program), "serve", f"--store={store}", f"--port={self.port}", *words]
        self.command += [] if keys else ["--open"]
        self.log = self.folder / f"serve-{self.port}.log"

    def start(self, ready=True):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.env},
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=START_S):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log_text()}")
            try:
                client = Client(self.port, timeout=5)
                status, _ = client.get("/health/ready")
                client.connection.close()
                if status == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.01)
        raise AssertionError(f"the server is not ready after {seconds} s:\n{self.log_text()}")

    def log_text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")[-4000:] if self.log.exists() else ""

    def client(self, **options):
        return Client(self.port, **options)

    def kill(self):
        """kill -9; nothing is said goodbye to."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def stop(self, seconds=30):
        """SIGTERM, as an operator would; returns the exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"SIGTERM did not end the server in {seconds} s:\n{self.log_text()}") from None
        return self.process.returncode

    def resident_mib(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise AssertionError("no VmRSS")

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        with contextlib.suppress(AssertionError):
            self.stop()
        self.kill()


def program_of_environment():
    """The torii under test: TORII_PROGRAM."""
    program = os.environ.get("TORII_PROGRAM")
    if not program:
        sys.exit("TORII_PROGRAM must name the torii to test")
    return pathlib.Path(program).resolve()

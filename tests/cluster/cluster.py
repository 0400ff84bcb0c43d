"""A Kubernetes of one node on this machine, with Argo's controller, MinIO and PostgreSQL beside it: real
pods out of torii's own image. The scripts and pins are those of the shared folder; tests/cluster/build
makes the programs. Everything is ended by its process id; what listens does so on addresses of `lo`."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from support import databases  # noqa: E402

SHARED = pathlib.Path(os.environ.get("TORII_SHARED_DIR", ROOT.parent / "shared")).resolve()
SCRIPTS, BUILT = SHARED / "cluster", ROOT / ".deps" / "cluster" / "bin"
ADDRESS = "10.96.0.1"  # of lo; pods reach the host by it
IMAGE = "localhost/torii:0.1"
S3 = {"AWS_ENDPOINT_URL": f"http://{ADDRESS}:9000", "AWS_ACCESS_KEY_ID": "torii", "AWS_SECRET_ACCESS_KEY": "toriisecret", "AWS_REGION": "us-east-1"}


class PodsPostgres(databases.Postgres):
    """Debian's PostgreSQL where pods find it."""

    def command(self):
        (self.data / "pg_hba.conf").open("a").write("host all all 10.0.0.0/8 trust\n")
        return [ADDRESS if word == "127.0.0.1" else word for word in super().command()]

    def is_up(self):
        with contextlib.suppress(OSError), socket.create_connection((ADDRESS, self.port), timeout=1):
            ready = [self.binaries / "pg_isready", "-q", "-h", ADDRESS, "-p", str(self.port)]
            return subprocess.run(ready, check=False, cwd=self.folder).returncode == 0
        return False

    def uri(self):
        return f"postgres://torii@{ADDRESS}:{self.port}/postgres?sslmode=disable"


def argo_crds():
    done = subprocess.run(["go", "env", "GOMODCACHE"], check=True, capture_output=True, text=True)
    return pathlib.Path(done.stdout.strip()) / "github.com/argoproj/argo-workflows/v3@v3.7.2/manifests/base/crds/full"


class Cluster:
    def __init__(self, program, build):
        self.program = program
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tc-"))  # sockets want short paths
        self.folder.chmod(0o755)
        self.build = build
        self.config = self.folder / "kubeconfig"
        self.stack = contextlib.ExitStack()

    def script(self, name, *words):
        with open(self.folder / "scripts.log", "ab") as log:
            done = subprocess.run([str(SCRIPTS / name), *map(str, words)], stdout=log, stderr=log, cwd=self.folder, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{name} {words[0]}: exit {done.returncode}\n" + (self.folder / "scripts.log").read_text()[-3000:])

    def __enter__(self):
        try:
            begun = time.monotonic()
            self.script("images.sh", self.folder, BUILT)
            tool = [ROOT / "tools" / "image", "archive", self.folder / "images" / "torii.tar", f"--name={IMAGE}", f"--build={self.build}"]
            made = subprocess.run([str(word) for word in tool], check=True, capture_output=True, text=True)
            self.say(begun, f"image: {made.stderr.strip()}")
            self.stack.callback(self.down)
            self.script("cluster.sh", "up", self.folder, BUILT)
            self.say(begun, "the node is ready")
            self.stack.callback(self.script, "argo-up.sh", "down", self.folder)
            self.argo_up()
            (self.folder / "minio" / "shop").mkdir()  # a folder of MinIO's drive is a bucket
            self.say(begun, "Argo and MinIO run")
            self.postgres = self.stack.enter_context(PodsPostgres(self.folder / "postgres"))
            keys = [f"--from-literal={name}={value}" for name, value in S3.items()]
            self.kubectl("create", "secret", "generic", "torii-aws", *keys)
            return self
        except BaseException:
            self.__exit__()
            raise

    def argo_up(self):
        """Again where kubectl asks for the state of definitions that have none yet."""
        for left in (2, 1, 0):
            try:
                return self.script("argo-up.sh", self.folder, BUILT, argo_crds())
            except AssertionError:
                self.script("argo-up.sh", "down", self.folder)
                if left == 0:
                    raise
                time.sleep(5)

    def down(self):
        with contextlib.suppress(AssertionError):
            self.script("cluster.sh", "down", self.folder)

    def __exit__(self, *_):
        if os.environ.get("TORII_KEEP_CLUSTER_LOGS"):
            shutil.copytree(self.folder, os.environ["TORII_KEEP_CLUSTER_LOGS"], dirs_exist_ok=True, ignore=lambda _, names: [n for n in names if not n.endswith(".log")])
        self.stack.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def say(begun, what):
        print(f"{time.monotonic() - begun:6.1f} s  {what}", file=sys.stderr, flush=True)

    # ---- calls

    def kubectl(self, *words, check=True, text=None):
        command = [BUILT / "kubectl", f"--kubeconfig={self.config}", *words]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, input=text, timeout=120)
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(map(str, words))}: {done.stderr}")
        return done.stdout

    def get(self, *words):
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def environment(self):
        return {**os.environ, **S3, "KUBECONFIG": str(self.config)}

    def torii(self, *words, check=True, timeout=600, cwd=None):
        command = [str(self.program), *map(str, words)]
        done = subprocess.run(command, cwd=cwd or self.folder, env=self.environment(), capture_output=True, text=True, check=False, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def token_words(self):
        """How torii gets at the API server without a kubeconfig."""
        token = (self.folder / "pki" / "tokens.csv").read_text().split(",")[0]
        (self.folder / "token").write_text(token)
        return (f"--host=https://{ADDRESS}", f"--token-file={self.folder / 'token'}", f"--ca={self.folder / 'pki' / 'ca.crt'}", "--namespace=default")

    def begin(self, *words):
        """A torii that goes on beside the test."""
        command = [str(self.program), *map(str, words)]
        process = subprocess.Popen(command, cwd=self.folder, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.stack.callback(lambda: process.poll() is None and process.send_signal(signal.SIGKILL))
        return process


def wait_until(found, seconds, what):
    end = time.monotonic() + seconds
    while not (value := found()):
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s: {what}")
        time.sleep(0.3)
    return value

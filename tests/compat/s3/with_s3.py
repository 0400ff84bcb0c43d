"""Runs a test program beside an S3 server of its own and a server that misbehaves, both on free
ports of the loopback interface and ended with it.

    with_s3.py DEPS moto|minio PROGRAM [ARGUMENT...]

The program finds in its environment AWS_ENDPOINT_URL and credentials of the S3 server, where the
bucket `shop` exists; TORII_TEST_FAULTS, the address of faults.py; TORII_TEST_HTTPS, another one that
speaks https; and TORII_TEST_CA, the file of its certificate.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
USER, SECRET = "torii-test", "torii-test-secret"
MINIO = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"

MOTO = """
import logging, os, sys, threading
logging.getLogger("werkzeug").setLevel(logging.ERROR)
os.environ.update(AWS_EC2_METADATA_DISABLED="true")
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=int(sys.argv[1]))
server.start()
threading.Event().wait()
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_up(url, process):
    for _ in range(600):
        if process.poll() is not None:
            sys.exit(f"with_s3.py: the server ended with {process.returncode}")
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return  # it answers
        except OSError:
            time.sleep(0.05)
    sys.exit(f"with_s3.py: {url} does not come up")


def server_command(deps, kind, port, folder):
    """The command and its environment."""
    if kind == "moto":
        if not (deps / "moto" / "moto").is_dir():
            sys.exit("with_s3.py: .deps/moto is missing: run tools/bootstrap")
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(deps / "moto")}
        environment |= {"HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        return ["/usr/bin/python3", "-c", MOTO, str(port)], environment
    binary = deps / "minio" / "minio"
    if not binary.exists():
        print(f"with_s3.py: building {MINIO} (minutes, once)", file=sys.stderr)
        environment = dict(os.environ, GOBIN=str(binary.parent), GOFLAGS="-p=1")
        subprocess.run(["nice", "-n", "19", "go", "install", MINIO], check=True, env=environment)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "MINIO_BROWSER": "off"}
    environment |= {"MINIO_ROOT_USER": USER, "MINIO_ROOT_PASSWORD": SECRET}
    # On a new drive a folder is a bucket.
    (folder / "data" / "shop").mkdir(parents=True)
    command = [str(binary), "server", str(folder / "data"), "--address", f"127.0.0.1:{port}"]
    return command, environment


def make_certificate(folder):
    """A key and a certificate for 127.0.0.1 that signs itself, in one file."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=torii-test", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "ca.pem")]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "ca.pem").read_text())
    return both


def main():
    deps, kind, program = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="torii-s3-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        port, fault_port, https_port = free_port(), free_port(), free_port()
        command, environment = server_command(deps, kind, port, folder)
        log = stack.enter_context(open(folder / "log", "wb"))
        server = stack.enter_context(
            running(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        )
        faults_program = ["/usr/bin/python3", "-B", str(HERE / "faults.py")]
        faults = stack.enter_context(running(faults_program + [str(fault_port)]))
        stack.enter_context(running(faults_program + [str(https_port), make_certificate(folder)]))
        endpoint = f"http://127.0.0.1:{port}"
        wait_until_up(endpoint + ("/minio/health/live" if kind == "minio" else "/"), server)
        wait_until_up(f"http://127.0.0.1:{fault_port}/_count/x", faults)
        if kind == "moto":
            request = urllib.request.Request(endpoint + "/shop", method="PUT")
            urllib.request.urlopen(request, timeout=10).close()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        environment |= {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1"}
        environment |= {"AWS_ACCESS_KEY_ID": USER, "AWS_SECRET_ACCESS_KEY": SECRET}
        environment |= {"TORII_TEST_S3": kind, "HOME": str(folder)}
        environment["TORII_TEST_HTTPS"] = f"https://127.0.0.1:{https_port}"
        environment["TORII_TEST_CA"] = str(folder / "ca.pem")
        environment["TORII_TEST_FAULTS"] = f"http://127.0.0.1:{fault_port}"
        status = subprocess.run(program, env=environment, check=False).returncode
        if status != 0:
            sys.stderr.write((folder / "log").read_text(errors="replace")[-3000:])
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())

"""Runs a test program beside a PostgreSQL server of its own, on a free port of the loopback
interface, with TLS, ended with it.

    with_postgres.py PROGRAM [ARGUMENT...]

The program finds TORII_TEST_POSTGRES in its environment: the URI of an empty database, without the
password, which is in TORII_TEST_POSTGRES_PASSWORD.
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

PASSWORD = "torii:test@secret"


def programs():
    """Where Debian keeps initdb and postgres; the newest version."""
    folders = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    if folders:
        return folders[-1]
    found = shutil.which("initdb")
    if not found:
        sys.exit("with_postgres.py: no PostgreSQL server here: run tools/bootstrap")
    return pathlib.Path(found).parent


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A database cluster in `folder`. start() and stop() may be called again and again; the port
    stays. PostgreSQL does not run as root: the package's own user does it then."""

    def __init__(self, folder):
        self.who = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        if self.who:
            shutil.chown(folder, "postgres", "postgres")
        self.folder, self.binaries, self.port, self.process = folder, programs(), free_port(), None
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        self.quiet = {"stdin": subprocess.DEVNULL, "cwd": folder, "env": environment}
        data = folder / "data"
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        initdb = [self.binaries / "initdb", "-D", data, "-U", "torii", "-A", "scram-sha-256", "-E", "UTF8"]
        initdb += [f"--pwfile={folder}/password", "--no-sync", "--no-instructions"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, **self.quiet, **self.who)
        key = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        key += ["-keyout", data / "server.key", "-out", data / "server.crt"]
        subprocess.run(key, check=True, stderr=subprocess.DEVNULL, **self.quiet, **self.who)

    def start(self):
        if self.process is not None:
            return
        folder = self.folder
        settings = {"fsync": "off", "ssl": "on", "unix_socket_directories": folder, "max_connections": 20}
        command = [self.binaries / "postgres", "-D", folder / "data", "-h", "127.0.0.1", "-p", str(self.port)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with open(folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, **self.quiet, **self.who)
        ask = [self.binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        for _ in range(600):
            if subprocess.run(ask, check=False, **self.quiet).returncode == 0:
                return
            if self.process.poll() is not None:
                sys.exit("with_postgres.py: the server ended:\n" + (folder / "log").read_text())
            time.sleep(0.05)
        sys.exit("with_postgres.py: the server does not answer")

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGINT)  # fast shutdown
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def variables(self):
        return {
            "TORII_TEST_POSTGRES": f"postgres://torii@127.0.0.1:{self.port}/postgres?sslmode=require",
            "TORII_TEST_POSTGRES_PASSWORD": PASSWORD,
        }


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="torii-pg-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = Server(folder)
        stack.callback(server.stop)
        server.start()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | server.variables()
        status = subprocess.run(sys.argv[1:], env=environment, check=False).returncode
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())

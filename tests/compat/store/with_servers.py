"""Runs a test program beside a PostgreSQL and a Redis server of its own, on free ports of the
loopback interface, ended with it.

    with_servers.py PROGRAM [ARGUMENT...]

The program finds in its environment TORII_TEST_POSTGRES and TORII_TEST_POSTGRES_PASSWORD (see
with_postgres.py), TORII_TEST_REDIS, the URI of a Redis server without the password, which is in
TORII_TEST_REDIS_PASSWORD, and TORII_TEST_SERVERS, a socket that takes one line a connection: "stop
postgres", "start redis", ... and answers "done" when that is so.
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
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "sql"))
import with_postgres  # noqa: E402

PASSWORD = "torii:test@secret"


class Redis:
    """A server whose data in `folder` survive stop() and start(); the port stays."""

    def __init__(self, folder):
        self.program = shutil.which("redis-server")
        if not self.program:
            sys.exit("with_servers.py: no Redis server here: run tools/bootstrap")
        self.folder, self.port, self.process = folder, with_postgres.free_port(), None

    def start(self):
        if self.process is not None:
            return
        settings = {"bind": "127.0.0.1", "port": self.port, "dir": self.folder, "requirepass": PASSWORD}
        settings |= {"appendonly": "yes", "appendfsync": "everysec", "save": "", "databases": 4}
        command = [self.program, "-"]
        lines = "".join(f'{name} "{value}"\n' for name, value in settings.items())
        with open(self.folder / "redis.log", "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self.folder)
        self.process.stdin.write(lines.encode())
        self.process.stdin.close()
        for _ in range(600):
            if self.answers():
                return
            if self.process.poll() is not None:
                sys.exit("with_servers.py: redis-server ended:\n" + (self.folder / "redis.log").read_text())
            time.sleep(0.02)
        sys.exit("with_servers.py: redis-server does not answer")

    def answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as wire:
            for command, answer in ((f"AUTH {PASSWORD}", b"+OK"), ("PING", b"+PONG")):
                wire.sendall(command.encode() + b"\r\n")
                if not wire.recv(100).startswith(answer):
                    return False  # still reading its file
            return True
        return False

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def variables(self):
        return {
            "TORII_TEST_REDIS": f"redis://127.0.0.1:{self.port}",
            "TORII_TEST_REDIS_PASSWORD": PASSWORD,
        }


def obey(listener, servers):
    """Stops and starts servers as the test says, until the listener is closed."""
    with contextlib.suppress(OSError):
        while True:
            wire, _ = listener.accept()
            with wire:
                verb, name = wire.recv(100).decode().split()
                {"stop": servers[name].stop, "start": servers[name].start}[verb]()
                wire.sendall(b"done")


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="torii-store-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        servers = {}
        folder.chmod(0o755)
        for name, kind in (("postgres", with_postgres.Server), ("redis", Redis)):
            (folder / name).mkdir()
            servers[name] = kind(folder / name)
            stack.callback(servers[name].stop)
            servers[name].start()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(folder / "control"))
        listener.listen(1)
        threading.Thread(target=obey, args=(listener, servers), daemon=True).start()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        environment["TORII_TEST_SERVERS"] = str(folder / "control")
        for server in servers.values():
            environment |= server.variables()
        status = subprocess.run(sys.argv[1:], env=environment, check=False).returncode
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())

"""Database servers of a test's own on free ports of the loopback, which it may stop and start again:
the data stays. Ended by their process ids."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "compat" / "sql"))
import with_postgres  # noqa: E402

START_S = 30


class Database:
    """A server that runs between start() and stop()."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.process, self.who = with_postgres.free_port(), None, {}

    def start(self):
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self.who
            )
        end = time.monotonic() + START_S
        while not self.is_up():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError("the database does not come up:\n" + (self.folder / "server.log").read_text()[-2000:])
            time.sleep(0.05)
        return self

    def crash(self):
        """Ends it without its saying goodbye."""
        self.stop(self.rough)

    def stop(self, how):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        if self.process:
            self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop(self.gentle)


class Postgres(Database):
    """Debian's PostgreSQL, durable (fsync is off, but a killed server loses nothing that way)."""

    gentle = signal.SIGINT  # fast shutdown
    rough = signal.SIGQUIT  # all its processes end at once; the next start recovers from the log

    def __init__(self, folder):
        super().__init__(folder)
        if os.geteuid() == 0:  # PostgreSQL does not run as root
            shutil.chown(self.folder, "postgres", "postgres")
            self.who = {"user": "postgres", "group": "postgres", "extra_groups": []}
        self.binaries, self.data = with_postgres.programs(), self.folder / "data"
        initdb = [self.binaries / "initdb", "-D", self.data, "-U", "torii", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self.who)

    def command(self):
        command = [self.binaries / "postgres", "-D", self.data, "-h", "127.0.0.1", "-p", str(self.port)]
        for setting in ("fsync=off", "max_connections=30", f"unix_socket_directories={self.folder}"):
            command += ["-c", setting]
        return command

    def is_up(self):
        ready = [self.binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False, cwd=self.folder).returncode == 0

    def uri(self):
        return f"postgres://torii@127.0.0.1:{self.port}/postgres?sslmode=disable"


class Redis(Database):
    """Debian's Redis with an append-only file that is synced at every write."""

    gentle, rough = signal.SIGTERM, signal.SIGKILL

    def command(self):
        program = shutil.which("redis-server")
        if not program:
            sys.exit("no redis-server here: run tools/bootstrap")
        words = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder), "--save", ""]
        return [program, *words, "--appendonly", "yes", "--appendfsync", "always"]

    def is_up(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def uri(self):
        return f"redis://127.0.0.1:{self.port}"

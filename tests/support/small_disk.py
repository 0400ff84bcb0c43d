"""A file system of a few MiB for one server, which can really get full: a tmpfs in a mount namespace of
the server's own (unshare), which is gone when the server ends."""

import contextlib
import os
import pathlib
import subprocess

MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$2" && cp -a "$3/." "$2" && shift 3 && exec "$@"'
AS_ROOT, AS_USER = ("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount")


def kind():
    """How this machine lets a process have a mount of its own; None: it does not."""
    for words in (AS_ROOT, AS_USER):
        command = [*words, "mount", "-t", "tmpfs", "tmpfs", "/tmp"]
        with contextlib.suppress(OSError):
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                return words
    return None


def prefix(words, folder, content, size):
    """Before a command: `folder` is then, for that command alone, a file system of `size` bytes with a
    copy of what is in `content`. The process id stays that of the command."""
    return (*words, "sh", "-c", MOUNT, "sh", str(size), str(folder), str(content))


class SmallDisk:
    """The file system of the process `pid`, seen from outside."""

    def __init__(self, pid, folder):
        self.seen = pathlib.Path(f"/proc/{pid}/root{folder}")

    def free(self):
        facts = os.statvfs(self.seen)
        return facts.f_bavail * facts.f_frsize

    def fill(self, left=0):
        """Takes all room but `left` bytes."""
        with open(self.seen / "filler", "ab", buffering=0) as filler:
            while (room := self.free() - left) > 0:
                try:
                    filler.write(b"x" * min(room, 1 << 20))
                except OSError:
                    return

    def make_room(self):
        (self.seen / "filler").unlink()

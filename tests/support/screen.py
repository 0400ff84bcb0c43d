"""A terminal of a test's own: runs a program with its stderr on it and shows what a person would see."""

import contextlib
import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import time

PIECE = re.compile(r"\x1b\[([0-9]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n])")


class Screen:
    """Understands what torii writes: \\r, \\n, cursor up, erasing to the end of line and screen, colours.
    Long lines wrap and the last row scrolls, as on a real one."""

    def __init__(self, columns=80, rows=24):
        self.columns, self.rows = columns, rows
        self.lines, self.row, self.column = [[]], 0, 0
        self.top = 0  # first row that is on the screen; those above have scrolled away

    def feed(self, text):
        for number, letter, back, line, sign in PIECE.findall(text):
            if sign:
                self.put(sign)
            elif back:
                self.column = 0
            elif line:
                self.down()
            elif letter == "A":
                self.row = max(self.top, self.row - int(number or 1))
            elif letter == "K":
                del self.lines[self.row][self.column :]
            elif letter == "J":
                del self.lines[self.row][self.column :]
                del self.lines[self.row + 1 :]

    def put(self, sign):
        if self.column == self.columns:
            self.down()
        line = self.lines[self.row]
        line += [" "] * (self.column + 1 - len(line))
        line[self.column] = sign
        self.column += 1

    def down(self):
        self.row, self.column = self.row + 1, 0
        if self.row == len(self.lines):
            self.lines.append([])
        self.top = max(self.top, self.row - self.rows + 1)

    def text(self):
        return "\n".join("".join(line).rstrip() for line in self.lines)


def watch(command, columns=80, rows=24, timeout=60, **options):
    """(exit code, stdout, the screens that there were, one after the other)."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    screen, screens = Screen(columns, rows), []
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave, **options)
    os.close(slave)
    end, rest = time.monotonic() + timeout, b""
    with contextlib.suppress(OSError):  # the terminal's other side is closed
        while time.monotonic() < end:
            if not select.select([master], [], [], 0.2)[0]:
                continue
            rest += os.read(master, 1 << 16)
            text = rest.decode(errors="ignore")
            if rest.decode(errors="replace").endswith("\ufffd"):
                continue  # half a letter
            rest = b""
            screen.feed(text)
            screens.append(screen.text())
    os.close(master)
    out = process.communicate(timeout=10)[0].decode()
    return process.returncode, out, screens

"""HTTP byte by byte: requests that no library would send, and answers as they came."""

import socket


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:300]!r}"


class Wire:
    """One connection to the loopback. Header names of answers are in small letters."""

    def __init__(self, port, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.rest = b""

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))

    def more(self):
        """Some bytes that came; none: the server closed."""
        part = self.socket.recv(1 << 16)
        self.rest += part
        return part

    def read(self, head=False):
        """The next answer; head: of a HEAD request, which has no body whatever its length says."""
        while b"\r\n\r\n" not in self.rest:
            if not self.more():
                raise AssertionError(f"the server closed before it answered: {self.rest[:300]!r}")
        text, self.rest = self.rest.split(b"\r\n\r\n", 1)
        first, *lines = text.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, value = line.split(":", 1)
            headers[name.strip().lower()] = value.strip()
        size = 0 if head else int(headers.get("content-length", 0))
        while len(self.rest) < size:
            if not self.more():
                raise AssertionError("the server closed inside an answer")
        body, self.rest = self.rest[:size], self.rest[size:]
        return Answer(int(first.split(" ")[1]), headers, body)

    def is_closed(self):
        """Whether nothing comes any more but the end; waits for it until the timeout."""
        try:
            return self.socket.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

    def is_closed_now(self):
        self.socket.setblocking(False)
        try:
            return self.socket.recv(1) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def request(method, target, fields="", body=b""):
    """The bytes of one request; `fields`: whole lines."""
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    return f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{fields}{length}\r\n".encode("latin-1") + body


def ask(port, method, target, fields="", body=b""):
    with Wire(port) as wire:
        wire.send(request(method, target, fields, body))
        return wire.read(head=method == "HEAD")

"""An object store that misbehaves as the key says:  faults.py PORT [CERTIFICATE]

With a file of certificate and key it speaks https. It keeps what is PUT (any bucket; no signatures), answers HEAD and ranged GET, and counts:
the object _count/KEY is "requests bytes" of that key so far. The key's first part names the fault:

    flaky/...      500 for the first three requests        busy/...     503 always
    reset/...      the connection is reset, twice          denied/...   403 always
    torn/...       half of a GET's body, twice             hang/...     no answer to a GET
    trickle/...    a GET's body byte by byte, for hours    swap/...     another ETag at every HEAD
    part/...       500 for part 2 of an upload, twice      cut/...      the connection is reset within part 2, twice
    noparts/...    503 for part 2, always                  noend/...    500 for the end of an upload, always

Of uploads in parts, _uploads/KEY is "open aborted tries-of-part-1 tries-of-part-2".
"""

import collections
import http.server
import io
import pathlib
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from support.s3_answers import Answers  # noqa: E402

OBJECTS = {}
REQUESTS = collections.Counter()
BYTES = collections.Counter()
UPLOADS = {}  # id: (key, {number: bytes})
ABORTED = collections.Counter()
TRIES = collections.Counter()  # (key, number of the part)
LOCK = threading.Lock()


class Store(Answers):
    def reset(self):
        # Closing with unsent data thrown away is a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def key(self):
        return self.path.split("?")[0].lstrip("/").partition("/")[2]

    def is_handled(self):
        """Counts; True if the fault was all of the answer."""
        key = self.key()
        with LOCK:
            REQUESTS[key] += 1
            count = REQUESTS[key]
        fault = key.split("/")[0]
        if fault == "flaky" and count <= 3:
            self.fail(500, "InternalError")
        elif fault == "busy":
            self.fail(503, "SlowDown")
        elif fault == "denied":
            self.fail(403, "AccessDenied")
        elif fault == "reset" and count <= 2:
            self.reset()
        elif fault == "hang" and self.command == "GET":
            time.sleep(3600)
        else:
            return False
        return True

    def read_chunks(self, stream):
        """The chunks of HTTP and of AWS's own encoding: SIZE[;signature] CRLF bytes CRLF."""
        body = b""
        while size := int(stream.readline().split(b";")[0], 16):
            body += stream.read(size)
            stream.readline()
        while stream.readline().strip():
            pass  # trailers
        return body

    def asked(self):
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query, keep_blank_values=True))

    def is_part_handled(self, key, number):
        fault = key.split("/")[0]
        with LOCK:
            TRIES[key, number] += 1
            count = TRIES[key, number]
        if number != 2:
            return False
        if fault == "part" and count <= 2:
            self.read_body()
            self.fail(500, "InternalError")
        elif fault == "noparts":
            self.read_body()
            self.fail(503, "SlowDown")
        elif fault == "cut" and count <= 2:
            self.rfile.read(1 << 20)
            self.reset()
        else:
            return False
        return True

    def do_POST(self):
        body, key, query = self.read_body(), self.key(), self.asked()
        if "uploads" in query:
            with LOCK:
                upload = f"u{len(UPLOADS) + sum(ABORTED.values()) + len(OBJECTS)}-{time.monotonic_ns()}"
                UPLOADS[upload] = (key, {})
            self.answer(200, f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>".encode())
        elif query.get("uploadId") not in UPLOADS:
            self.fail(404, "NoSuchUpload")
        elif key.startswith("noend/"):
            self.fail(500, "InternalError")
        else:
            _, parts = UPLOADS.pop(query["uploadId"])
            OBJECTS[key] = b"".join(parts[number] for number in range(1, body.count(b"<PartNumber>") + 1))
            self.answer(200, b'<CompleteMultipartUploadResult><ETag>"1"</ETag></CompleteMultipartUploadResult>')

    def do_DELETE(self):
        if UPLOADS.pop(self.asked().get("uploadId"), None) is not None:
            ABORTED[self.key()] += 1
        self.answer(204)

    def do_PUT(self):
        query = self.asked()
        if "partNumber" not in query:
            OBJECTS[self.key()] = self.read_body()
            self.answer(200, headers=[("ETag", '"1"')])
            return
        number = int(query["partNumber"])
        if self.is_part_handled(self.key(), number):
            return
        body = self.read_body()
        if query["uploadId"] not in UPLOADS:
            self.fail(404, "NoSuchUpload")
            return
        UPLOADS[query["uploadId"]][1][number] = body
        self.answer(200, headers=[("ETag", f'"{number}"')])

    def read_body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = self.read_chunks(self.rfile)
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            body = self.read_chunks(io.BytesIO(body))
        return body

    def do_HEAD(self):
        self.serve()

    def do_GET(self):
        self.serve()

    def serve(self):
        if self.path.startswith("/_count/"):
            key = self.path.removeprefix("/_count/")
            self.answer(200, f"{REQUESTS[key]} {BYTES[key]}".encode(), [("ETag", '"1"')])
            return
        if self.path.startswith("/_uploads/"):
            key = self.path.removeprefix("/_uploads/")
            count = sum(of == key for of, _ in list(UPLOADS.values()))
            told = f"{count} {ABORTED[key]} {TRIES[key, 1]} {TRIES[key, 2]}"
            self.answer(200, told.encode(), [("ETag", '"1"')])
            return
        if self.is_handled():
            return
        key = self.key()
        if key not in OBJECTS:
            self.fail(404, "NoSuchKey")
            return
        body, status = OBJECTS[key], 200
        etag = f'"{REQUESTS[key]}"' if key.startswith("swap/") else '"1"'
        headers = [("ETag", etag), ("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")]
        wanted = self.headers.get("Range")
        if wanted:
            first, last = wanted.removeprefix("bytes=").split("-")
            headers.append(("Content-Range", f"bytes {first}-{last}/{len(body)}"))
            body, status = body[int(first) : int(last) + 1], 206
        with LOCK:
            if self.command == "GET":
                BYTES[key] += len(body)
            torn = self.command == "GET" and key.startswith("torn/") and REQUESTS[key] <= 3
        if torn or (key.startswith("trickle/") and self.command == "GET"):
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if torn:
                self.wfile.write(body[: len(body) // 2])
                self.close_connection = True
                return
            for byte in body:
                self.wfile.write(bytes([byte]))
                time.sleep(0.2)
            return
        self.answer(status, body, headers)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a client that had enough


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(sys.argv[1])), Store)
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()

"""An S3 store of a test's own, in this process, on a free port of the loopback: objects are files of a
folder, so they outlive stop() and start(), which is what a client sees of a restart. It knows one access
key, counts the bytes of objects that go in and out, and can break off uploads. Signatures are not checked.

    with S3Store(folder) as store:
        store.environment()     # AWS_... variables for the program
        store.objects("shop/")  # what is there: {key: path of its content}
        store.uploads           # multipart uploads that were neither finished nor aborted
        store.faults            # callables (method, key, query) -> None | "reset" | (status, code)
"""

import collections
import contextlib
import hashlib
import http.server
import itertools
import os
import pathlib
import shutil
import socket
import struct
import threading
import urllib.parse
import xml.sax.saxutils

from support.s3_answers import Answers

PIECE = 1 << 20
USER, SECRET = "torii-test", "torii-test-secret"


def chunks(stream):
    """What stands in SIZE[;signature] CRLF bytes CRLF ... 0 CRLF, as HTTP and AWS write it."""
    while size := int(stream.readline().split(b";")[0] or b"0", 16):
        while size > 0:
            piece = stream.read(min(PIECE, size))
            if not piece:
                raise ConnectionError("the client broke off")
            size -= len(piece)
            yield piece
        stream.readline()
    while stream.readline().strip():
        pass  # trailers


def of_length(stream, left):
    while left > 0:
        piece = stream.read(min(PIECE, left))
        if not piece:
            raise ConnectionError("the client broke off")
        left -= len(piece)
        yield piece


class Stream:
    """Pieces, read like a file."""

    def __init__(self, pieces):
        self.pieces, self.buffer = pieces, bytearray()

    def more(self):
        piece = next(self.pieces, b"")
        self.buffer += piece
        return bool(piece)

    def read(self, size):
        while len(self.buffer) < size and self.more():
            pass
        return self.take(size)

    def readline(self):
        while b"\n" not in self.buffer and self.more():
            pass
        return self.take(self.buffer.find(b"\n") + 1 or len(self.buffer))

    def take(self, size):
        piece = bytes(self.buffer[:size])
        del self.buffer[:size]
        return piece


def body_of(handler):
    """The bytes of a request, piece by piece."""
    if handler.headers.get("Transfer-Encoding") == "chunked":
        pieces = chunks(handler.rfile)
    else:
        pieces = of_length(handler.rfile, int(handler.headers.get("Content-Length") or 0))
    if "aws-chunked" in handler.headers.get("Content-Encoding", ""):
        pieces = chunks(Stream(pieces))
    return pieces


class Handler(Answers):
    disable_nagle_algorithm = True

    def xml(self, name, content):
        self.answer(200, f'<?xml version="1.0"?><{name}>{content}</{name}>'.encode(), [("Content-Type", "application/xml")])

    def serve(self):
        store, url = self.server.store, urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        bucket, _, key = urllib.parse.unquote(url.path).lstrip("/").partition("/")
        store.requests[self.command] += 1
        body = body_of(self)
        if f"Credential={store.user}/" not in self.headers.get("Authorization", ""):
            collections.deque(body, maxlen=0)
            self.fail(403, "InvalidAccessKeyId")
            return
        for fault in list(store.faults):
            told = fault(self.command, key, query)
            if told == "reset":  # closing with unsent data thrown away
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
                return
            if told:
                collections.deque(body, maxlen=0)
                self.fail(*told)
                return
        if not key:
            self.serve_bucket(store, bucket, query, body)
        elif self.command in ("GET", "HEAD"):
            self.read_object(store, store.path_of(bucket, key))
        elif self.command == "PUT":
            self.write_object(store, store.path_of(bucket, key), query, body)
        elif self.command == "POST":
            self.multipart(store, store.path_of(bucket, key), query, body)
        elif "uploadId" in query:
            shutil.rmtree(store.parts_of(query["uploadId"]), ignore_errors=True)
            store.uploads.pop(query["uploadId"], None)
            self.answer(204)
        else:
            store.path_of(bucket, key).unlink(missing_ok=True)
            self.answer(204)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = serve

    def serve_bucket(self, store, bucket, query, body):
        collections.deque(body, maxlen=0)
        folder = store.folder / "objects" / bucket
        if self.command == "PUT":
            folder.mkdir(parents=True, exist_ok=True)
            self.answer(200)
        elif not folder.is_dir():
            self.fail(404, "NoSuchBucket")
        elif self.command == "HEAD" or "location" in query:
            self.answer(200) if self.command == "HEAD" else self.xml("LocationConstraint", "")
        else:
            prefix, most = query.get("prefix", ""), min(int(query.get("max-keys", 10_000)), 10_000)
            delimiter, content, folders = query.get("delimiter", ""), "", set()
            for key in sorted(store.keys(bucket, prefix))[:most]:
                rest = key[len(prefix) :]
                if delimiter and delimiter in rest:
                    folders.add(prefix + rest.split(delimiter)[0] + delimiter)
                    continue
                size = store.path_of(bucket, key).stat().st_size
                content += f"<Contents><Key>{xml.sax.saxutils.escape(key)}</Key><Size>{size}</Size>"
                content += "<LastModified>2024-01-01T00:00:00Z</LastModified></Contents>"
            for one in sorted(folders):
                content += f"<CommonPrefixes><Prefix>{xml.sax.saxutils.escape(one)}</Prefix></CommonPrefixes>"
            count = content.count("<Key>") + len(folders)
            self.xml("ListBucketResult", f"{content}<KeyCount>{count}</KeyCount><IsTruncated>false</IsTruncated>")

    def read_object(self, store, path):
        try:
            file = open(path, "rb")
        except OSError:
            self.fail(404, "NoSuchKey")
            return
        with file:
            facts = os.fstat(file.fileno())
            first, last, status = 0, facts.st_size - 1, 200
            if wanted := self.headers.get("Range"):
                begin, _, end = wanted.removeprefix("bytes=").partition("-")
                first, last, status = int(begin), min(int(end or last), last), 206
            self.send_response(status)
            self.send_header("ETag", f'"{facts.st_ino:x}-{facts.st_size:x}"')
            self.send_header("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
            if status == 206:
                self.send_header("Content-Range", f"bytes {first}-{last}/{facts.st_size}")
            self.send_header("Content-Length", str(last - first + 1))
            self.end_headers()
            if self.command == "HEAD":
                return
            file.seek(first)
            left = last - first + 1
            while left > 0:
                piece = file.read(min(PIECE, left))
                self.wfile.write(piece)
                store.bytes_out += len(piece)
                left -= len(piece)

    def write_object(self, store, path, query, body):
        is_part = "uploadId" in query
        if is_part:
            if query["uploadId"] not in store.uploads:
                self.fail(404, "NoSuchUpload")
                return
            path = store.parts_of(query["uploadId"]) / query["partNumber"]
        etag = store.keep(path, body)
        self.answer(200, headers=[("ETag", etag)])

    def multipart(self, store, path, query, body):
        told = b"".join(body)
        if "uploads" in query:
            upload = f"upload-{next(store.numbers)}"
            store.parts_of(upload).mkdir(parents=True)
            store.uploads[upload] = path
            self.xml("InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>")
            return
        upload = query["uploadId"]
        if upload not in store.uploads:
            self.fail(404, "NoSuchUpload")
            return
        count = told.count(b"<PartNumber>")
        parts = [store.parts_of(upload) / str(number) for number in range(1, count + 1)]

        def pieces():
            for part in parts:
                with open(part, "rb") as file:
                    while piece := file.read(PIECE):
                        yield piece

        etag = store.keep(path, pieces(), count=False)
        shutil.rmtree(store.parts_of(upload))
        del store.uploads[upload]
        self.xml("CompleteMultipartUploadResult", f"<ETag>{xml.sax.saxutils.escape(etag)}</ETag>")


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address, store):
        self.store, self.open_ones, self.lock = store, set(), threading.Lock()
        super().__init__(address, Handler)

    def handle_error(self, *_):
        pass  # a client that went away

    def process_request(self, request, client_address):
        with self.lock:
            self.open_ones.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        with self.lock:
            self.open_ones.discard(request)
        super().shutdown_request(request)

    def break_off(self):
        with self.lock:
            for request in self.open_ones:
                with contextlib.suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)


class S3Store:
    def __init__(self, folder, bucket="shop"):
        self.folder = pathlib.Path(folder)
        (self.folder / "objects" / bucket).mkdir(parents=True)
        self.user, self.bucket = USER, bucket
        self.faults, self.uploads, self.numbers = [], {}, itertools.count(1)
        self.requests = collections.Counter()
        self.bytes_in = self.bytes_out = 0
        self.server, self.port = None, 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.server = Listener(("127.0.0.1", self.port), self)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        """As a process that is killed: connections break off, nobody listens any more."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server.break_off()
            self.server = None

    def environment(self, **more):
        found = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}", "AWS_REGION": "us-east-1"}
        return found | {"AWS_ACCESS_KEY_ID": USER, "AWS_SECRET_ACCESS_KEY": SECRET} | more

    # Keys end in files, so that one may be the beginning of another.
    def path_of(self, bucket, key):
        return self.folder / "objects" / bucket / urllib.parse.quote(key, safe="")

    def parts_of(self, upload):
        return self.folder / "parts" / upload

    def keys(self, bucket, prefix=""):
        found = (urllib.parse.unquote(path.name) for path in (self.folder / "objects" / bucket).iterdir())
        return [key for key in found if key.startswith(prefix) and not key.startswith(".tmp-")]

    def objects(self, prefix=""):
        return {key: self.path_of(self.bucket, key) for key in self.keys(self.bucket, prefix)}

    def keep(self, path, pieces, count=True):
        """Whole or not at all; its ETag."""
        aside = path.parent / f".tmp-{next(self.numbers)}"
        content = hashlib.md5()
        try:
            with open(aside, "wb") as file:
                for piece in pieces:
                    file.write(piece)
                    content.update(piece)
                    if count:
                        self.bytes_in += len(piece)
            aside.rename(path)
        finally:
            aside.unlink(missing_ok=True)
        return f'"{content.hexdigest()}"'

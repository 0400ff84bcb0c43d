"""The server when the disk is full, when clients are slow or do nothing, ten thousand at once, and
when the next publication's bundle is broken: whoever asks properly is answered as ever."""

import contextlib
import http.client
import pathlib
import resource
import shutil
import socket
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, service, small_disk  # noqa: E402

PROGRAM = service.program_of_environment()
IDLE = 10_000
QUICK = ("--set", "serve.poll_s=0.05")


@contextlib.contextmanager
def file_size_limit(pid, limit):
    """Files of that process cannot grow beyond so many bytes: what it meets is what a full disk
    does, a write that fails."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


def median_ms(client, count=30):
    times = []
    for number in range(count):
        begun = time.monotonic()
        status, answer = client.get(f"/v1/users/u{number:03}/recommendations?k=10")
        assert status == 200, answer
        times.append(1e3 * (time.monotonic() - begun))
    return sorted(times)[count // 2]


class HardTimes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="torii-hard-")
        cls.folder = pathlib.Path(cls.temporary.name)
        for letter in "ab":
            service.write_shop(cls.folder / letter, letter)
            service.train(PROGRAM, cls.folder / letter)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def new_store(self, name, letters="a"):
        folder = self.folder / name
        folder.mkdir()
        store = f"sqlite:{folder}/shop.db"
        for letter in letters:
            service.publish(PROGRAM, self.folder / letter, store)
        return folder, store

    def test_a_full_disk_refuses_writes_and_nothing_else(self):
        folder, store = self.new_store("full")
        words = small_disk.kind()
        if words is None:
            print("no file system of the test's own here: a limit on file sizes is the full disk", file=sys.stderr)
            # `env --ignore-signal`: a write past the limit fails instead of ending the process.
            prefix = ("env", "--ignore-signal=XFSZ")
            with service.Service(PROGRAM, store, folder, *QUICK, prefix=prefix) as server:
                largest = max(path.stat().st_size for path in folder.glob("shop.db*"))
                with file_size_limit(server.process.pid, largest + 64 * 1024):
                    stored, refused = self.write_until_it_is_full(server.client())
                self.check_that_it_goes_on(server.client(), stored, refused)
                self.assertEqual(server.stop(), 0)
            service.run(PROGRAM, "store", "verify", f"--store={store}", cwd=folder)
            return
        content, disk = folder / "content", folder / "disk"
        content.mkdir()
        disk.mkdir()
        shutil.move(folder / "shop.db", content)
        size = (content / "shop.db").stat().st_size + (2 << 20)
        prefix = small_disk.prefix(words, disk, content, size)
        with service.Service(PROGRAM, f"sqlite:{disk}/shop.db", folder, *QUICK, prefix=prefix) as server:
            client, inside = server.client(), small_disk.SmallDisk(server.process.pid, disk)
            inside.fill(left=128 * 1024)
            stored, refused = self.write_until_it_is_full(client)
            inside.fill()  # not one byte is left
            self.assertEqual(inside.free(), 0)
            self.assertRegex(server.log_text(), "store_down.*full")
            taken = []  # SQLite may have room left in its log, which it writes over from the start: then it is stored
            for method, path, body in (
                ("PUT", "/v1/items/new", {"attributes": {}}),
                ("PUT", "/v1/users/new", {"preferences": ["k1"]}),
                ("DELETE", "/v1/users/u003", None),
            ):
                status = client.status(method, path, body)
                self.assertIn(status, (200, 201, 202, 503, 507), path)
                if status < 300:
                    taken.append((path, 404 if method == "DELETE" else 200))
            for path in ("/v1/users/u001/export", "/v1/models", "/v1/categories", "/health/ready"):
                self.assertEqual(client.get(path)[0], 200, path)
            self.assertEqual(client.post("/v1/recommend", {"features": {"age": 30}})[0], 200)
            inside.make_room()
            self.check_that_it_goes_on(client, stored, refused)
            for path, status in taken:
                self.assertEqual(client.get(path)[0], status, path)
            self.assertIn("store_back", server.log_text())
            for path in inside.seen.glob("shop.db*"):
                shutil.copy(path, folder)
            self.assertEqual(server.stop(), 0)
        service.run(PROGRAM, "store", "verify", f"--store={store}", cwd=folder)

    def write_until_it_is_full(self, client):
        """The ids of events that were taken, and of those that were refused."""
        stored, refused = [], []
        for number in range(400):
            events = [
                {"event_id": f"{number}-{n}", "user_id": "u001", "item_id": f"a{n:03}", "type": "view"} for n in range(40)
            ]
            status, answer = client.post("/v1/events", {"events": events})
            if status == 202:
                stored += [event["event_id"] for event in events]
                continue
            self.assertIn(status, (503, 507), answer)
            self.assertEqual(answer["status"], status)
            self.assertEqual(client.answered["content-type"], "application/problem+json")
            self.assertIn("retry-after", client.answered)
            refused += [event["event_id"] for event in events]
            self.assertEqual(client.get("/v1/users/u002/recommendations")[0], 200)
            if len(refused) == 5 * 40:
                break
        self.assertEqual(len(refused), 5 * 40, "the disk did not get full: nothing was tested")
        self.assertEqual(client.get("/health/live")[0], 200)
        return stored, refused

    def check_that_it_goes_on(self, client, stored, refused):
        event = {"event_id": "after", "user_id": "u001", "item_id": "a001", "type": "view"}
        service.wait_until(lambda: client.post("/v1/events", event)[0] == 202, 10, "there is room, writes are refused")
        status, document = client.get("/v1/users/u001/export")
        self.assertEqual(status, 200, document)
        found = {event["event_id"] for event in document["events"]}
        self.assertEqual([event for event in [*stored, "after"] if event not in found], [])
        self.assertEqual([event for event in refused if event in found], [])

    def test_slow_clients_hold_up_nobody(self):
        folder, store = self.new_store("slow")
        settings = (*QUICK, "--set", "serve.read_s=1", "--set", "serve.write_s=1")
        with service.Service(PROGRAM, store, folder, *settings) as server, contextlib.ExitStack() as stack:
            client = server.client()
            quick_ms = median_ms(client)
            # Some send a header byte by byte, some the body, some never read their answers.
            slow = []
            for kind in range(300):
                connection = stack.enter_context(socket.socket())
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # answers do not fit
                connection.connect(("127.0.0.1", server.port))
                connection.setblocking(False)
                slow.append(connection)
                if kind % 3 == 1:
                    connection.send(b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
                    connection.send(b"Content-Length: 100000\r\n\r\n{")
                elif kind % 3 == 2:
                    with contextlib.suppress(BlockingIOError, ConnectionError):
                        for _ in range(2000):
                            connection.send(b"GET /v1/users/u001/recommendations?k=100 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            times, end = [], time.monotonic() + 4
            dribble = b"GET /v1/users/u001/recommendations HTTP/1.1\r\nX-Slow: " + b"a" * 1000
            at = 0
            while time.monotonic() < end:
                for kind, connection in enumerate(slow):
                    with contextlib.suppress(OSError):
                        if kind % 3 == 0:
                            connection.send(dribble[at : at + 1])
                        elif kind % 3 == 1:
                            connection.send(b" ")
                at += 1
                times.append(median_ms(client, 3))
                time.sleep(0.05)
            times.sort()
            self.assertLess(times[len(times) // 2], 50 + 10 * quick_ms)
            open_ones = [0, 0, 0]
            for kind, connection in enumerate(slow):
                connection.settimeout(2)  # what the server had sent comes before the end
                try:
                    while connection.recv(1 << 20):
                        pass
                except TimeoutError:
                    open_ones[kind % 3] += 1
                except OSError:
                    pass
            # One whose few answers fit into the sockets after all is idle, not slow.
            self.assertEqual(open_ones[:2], [0, 0], "slow clients are still connected long after their time")
            self.assertLess(open_ones[2], 10, "those who do not read are still connected long after their time")
            self.assertEqual(server.stop(), 0)

    def test_ten_thousand_idle_connections(self):
        folder, store = self.new_store("idle")
        files, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < IDLE + 500:
            resource.setrlimit(resource.RLIMIT_NOFILE, (IDLE + 500, max(hard, IDLE + 500)))
        else:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        with service.Service(PROGRAM, store, folder, *QUICK) as server, contextlib.ExitStack() as stack:
            client = server.client()
            before_mib, quick_ms = server.resident_mib(), median_ms(client)
            connections = []
            for _ in range(IDLE):
                connections.append(stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20)))
            self.assertLess(median_ms(client), 50 + 10 * quick_ms)
            self.assertLess(server.resident_mib() - before_mib, 300)  # 30 kB each at most
            # They are all served still.
            for connection in connections[:: IDLE // 50]:
                connection.sendall(b"GET /v1/users/u001/recommendations HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertEqual(connection.recv(12), b"HTTP/1.1 200")
            stack.close()
            self.assertEqual(client.get("/health/ready")[0], 200)
            self.assertEqual(server.stop(), 0)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    def test_a_broken_bundle_is_refused_and_the_old_one_serves(self):
        folder, store = self.new_store("broken", "ab")
        service.run(PROGRAM, "store", "rollback", f"--store={store}", cwd=folder)
        with service.Service(PROGRAM, store, folder, *QUICK) as server:
            client = server.client()
            status, document = client.get("/v1/models")
            self.assertEqual(status, 200, document)
            bundle = next(model for model in document["models"] if model["version"] == 2)["bundle_id"]
            (place,) = [path for path in (folder / "bundles").iterdir() if bundle in path.name]
            shutil.copytree(place, folder / "whole")
            for part in place.rglob("*.safetensors"):
                part.chmod(0o644)
                content = bytearray(part.read_bytes())
                content[len(content) // 2] ^= 1
                part.write_bytes(content)
            status, answer = client.post("/v1/models/2/activate", {})
            self.assertIn(status, (200, 202, 409, 422, 500, 503), answer)
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                status, answer = client.get("/v1/users/u001/recommendations?k=10")
                self.assertEqual((status, answer["model_version"]), (200, 1), answer)
                self.assertTrue(all(item["item_id"].startswith("a") for item in answer["items"]), answer)
                time.sleep(0.02)
            self.assertEqual(client.get("/health/ready")[0], 200)
            # Repaired, it is taken, without a restart.
            shutil.rmtree(place)
            shutil.copytree(folder / "whole", place)
            end = time.monotonic() + 20
            while (answer := client.get("/v1/users/u001/recommendations?k=10")[1])["model_version"] != 2:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    client.post("/v1/models/2/activate", {})
                self.assertLess(time.monotonic(), end, "the repaired bundle is not taken")
                time.sleep(0.1)
            self.assertTrue(all(item["item_id"].startswith("b") for item in answer["items"]), answer)


if __name__ == "__main__":
    cases.main()

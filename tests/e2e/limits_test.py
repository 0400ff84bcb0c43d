"""What a running server does with clients that ask too much, too long, too slowly, from elsewhere, or
for what there is not; and the parts of HTTP that proxies and browsers rely on."""

import contextlib
import gzip
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, service, shop_case, wire  # noqa: E402

LIST = "/v1/users/u1/recommendations"
ORIGIN = "https://shop.example"


class Limits(shop_case.ShopCase):
    def serve(self, *settings, **options):
        return super().serve(f"sqlite:{self.folder}/base.db", *settings, **options)

    def assert_answer(self, answer, status, code):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["content-type"], "application/problem+json", answer)
        self.assertEqual(json.loads(answer.body)["code"], code, answer)

    def test_a_key_that_asks_too_often_is_told_when_to_come_back(self):
        store = f"sqlite:{self.folder}/base.db"
        keys = [service.make_key(shop_case.PROGRAM, self.folder, store, "read")["key"] for _ in range(2)]
        with self.serve("serve.rate_per_s=2", "serve.rate_burst=4", keys=True) as server:
            greedy, modest = (server.client(headers=service.with_key(key)) for key in keys)
            statuses = [greedy.get(LIST)[0] for _ in range(8)]
            self.assertEqual(statuses[:4], [200] * 4)
            self.assertIn(429, statuses[4:])
            status, problem = service.wait_until(lambda: (r := greedy.get(LIST))[0] == 429 and r, 5)
            self.assertEqual((status, problem["code"]), (429, "too_many_requests"))
            self.assertEqual(greedy.answered["content-type"], "application/problem+json")
            wait = int(greedy.answered["retry-after"])
            self.assertIn(wait, range(1, 4))
            self.assertEqual(modest.get(LIST)[0], 200)  # another key has a measure of its own
            self.assertEqual([greedy.get("/health/live")[0] for _ in range(8)], [200] * 8)
            time.sleep(wait)
            self.assertEqual(greedy.get(LIST)[0], 200)

    def test_what_is_too_large_is_refused(self):
        with self.serve("serve.header_kb_max=2", "serve.body_kb_max=4") as server:
            port = server.port
            for fields in ("X-Long: " + "a" * 3000 + "\r\n", "".join(f"X-{n}: 1\r\n" for n in range(150))):
                self.assert_answer(wire.ask(port, "GET", LIST, fields), 431, "header_too_large")
            self.assert_answer(wire.ask(port, "GET", "/" + "a" * 3000), 431, "header_too_large")
            large = b"[" + b" " * 5000 + b"]"
            self.assert_answer(wire.ask(port, "POST", "/v1/events", body=large), 413, "body_too_large")
            with wire.Wire(port) as client:  # refused by its announced length, before a byte of it is sent
                client.send(wire.request("POST", "/v1/events", "Content-Length: 99999999999\r\n"))
                self.assert_answer(client.read(), 413, "body_too_large")
                self.assertTrue(client.is_closed())
            with wire.Wire(port) as client:  # a length that nobody announced
                client.send("POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
                client.send("Transfer-Encoding: chunked\r\n\r\n")
                with contextlib.suppress(OSError):
                    for _ in range(6):
                        client.send(b"400\r\n" + b" " * 1024 + b"\r\n")
                self.assert_answer(client.read(), 413, "body_too_large")
            # A body within the limit that is too long in another way: text, list, depth.
            item = {"item_id": "i1", "type": "view", "user_id": "u" * 600}
            client = server.client()
            self.assertEqual(client.post("/v1/events", item)[0], 400)
            self.assertEqual(client.post("/v1/recommend", {"exclude": ["x"] * 1001, "k": 1})[0], 413)  # > 4 KiB
            deep = b'{"filter":' * 300 + b"1" + b"}" * 300
            self.assert_answer(wire.ask(port, "POST", "/v1/recommend", body=deep), 400, "invalid_argument")
            self.assertEqual(client.get(LIST + "?k=1001")[0], 400)
            self.assertEqual(client.get(LIST)[0], 200)

    def test_what_takes_too_long_is_cut_off(self):
        with self.serve("serve.read_s=0.3", "serve.idle_s=0.6", "serve.connections_max=8") as server:
            with contextlib.ExitStack() as stack:
                header, body, idle = (stack.enter_context(wire.Wire(server.port)) for _ in range(3))
                header.send("GET /v1/categories HTTP/1.1\r\nHost: loc")
                body.send(wire.request("POST", "/v1/events", body=b'{"events": []}')[:-5])
                for slow in (header, body):
                    self.assert_answer(slow.read(), 408, "request_timeout")
                    self.assertTrue(slow.is_closed())
                self.assertTrue(idle.is_closed())  # nothing was asked: nothing is said
            service.wait_until(lambda: self.all_are_served(server.port, 8), 5, "8 connections are not served")
            # Those before may still be counted for a moment, so that fewer than 8 are let in.
            service.wait_until(lambda: self.open_of(server.port, 12) == 8, 10, "8 of 12 connections stay open")
            service.wait_until(lambda: self.all_are_served(server.port, 8), 5, "8 connections are not served again")

    def open_of(self, port, count):
        """How many of `count` new connections the server keeps, before they are idle for too long."""
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(wire.Wire(port)) for _ in range(count)]
            time.sleep(0.2)
            kept = sum(not client.is_closed_now() for client in clients)
        self.assertLessEqual(kept, 8)
        return kept

    def all_are_served(self, port, count):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError, AssertionError):
            for client in [stack.enter_context(wire.Wire(port)) for _ in range(count)]:
                client.send(wire.request("GET", LIST))
                self.assertEqual(client.read().status, 200)
            return True
        return False

    def test_pages_of_other_origins_are_kept_out_unless_they_are_named(self):
        preflight = f"Origin: {ORIGIN}\r\nAccess-Control-Request-Method: POST\r\n"
        preflight += "Access-Control-Request-Headers: content-type\r\n"
        def fields(answer):
            return sorted(name for name in answer.headers if name.startswith("access-control"))

        with self.serve() as server:
            for answer in (
                wire.ask(server.port, "OPTIONS", "/v1/recommend", preflight),
                wire.ask(server.port, "GET", LIST, f"Origin: {ORIGIN}\r\n"),
            ):
                self.assertIn(answer.status, (200, 204))
                self.assertEqual(fields(answer), [])
            # What a page may send without asking first does nothing.
            simple = "Content-Type: text/plain\r\nContent-Length: 2\r\n"
            with wire.Wire(server.port) as client:
                client.send(wire.request("POST", "/v1/recommend", simple) + b"{}")
                self.assert_answer(client.read(), 415, "unsupported_media_type")
        with self.serve(f"serve.origins=[{ORIGIN}]") as server:
            answer = wire.ask(server.port, "OPTIONS", "/v1/recommend", preflight)
            self.assertEqual(answer.status, 204, answer)
            self.assertEqual(answer.headers["access-control-allow-origin"], ORIGIN)
            self.assertIn("POST", answer.headers["access-control-allow-methods"])
            for name in ("authorization", "content-type"):
                self.assertIn(name, answer.headers["access-control-allow-headers"].lower())
            answer = wire.ask(server.port, "GET", LIST, f"Origin: {ORIGIN}\r\n")
            self.assertEqual(answer.headers["access-control-allow-origin"], ORIGIN)
            self.assertIn("Origin", answer.headers["vary"])
            self.assertNotIn("access-control-allow-credentials", answer.headers)
            others = ("null", "*", "http://shop.example", f"{ORIGIN}.evil", f"{ORIGIN}:8443", f"x{ORIGIN}")
            for other in others:
                answer = wire.ask(server.port, "OPTIONS", "/v1/recommend", preflight.replace(ORIGIN, other))
                self.assertEqual(fields(answer), [], other)
                self.assertIn("Origin", answer.headers["vary"])  # caches keep them apart

    def test_large_answers_are_compressed_for_those_who_take_it(self):
        path = LIST + "?k=50&exclude_own=nothing&include=attributes,vector"
        with self.serve() as server:
            plain = wire.ask(server.port, "GET", path)
            self.assertGreater(len(plain.body), 1400)
            self.assertNotIn("content-encoding", plain.headers)
            items = json.loads(plain.body)["items"]
            for accepts in ("gzip", "GZIP", "br;q=1.0, gzip;q=0.5", "*"):
                packed = wire.ask(server.port, "GET", path, f"Accept-Encoding: {accepts}\r\n")
                self.assertEqual(packed.headers["content-encoding"], "gzip", accepts)
                self.assertIn("Accept-Encoding", packed.headers["vary"])
                self.assertLess(len(packed.body), len(plain.body))
                self.assertEqual(json.loads(gzip.decompress(packed.body))["items"], items)
            for accepts in ("gzip;q=0", "identity", "br", "*, gzip;q=0.0", "gzipped"):
                answer = wire.ask(server.port, "GET", path, f"Accept-Encoding: {accepts}\r\n")
                self.assertNotIn("content-encoding", answer.headers, accepts)
                self.assertEqual(json.loads(answer.body)["items"], items)
            small = wire.ask(server.port, "GET", LIST + "?k=1", "Accept-Encoding: gzip\r\n")
            self.assertNotIn("content-encoding", small.headers)
            post = wire.ask(server.port, "POST", "/v1/recommend", "Content-Encoding: gzip\r\n", gzip.compress(b"{}"))
            self.assert_answer(post, 415, "unsupported_media_type")

    def test_requests_in_one_go_are_answered_in_their_order(self):
        with self.serve() as server, wire.Wire(server.port) as client:
            event = json.dumps({"user_id": "u9", "item_id": "i1", "type": "view"}).encode()
            kinds = (
                ("GET", LIST, b"", 200),
                ("POST", "/v1/events", event, 202),  # answered when it is durable
                ("GET", "/nowhere", b"", 404),
                ("POST", "/v1/recommend", b'{"features": {"age": 30}}', 200),  # waits for a search
                ("HEAD", "/v1/categories", b"", 200),
                ("POST", "/v1/rank", b'{"items": ', 400),
                ("OPTIONS", "/v1/search", b"", 204),
            )
            asked = [(*kinds[n % len(kinds)], f"number-{n}") for n in range(70)]
            parts = [wire.request(m, path, f"X-Request-Id: {name}\r\n", body) for m, path, body, _, name in asked]
            everything = b"".join(parts)
            for cut in (len(everything), 1000, 77):  # whole, and in pieces that cut requests anywhere
                for at in range(0, len(everything), cut):
                    client.send(everything[at : at + cut])
                for method, path, _, status, name in asked:
                    answer = client.read(head=method == "HEAD")
                    self.assertEqual((answer.status, answer.headers["x-request-id"]), (status, name), (path, answer))
            client.send(wire.request("GET", LIST, "Connection: close\r\n") + wire.request("GET", LIST))
            self.assertEqual(client.read().headers["connection"], "close")
            self.assertTrue(client.is_closed())  # what stands behind it is not answered

    def test_no_path_names_a_file(self):
        up = ("..", "%2e%2e", "%2E.", "..%00", "....", "..\\")
        targets = [f"/{'/'.join([one] * 6)}/etc/passwd" for one in up]
        targets += [f"{base}/{'/'.join(['..'] * 8)}/etc/passwd" for base in ("/docs", "/v1/items", "/openapi.json")]
        targets += [f"/v1/{kind}/{'..%2f' * 8}etc%2fpasswd" for kind in ("items", "users")]
        targets += ["//etc/passwd", "/etc/passwd", "/docs/..;/etc/passwd", "/v1/items/%00", "/v1/items/a%00.json"]
        targets += ["/docs/%c0%ae%c0%ae/etc/passwd", "/v1/items/%c0%ae%c0%ae%c0%afetc", "/%252e%252e/etc/passwd"]
        targets += ["http://localhost/etc/passwd", "file:///etc/passwd", "*", "etc/passwd"]
        targets += ["/v1/items/%", "/v1/items/%zz"]
        with self.serve() as server:
            before = sorted(path.name for path in self.folder.rglob("*"))
            for target in targets:
                answer = wire.ask(server.port, "GET", target)
                self.assertIn(answer.status, (400, 404), (target, answer))
                self.assertEqual(answer.headers["content-type"], "application/problem+json", target)
                self.assertNotIn(b"root:", answer.body, target)
            # An id is a text, whatever it looks like.
            name = "..%2f..%2f..%2ftmp%2fx"
            client = server.client()
            self.assertEqual(client.put(f"/v1/users/{name}", {"preferences": []})[0], 202)
            self.assertEqual(client.get(f"/v1/users/{name}")[1]["user_id"], "../../../tmp/x")
            self.assertEqual(client.status("DELETE", f"/v1/users/{name}"), 200)
            self.assertEqual(client.post(f"/v1/models/{name}/activate", {})[0], 400)
            self.assertEqual(sorted(path.name for path in self.folder.rglob("*")), before)

    def test_methods_and_paths_that_there_are_not(self):
        with self.serve() as server:
            port = server.port
            for path in ("/health/live", "/openapi.json", "/docs", "/metrics", LIST, "/v1/categories", "/products"):
                whole, head = wire.ask(port, "GET", path), wire.ask(port, "HEAD", path)
                self.assertEqual((head.status, head.body), (200, b""), path)
                self.assertEqual(head.headers["content-type"], whole.headers["content-type"], path)
                if path in ("/health/live", "/openapi.json", "/docs"):  # others differ by age and request
                    self.assertEqual(head.headers["content-length"], whole.headers["content-length"])
                options = wire.ask(port, "OPTIONS", path)
                self.assertEqual((options.status, options.body), (204, b""), path)
                self.assertIn("GET, HEAD", options.headers["allow"], path)
            allowed = {
                "/v1/recommend": "POST, OPTIONS",
                "/v1/events": "POST, OPTIONS",
                "/v1/search": "GET, HEAD, POST, OPTIONS",
                "/v1/users/u1": "GET, HEAD, PUT, DELETE, OPTIONS",
                "/v1/items": "PUT, POST, OPTIONS",
                "/v1/models/rollback": "POST, OPTIONS",
                "/health/live": "GET, HEAD, OPTIONS",
            }
            for path, methods in allowed.items():
                others = {"GET", "DELETE", "PUT"} - set(methods.split(", "))
                for method in ("PATCH", "TRACE", "CONNECT", "BREW", "get", *others):
                    answer = wire.ask(port, method, path)
                    if answer.status == 400 and method == "CONNECT":
                        continue  # its target is no path
                    self.assert_answer(answer, 405, "method_not_allowed")
                    self.assertEqual(answer.headers["allow"], methods, (method, path))
                self.assertEqual(wire.ask(port, "OPTIONS", path).headers["allow"], methods)
            nowhere = ("/", "/v1", "/v1/", "/v2/categories", "/v1/categories/", "/V1/categories", "/v1/users//export")
            for path in nowhere:
                for method in ("GET", "HEAD", "POST", "OPTIONS", "PATCH"):
                    answer = wire.ask(port, method, path)
                    self.assertEqual(answer.status, 404, (method, path, answer))
                    self.assertEqual(answer.headers["content-type"], "application/problem+json", path)
            self.assert_answer(wire.ask(port, "GET", "/v1/items/nothing-of-that-name"), 404, "not_found")
            # A HEAD of an error has no body either, and the connection goes on.
            with wire.Wire(port) as client:
                client.send(wire.request("HEAD", "/nowhere") + wire.request("GET", "/health/live"))
                self.assertEqual(client.read(head=True).status, 404)
                self.assertEqual(client.read().status, 200)


if __name__ == "__main__":
    cases.main()

"""Drives a torii that was built with ThreadSanitizer (`make tsan-serve`) with everything at once: lists,
searches, events, changes of users and items, exports, metrics, changes of the publication and a new one
now and then. Any report of a race fails, so does a server that ends. TSAN_SECONDS of load (45)."""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, service  # noqa: E402

PROGRAM = service.program_of_environment()
SECONDS = float(os.environ.get("TSAN_SECONDS", "45"))
USERS, ITEMS = 60, 80
# Races inside libraries that were built without the sanitizer are not ours to judge.
QUIET = {"TSAN_OPTIONS": "ignore_noninstrumented_modules=1"}


def mixed_requests(count):
    """Lines for bench_open_loop: what shops and people ask, and some nonsense."""
    chance = random.Random(9)
    for number in range(count):
        user, item, other = (f"u{chance.randrange(USERS):03}", *(f"i{chance.randrange(ITEMS):03}" for _ in "ab"))
        in_stock = {"must": [{"key": "category", "match": {"any": ["k1", "k2"]}}, {"key": "price", "range": {"gte": 3}}]}
        features = {"age": chance.randrange(18, 80), "city": f"c{chance.randrange(9)}"}
        event = {"event_id": f"e{number}", "user_id": user, "item_id": item, "type": chance.choice(["view", "purchase", "cart"])}
        session = [{"item_id": item, "type": "view"}, {"item_id": other, "type": "click"}]
        asks = [
            ("GET", f"/v1/users/{user}/recommendations?k=20", None),
            ("GET", f"/v1/users/{user}/recommendations?k=5&explain=true&include=attributes", None),
            ("GET", f"/recommendations/{user}", None),
            ("POST", "/v1/recommend", {"features": features, "filter": in_stock, "k": 10}),
            ("POST", "/v1/recommend", {"user_id": user, "session": session, "exclude": [other], "k": 10}),
            ("POST", "/v1/recommend", {"session": session, "rules": {"diversity": 0.3}, "explain": True}),
            ("GET", f"/v1/items/{item}/similar?k=10", None),
            ("POST", "/v1/rank", {"user_id": user, "items": [item, other]}),
            ("GET", f"/v1/search?q=k{chance.randrange(5)}", None),
            ("POST", "/v1/events", event),
            ("POST", "/v1/events", {"events": [dict(event, event_id=f"b{number}-{n}") for n in range(5)]}),
            ("PUT", f"/v1/users/new{chance.randrange(50)}", {"attributes": features, "preferences": ["k1"]}),
            ("GET", f"/v1/users/new{chance.randrange(50)}/recommendations", None),
            ("PUT", f"/v1/items/new{chance.randrange(20)}", {"attributes": {"price": 4.5, "category": "k3", "color": "red"}}),
            ("DELETE", f"/v1/items/new{chance.randrange(20)}", None),
            ("DELETE", f"/v1/users/new{chance.randrange(50)}", None),
            ("GET", f"/v1/users/{user}/export", None),
            ("GET", f"/v1/items/{item}", None),
            ("GET", "/v1/categories", None),
            ("GET", "/v1/models", None),
            ("GET", "/metrics", None),
            ("GET", "/health/ready", None),
            ("POST", "/v1/recommend", {"k": -1}),
        ]
        method, path, body = asks[number % len(asks)]
        yield f"{method} {path}" + ("" if body is None else "\t" + json.dumps(body)) + "\n"


class Races(unittest.TestCase):
    def test_no_race_is_reported_under_mixed_load(self):
        with tempfile.TemporaryDirectory(prefix="torii-races-") as name:
            folder = pathlib.Path(name)
            service.write_shop(folder, users=USERS, items=ITEMS)
            os.environ.update(QUIET)
            service.train(PROGRAM, folder)
            store = f"sqlite:{folder}/shop.db"
            for _ in range(2):
                service.publish(PROGRAM, folder, store)
            requests = folder / "requests"
            requests.write_text("".join(mixed_requests(23 * 400)), encoding="utf-8")
            settings = ("--set", "serve.threads=3", "--set", "serve.scan_threads=2", "--set", "serve.poll_s=0.05")
            with service.Service(PROGRAM, store, folder, *settings) as server:
                answered = self.drive(server, folder, store, requests)
                status = server.stop(60)
            reports = server.log.read_text(encoding="utf-8", errors="replace")
            found = reports.count("WARNING: ThreadSanitizer")
            if found:
                kept = pathlib.Path("build") / "tsan-serve.log"
                kept.write_text(reports, encoding="utf-8")
                self.fail(f"{found} reports, all in {kept}:\n{reports[reports.find('WARNING') :][:6000]}")
            self.assertEqual(status, 0, server.log_text())
            self.assertGreater(answered, 20 * SECONDS)

    def drive(self, server, folder, store, requests):
        ended = threading.Event()

        def change_publications():
            client, number = server.client(timeout=60), 0
            while not ended.wait(0.4):
                number += 1
                if number % 12 == 0:
                    service.publish(PROGRAM, folder, store)
                else:
                    client.post(f"/v1/models/{1 + number % 2}/activate", {})

        changer = threading.Thread(target=change_publications)
        changer.start()
        command = [str(PROGRAM.parent / "bench_open_loop"), f"--port={server.port}", f"--requests={requests}"]
        command += ["--connections=16", f"--seconds={SECONDS}", "--timeout=60"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS + 120, check=False)
        finally:
            ended.set()
            changer.join()
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        print(json.dumps(result))
        self.assertEqual(result["connection_errors"] + result["timeouts"], 0, server.log_text())
        self.assertEqual([status for status in result["statuses"] if int(status) >= 500], [])
        return result["answered"]


if __name__ == "__main__":
    cases.main()

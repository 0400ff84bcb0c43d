"""PostgreSQL and Redis are killed and started again under load: answers go on from the publication
that is loaded, writes are refused honestly meanwhile, and both recover without a restart of the
server. Nothing that was acknowledged is lost."""

import http.client
import pathlib
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, databases, service  # noqa: E402

PROGRAM = service.program_of_environment()
DOWN_S = 1.5
RECOVERY_S = 15


class Load(threading.Thread):
    """Lists of known and unseen people, all the time; `wrong` are answers that were none."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.client, self.ended = service.Client(port, timeout=10), threading.Event()
        self.count, self.slowest_s, self.wrong = 0, 0.0, []

    def run(self):
        while not self.ended.is_set():
            begun = time.monotonic()
            try:
                if self.count % 2 == 0:
                    status, answer = self.client.get(f"/v1/users/u{self.count % 60:03}/recommendations?k=10")
                else:
                    status, answer = self.client.post("/v1/recommend", {"features": {"age": 20}, "k": 10})
                if status != 200 or answer["model_version"] != 1 or len(answer["items"]) != 10:
                    self.wrong.append((status, answer))
            except (OSError, http.client.HTTPException) as failure:
                self.wrong.append(("none", failure))
            self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
            self.count += 1
            time.sleep(0.002)

    def end(self):
        self.ended.set()
        self.join(20)


class LostStore(unittest.TestCase):
    def drive(self, kind):
        with tempfile.TemporaryDirectory(prefix="torii-lost-") as name:
            folder = pathlib.Path(name)
            folder.chmod(0o755)
            service.write_shop(folder / "shop")
            service.train(PROGRAM, folder / "shop")
            bundles = ("--set", f"publish.bundles={folder}/bundles")
            with kind(folder / "database") as database:
                service.run(PROGRAM, *service.publish_command(database.uri()), *bundles, cwd=folder / "shop")
                settings = ("--set", "serve.poll_s=0.1", "--set", "serve.store_timeout_s=2")
                with service.Service(PROGRAM, database.uri(), folder, *settings) as server:
                    self.stop_and_start(database, server)
                    self.assertEqual(server.stop(), 0)

    def stop_and_start(self, database, server):
        client, load = server.client(timeout=20), Load(server.port)
        load.start()
        acknowledged = []

        def send(number):
            event = {"event_id": f"e{number}", "user_id": "somebody", "item_id": f"i{number:03}", "type": "purchase"}
            status, answer = client.post("/v1/events", event)
            if status == 202:
                acknowledged.append(event["event_id"])
            return status, answer

        self.assertEqual(send(0)[0], 202)
        for number in (1, 10):
            database.crash()
            end = time.monotonic() + DOWN_S
            while time.monotonic() < end:
                status, answer = send(number)
                self.assertEqual(status, 503, answer)
                self.assertEqual(answer["status"], 503)
                time.sleep(0.05)
            database.start()
            end = time.monotonic() + RECOVERY_S
            while send(number + 1)[0] != 202:
                self.assertLess(time.monotonic(), end, f"no write goes through {RECOVERY_S} s after the restart")
                time.sleep(0.05)
        load.end()
        self.assertEqual(load.wrong[:3], [], f"{len(load.wrong)} of {load.count} answers were wrong")
        self.assertGreater(load.count, 100)
        self.assertLess(load.slowest_s, 2.0)
        status, document = client.get("/v1/users/somebody/export")
        self.assertEqual(status, 200, document)
        stored = [event["event_id"] for event in document["events"]]
        self.assertEqual([event for event in acknowledged if event not in stored], [])
        status, answer = client.get("/v1/users/somebody/recommendations?k=60")
        self.assertEqual(status, 200, answer)
        bought = {"i000", "i002", "i011"}
        self.assertEqual(bought & {item["item_id"] for item in answer["items"]}, set())

    def test_postgres_is_killed_and_started_again(self):
        self.drive(databases.Postgres)

    def test_redis_is_killed_and_started_again(self):
        self.drive(databases.Redis)


if __name__ == "__main__":
    cases.main()

"""kill -9 of a publication and of the server: whoever asks sees the old publication or the new one,
never a mixture, and every event that was acknowledged is there after the restart. Two shops whose
items have different first letters take turns, so that a mixture shows in any answer.
TORII_FAULT_ROUNDS kills in each test (20)."""

import hashlib
import http.client
import json
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
ROUNDS = service.rounds(20)
LETTERS = "ab"
GONE = (OSError, http.client.HTTPException, json.JSONDecodeError)


class World:
    """Both shops, trained once; `store` has publication 1 of shop a and 2 of shop b."""

    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="torii-kill-")
        self.folder = pathlib.Path(self.temporary.name)
        self.store = f"sqlite:{self.folder}/shop.db"
        self.letters = {}
        for letter in LETTERS:
            service.write_shop(self.folder / letter, letter)
            service.train(PROGRAM, self.folder / letter)
        for letter in LETTERS:
            begun = time.monotonic()
            service.publish(PROGRAM, self.folder / letter, self.store)
            self.publish_s = time.monotonic() - begun
            manifest = (self.folder / letter / "shop.bundle" / "bundle.json").read_bytes()
            self.letters[hashlib.sha256(manifest).hexdigest()] = letter

    def server(self):
        return service.Service(PROGRAM, self.store, self.folder, "--set", "serve.poll_s=0.05")

    def verify(self):
        service.run(PROGRAM, "store", "verify", f"--store={self.store}", cwd=self.folder)

    def close(self):
        self.temporary.cleanup()


def models(client):
    status, document = client.get("/v1/models")
    assert status == 200, document
    return document


def current(client):
    return next(model["version"] for model in models(client)["models"] if model["current"])


class Letters:
    """Which letter belongs to which version, as the store's lineage says."""

    def __init__(self, world):
        self.world, self.of = world, {}

    def check(self, client, version, items):
        if version not in self.of:
            for model in models(client)["models"]:
                self.of[model["version"]] = self.world.letters[model["bundle_id"]]
        wrong = [item for item in items if not item.startswith(self.of[version])]
        if wrong or not items:
            raise AssertionError(f"version {version} is of shop {self.of[version]}, its answer holds {items}")


def ask_lists(client, letters, user="u001"):
    """The three ways to a list; each answer must be of one publication. Returns the last version."""
    status, answer = client.get(f"/v1/users/{user}/recommendations?k=10")
    assert status == 200, answer
    letters.check(client, answer["model_version"], [item["item_id"] for item in answer["items"]])
    known = answer["items"][0]["item_id"]
    status, answer = client.post("/v1/recommend", {"features": {"age": 33, "city": "c1"}, "k": 10})
    assert status == 200, answer
    letters.check(client, answer["model_version"], [item["item_id"] for item in answer["items"]])
    status, answer = client.get(f"/v1/items/{known}/similar?k=5")
    assert status in (200, 404), answer  # 404: the other shop is served by now
    if status == 200:
        letters.check(client, answer["model_version"], [item["item_id"] for item in answer["items"]])
    return answer.get("model_version")


class Reader(threading.Thread):
    """Asks all the time. `failure` is the first answer that was wrong; a server that is gone is none."""

    def __init__(self, port, letters):
        super().__init__(daemon=True)
        self.client, self.letters = service.Client(port, timeout=5), letters
        self.failure, self.answers, self.ended = None, 0, threading.Event()

    def run(self):
        while not self.ended.is_set() and self.failure is None:
            try:
                ask_lists(self.client, self.letters)
                self.answers += 3
            except GONE:
                time.sleep(0.005)
            except AssertionError as failure:
                self.failure = failure

    def end(self):
        self.ended.set()
        self.join(20)


class Writer(threading.Thread):
    """Sends batches of purchases of one user; `acknowledged` are the event ids that were answered
    with 202."""

    def __init__(self, port, user, letter):
        super().__init__(daemon=True)
        self.client, self.user, self.letter = service.Client(port, timeout=5), user, letter
        self.acknowledged, self.failure, self.ended, self.count = [], None, threading.Event(), 0

    def run(self):
        while not self.ended.is_set() and self.failure is None:
            batch = []
            for _ in range(1 + self.count % 7):
                self.count += 1
                event = {"event_id": f"{self.user}-{self.count}", "user_id": self.user, "type": "view"}
                batch.append(dict(event, item_id=f"{self.letter}{self.count % 80:03}"))
            try:
                status, answer = self.client.post("/v1/events", {"events": batch})
            except GONE:
                return
            if status == 202:
                self.acknowledged += [event["event_id"] for event in batch]
            elif status != 503:
                self.failure = f"{status}: {answer}"

    def end(self):
        self.ended.set()
        self.join(20)


def missing_events(client, writer):
    status, document = client.get(f"/v1/users/{writer.user}/export")
    if status == 404:
        return list(writer.acknowledged)
    assert status == 200, document
    stored = {event["event_id"] for event in document["events"]}
    return [event for event in writer.acknowledged if event not in stored]


class KillService(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()

    @classmethod
    def tearDownClass(cls):
        cls.world.close()

    def test_a_killed_publication_leaves_the_old_or_the_new_one(self):
        world, letters = self.world, Letters(self.world)
        chance = random.Random(31)
        with world.server() as server:
            client = server.client()
            reader = Reader(server.port, letters)
            reader.start()
            killed, before = 0, max(m["version"] for m in models(client)["models"])
            served = current(client)
            for number in range(ROUNDS):
                letter = LETTERS[number % 2]
                command = [str(PROGRAM), *service.publish_command(world.store)]
                process = subprocess.Popen(
                    command, cwd=world.folder / letter, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
                try:
                    process.wait(chance.uniform(0, 1.1 * world.publish_s))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                    killed += 1
                newest = max(m["version"] for m in models(client)["models"])
                self.assertIn(newest, (before, before + 1), f"round {number}")
                self.assertTrue(process.returncode != 0 or newest == before + 1, f"round {number}: a finished one is lost")
                served = newest if newest != before else served
                before = newest
                self.assertEqual(current(client), served, f"round {number}")
                self.assertIsNone(reader.failure, f"round {number}")
                end = time.monotonic() + 10
                while (version := ask_lists(client, letters)) != served:
                    self.assertLess(time.monotonic(), end, f"version {served} is current, {version} is served")
                    time.sleep(0.01)
            self.assertGreaterEqual(killed, ROUNDS // 3, "the kills came too late to test anything")
            service.publish(PROGRAM, world.folder / "a", world.store)
            self.assertEqual(max(m["version"] for m in models(client)["models"]), before + 1)
            reader.end()
            self.assertIsNone(reader.failure)
            self.assertGreater(reader.answers, 0)
        world.verify()

    def test_acknowledged_events_survive_a_kill(self):
        world = self.world
        chance = random.Random(32)
        server = world.server().start()
        acknowledged = 0
        try:
            for number in range(ROUNDS):
                writers = [Writer(server.port, f"u{writer:03}-{number}", "a") for writer in range(3)]
                for writer in writers:
                    writer.start()
                time.sleep(chance.uniform(0.02, 0.25))
                server.kill()
                for writer in writers:
                    writer.end()
                    self.assertIsNone(writer.failure)
                server.start()
                client = server.client()
                for writer in writers:
                    self.assertEqual(missing_events(client, writer), [], f"round {number}")
                    acknowledged += len(writer.acknowledged)
            self.assertGreater(acknowledged, ROUNDS, "hardly an event was acknowledged: nothing was tested")
        finally:
            server.kill()
        world.verify()

    def test_a_kill_while_the_publication_changes(self):
        world, letters = self.world, Letters(self.world)
        chance = random.Random(33)
        server = world.server().start()
        reader = Reader(server.port, letters)
        reader.start()
        try:
            for number in range(ROUNDS):
                client = server.client()
                version = 1 + number % 2
                writer = Writer(server.port, f"v{number}", LETTERS[number % 2])
                writer.start()
                status, answer = client.post(f"/v1/models/{version}/activate", {})
                self.assertEqual(status, 200, answer)
                time.sleep(chance.uniform(0, 0.15))
                if number % 4 != 3:  # every fourth time it may go through
                    server.kill()
                    writer.end()
                    server.start()
                    client = server.client()
                end = time.monotonic() + 10
                while (served := ask_lists(client, letters)) != version:
                    self.assertLess(time.monotonic(), end, f"round {number}: {version} is current, {served} is served")
                    time.sleep(0.005)
                writer.end()
                self.assertIsNone(writer.failure, f"round {number}")
                self.assertIsNone(reader.failure, f"round {number}")
                self.assertEqual(missing_events(client, writer), [], f"round {number}")
            self.assertGreater(reader.answers, ROUNDS)
        finally:
            reader.end()
            server.kill()
        world.verify()


if __name__ == "__main__":
    cases.main()

"""Cases over one small shop, which is generated, trained and published once for a file of tests."""

import pathlib
import shutil
import tempfile
import unittest

from support import service

PROGRAM = service.program_of_environment()


class ShopCase(unittest.TestCase):
    sizes = {}  # of the shop, see service.generate_shop()

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="torii-shop-")
        cls.folder = pathlib.Path(cls.temporary.name)
        service.generate_shop(PROGRAM, cls.folder, **cls.sizes)
        service.train(PROGRAM, cls.folder)
        service.publish(PROGRAM, cls.folder, f"sqlite:{cls.folder}/base.db")

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def new_store(self, name):
        """A store of the case's own with version 1 in it."""
        shutil.copy(self.folder / "base.db", self.folder / f"{name}.db")
        return f"sqlite:{self.folder}/{name}.db"

    def serve(self, store, *settings, **options):
        words = [word for setting in ("serve.poll_s=0.05", "serve.threads=2", *settings) for word in ("--set", setting)]
        return service.Service(PROGRAM, store, self.folder, *words, **options)

    def assert_problem(self, client, method, path, body, status, code):
        found, problem = client.ask(method, path, body)
        self.assertEqual(found, status, (method, path, problem))
        self.assertEqual(client.answered["content-type"], "application/problem+json", path)
        self.assertEqual((problem["status"], problem["code"]), (status, code), path)
        self.assertEqual(problem["request_id"], client.answered["x-request-id"], path)
        if status == 401:
            self.assertIn("Bearer", client.answered["www-authenticate"], path)

    def assert_out_of_log(self, server, secrets):
        log = server.log.read_text(encoding="utf-8", errors="replace")
        self.assertIn('"event":"listening"', log)
        for secret in secrets:
            self.assertNotIn(secret, log)

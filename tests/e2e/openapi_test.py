"""The HTTP interface is what its OpenAPI document says: the document is valid, and thousands of
requests that schemathesis makes out of it, right ones and wrong ones, find no answer with 5xx and none
that the document does not describe. TORII_API_REQUESTS: at least so many (400)."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, service  # noqa: E402

PROGRAM = service.program_of_environment()
PACKAGES = pathlib.Path(os.environ["TORII_DEPS"]).resolve() / "api"
REQUESTS = int(os.environ.get("TORII_API_REQUESTS", "400"))
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,response_headers_conformance"
)
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")  # other keys of a path are shared by them
VALIDATE = """
import json, sys
from openapi_spec_validator import validate
validate(json.load(sys.stdin))
"""


def python(*words, folder, text=None):
    """Debian's Python, which tools/bootstrap chose the packages for."""
    environment = dict(os.environ, PYTHONPATH=str(PACKAGES), PYTHONDONTWRITEBYTECODE="1")
    command = ["/usr/bin/python3", *words]
    return subprocess.run(command, cwd=folder, env=environment, input=text, capture_output=True, text=True, check=False)


class OpenApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not (PACKAGES / "schemathesis").is_dir():
            raise AssertionError(f"{PACKAGES} is missing: run tools/bootstrap")
        cls.temporary = tempfile.TemporaryDirectory(prefix="torii-api-")
        cls.folder = pathlib.Path(cls.temporary.name)
        service.write_shop(cls.folder)
        service.train(PROGRAM, cls.folder)
        store = f"sqlite:{cls.folder}/shop.db"
        service.publish(PROGRAM, cls.folder, store)
        service.publish(PROGRAM, cls.folder, store)  # two versions: one to activate
        cls.server = service.Service(PROGRAM, store, cls.folder).start()
        with urllib.request.urlopen(f"http://127.0.0.1:{cls.server.port}/openapi.json", timeout=10) as answer:
            cls.text = answer.read().decode()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.temporary.cleanup()

    def test_the_document_is_valid(self):
        done = python("-c", VALIDATE, folder=self.folder, text=self.text)
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        paths = json.loads(self.text)["paths"]
        for path in ("/v1/users/{id}/recommendations", "/v1/recommend", "/v1/events", "/recommendations/{id}"):
            self.assertIn(path, [re.sub(r"\{\w+\}", "{id}", name) for name in paths])

    def test_generated_requests_find_no_fault(self):
        paths = json.loads(self.text)["paths"].values()
        operations = sum(name in METHODS for path in paths for name in path)
        report = self.folder / "report.json"
        # Read from a file: the tool leaves out the operation that it got the document from.
        document = self.folder / "openapi.json"
        document.write_text(self.text)
        words = ["run", str(document), f"--url=http://127.0.0.1:{self.server.port}", f"--checks={CHECKS}", "--seed=1"]
        # Some operations have less to vary than that: more of the others.
        words += [f"--max-examples={2 + 13 * REQUESTS // (10 * operations)}", "--suppress-health-check=all", "--workers=1"]
        words += ["--continue-on-failure", f"--report-json-path={report}", "--no-color", "--warnings=off"]
        done = python("-m", "schemathesis.cli", *words, folder=self.folder)
        self.assertEqual(done.returncode, 0, done.stdout[-8000:] + done.stderr[-2000:])
        counts = json.loads(report.read_text())
        self.assertEqual(counts["operations"]["tested"], operations)
        print(f"{counts['test_cases']['generated']} requests to {operations} operations")
        self.assertGreaterEqual(counts["test_cases"]["generated"], REQUESTS)
        self.assertIsNone(self.server.process.poll(), "the server ended")


if __name__ == "__main__":
    cases.main()

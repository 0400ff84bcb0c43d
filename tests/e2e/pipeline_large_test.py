"""By location an artifact between two steps of `torii pipeline run` is never copied; by copy it is copied once
into the store and once out of it. Bytes are counted (support/large_artifacts.py); bench/pipeline_large does
the same with 2 GiB."""

import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, large_artifacts, service  # noqa: E402
from support.s3_store import S3Store  # noqa: E402

PROGRAM = service.program_of_environment()
DEPS = os.environ.get("TORII_DEPS", ".deps")
SIZE = 64 << 20
# Programs, libraries, the lineage: what a run of two empty steps reads and writes, and more.
REST = 48 << 20


class LargeArtifacts(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="torii-large-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.rest = large_artifacts.measure(PROGRAM, self.folder / "empty", "copy", 0)
        self.assertLess(self.rest["read"], REST)
        self.assertLess(self.rest["written"], 4 << 20)

    def measure(self, share, size=SIZE, store=None):
        found = large_artifacts.measure(PROGRAM, self.folder / f"{share}-{size}", share, size, store, DEPS)
        for name in ("read", "written"):
            found[name] -= self.rest[name]
        return found

    def about(self, found, times, size=SIZE):
        self.assertAlmostEqual(found / size, times, delta=0.06)

    def test_by_copy_once_in_and_once_out(self):
        found = self.measure("copy")
        self.about(found["written"], 1 + 2)
        self.about(found["read"], 2 + 2)

    def test_by_location_nothing_is_copied(self):
        found = self.measure("location")
        self.about(found["written"], 1)
        self.about(found["read"], 2 + 1)  # up to 256 MiB its fingerprint is that of its content
        large = self.measure("location", size=320 << 20)
        self.about(large["written"], 1, 320 << 20)
        self.about(large["read"], 2, 320 << 20)

    def test_by_copy_through_s3_once_there_and_once_back(self):
        with S3Store(self.folder / "s3") as store:
            found = self.measure("copy", store=store)
        self.about(found["sent"], 1)
        self.about(found["received"], 1)
        self.about(found["written"], 1 + 1)

    def test_by_location_in_s3_the_steps_alone_move_it(self):
        with S3Store(self.folder / "s3") as store:
            found = self.measure("location", store=store)
            self.about(found["sent"], 1)
            self.about(found["received"], 2)
            large = self.measure("location", size=320 << 20, store=store)
            self.about(large["sent"], 1, 320 << 20)
            self.about(large["received"], 1, 320 << 20)


if __name__ == "__main__":
    cases.main()

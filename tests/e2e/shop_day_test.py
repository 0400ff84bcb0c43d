"""The example examples/shop_day.sh runs, with all that it checks."""

import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from support import cases, service  # noqa: E402


class ShopDay(unittest.TestCase):
    def test_a_day_of_a_shop(self):
        environment = dict(os.environ, TORII=str(service.program_of_environment()))
        command = [str(ROOT / "examples" / "shop_day.sh")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"Nora likes .*: 12 popular things of these")
        self.assertIn("the new model knows Nora", done.stdout)


if __name__ == "__main__":
    cases.main()

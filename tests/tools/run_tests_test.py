"""tools/run_tests.py counts what happened, crashes and missing data included."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

RUN = pathlib.Path(__file__).resolve().parents[2] / "tools" / "run_tests.py"

# A program that writes a GoogleTest report of these results and exits so.
PROGRAM = """#!/bin/bash
mkdir -p "${{GTEST_OUTPUT#xml:}}"
cat > "${{GTEST_OUTPUT#xml:}}$(basename "$0").xml" <<'XML'
<testsuites><testsuite name="S">{cases}</testsuite></testsuites>
XML
{end}
"""
PASS = '<testcase name="a" status="run" result="completed" classname="S"/>'
FAIL = '<testcase name="b" status="run" result="completed"><failure message="x"/></testcase>'
SKIP = '<testcase name="c" status="run" result="skipped"><skipped message="f:1&#x0A;why"/></testcase>'


class RunTests(unittest.TestCase):
    def run_suite(self, programs, shared=True, ci=False):
        """programs: name -> (label, script). Returns exit code and the last line."""
        code, lines = self.run_and_read(programs, shared, ci)
        return code, lines[-1]

    def run_and_read(self, programs, shared=True, ci=False):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            lines = []
            for program, (label, text) in programs.items():
                path = folder / program
                path.write_text(text)
                path.chmod(0o755)
                lines.append(f'add_test({program} "{path}")')
                lines.append(f'set_tests_properties({program} PROPERTIES LABELS "{label}")')
            (folder / "CTestTestfile.cmake").write_text("\n".join(lines) + "\n")
            env = {k: v for k, v in os.environ.items() if not k.startswith(("GTEST_", "TORII_"))}
            env["CI"] = "true" if ci else "false"
            env["TORII_SHARED_DIR"] = name if shared else f"{name}/missing"
            command = [sys.executable, str(RUN), name, "--one-isa"]
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
            return done.returncode, done.stdout.rstrip("\n").split("\n")

    def test_cases_are_summed_over_labels(self):
        code, last = self.run_suite(
            {
                "x_test": ("unit", PROGRAM.format(cases=f"{PASS}{PASS}", end="exit 0")),
                "y_test": ("golden", PROGRAM.format(cases=f"{PASS}{SKIP}", end="exit 0")),
                "tools_z": ("unit", "#!/bin/bash\nexit 0\n"),
            }
        )
        self.assertEqual((code, last), (0, "4 passed, 0 failed, 1 skipped"))

    def test_failures_count_once(self):
        code, last = self.run_suite(
            {"x_test": ("unit", PROGRAM.format(cases=f"{PASS}{FAIL}", end="exit 1"))}
        )
        self.assertEqual((code, last), (1, "1 passed, 1 failed"))

    def test_a_crash_is_a_failure(self):
        crash = {"x_test": ("unit", "#!/bin/bash\nkill -SEGV $$\n")}
        self.assertEqual(self.run_suite(crash), (1, "0 passed, 1 failed"))
        torn = {"x_test": ("unit", PROGRAM.format(cases=PASS, end="exit 1"))}
        self.assertEqual(self.run_suite(torn), (1, "1 passed, 1 failed"))

    def test_failures_say_why_at_the_end(self):
        _, lines = self.run_and_read(
            {
                "x_test": ("unit", PROGRAM.format(cases=f"{PASS}{FAIL}", end="exit 1")),
                "y_test": ("e2e", "#!/bin/bash\necho before\necho the disk is full >&2\nexit 3\n"),
            }
        )
        end = lines[lines.index("FAILED [unit] x_test: None.b") :]
        self.assertEqual(end[1], "  | x")
        self.assertTrue(end[2].startswith("FAILED [e2e] y_test (fail"), end[2])
        self.assertEqual(end[3:5], ["  | before", "  | the disk is full"])

    def test_nothing_ran_is_no_success(self):
        self.assertEqual(self.run_suite({}), (1, "0 passed, 0 failed"))

    def test_a_missing_shared_folder_fails_in_ci_only(self):
        suite = {"x_test": ("unit", PROGRAM.format(cases=PASS, end="exit 0"))}
        self.assertEqual(self.run_suite(suite, shared=False), (0, "1 passed, 0 failed"))
        self.assertEqual(self.run_suite(suite, shared=False, ci=True), (1, "1 passed, 1 failed"))


if __name__ == "__main__":
    unittest.main()

"""What `torii pipeline run` shows on a terminal: all steps in one block that is redrawn in place."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, screen, service  # noqa: E402

PROGRAM = service.program_of_environment()
PIPELINE = """
name: shown
description: of all kinds
steps:
  load: {command: [sh, -c, 'echo rows > $0; sleep 0.3', "${outputs.rows}"], outputs: {rows: Dataset}}
  train:
    command: [sh, -c, 'echo epoch $(cat $0); sleep 0.7; test -e again || { touch WHERE/again; test -e WHERE/twice && exit 0; touch WHERE/twice; exit 1; }', "${inputs.rows}"]
    inputs: {rows: load.rows}
    retries: {count: 2, wait: 0.3s}
    cache: false
  check: {command: [sh, -c, 'sleep 0.5; echo no good; exit 3'], after: [load], cache: false}
  publish: {command: [sh, -c, 'true'], after: [check], cache: false}
"""


class PipelineScreen(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="torii-screen-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "shown.yaml").write_text(PIPELINE.replace("WHERE", str(self.folder)))

    def watch(self, name, *words, **size):
        return screen.watch([PROGRAM, "pipeline", "run", name, *words], cwd=self.folder, **size)

    def test_each_step_has_its_line(self):
        code, out, screens = self.watch("shown.yaml", "--cpus=4")
        self.assertEqual(code, 3, screens[-1])
        lines = {line.strip() for one in screens for line in one.splitlines()}
        for begin in ("shown  0 of 4 steps", "· train    waits", "✓ load     0.", "▸ train    ", "- publish  blocked: ",
                      "✗ check    failed: ", "shown  3 of 4 steps"):  # fmt: skip
            self.assertTrue(any(line.startswith(begin) for line in lines), (begin, lines))
        self.assertTrue(any(line.startswith("▸ train") and line.endswith("epoch rows") for line in lines), lines)
        self.assertTrue(any(line.startswith("▸ train") and "attempt 2" in line for line in lines), lines)
        # In place: no step stands twice on one screen, and at the end the block is gone.
        for one in screens:
            self.assertLessEqual(sum("train  " in line for line in one.splitlines()), 1, one)
        self.assertNotIn("waits", screens[-1])
        self.assertIn("warning:", screens[-1])
        self.assertIn("torii: error: step 'check'", screens[-1])
        self.assertIn("blocked", out)

        code, _, screens = self.watch("shown.yaml", "--cpus=4")
        self.assertTrue(any("= load     the same as in run" in one for one in screens))

    def test_many_steps_on_a_small_terminal(self):
        steps = "\n".join(f"  step{i:02}: {{command: [sh, -c, 'echo {'x' * 100}; sleep 0.4'], cache: false}}" for i in range(20))
        (self.folder / "many.yaml").write_text(f"name: many\ndescription: x\nsteps:\n{steps}\n")
        code, _, screens = self.watch("many.yaml", "--cpus=5", columns=30, rows=7)
        self.assertEqual(code, 0, screens[-1])
        for one in screens:
            lines = one.splitlines()
            self.assertLessEqual(len(lines), 6, one)
            self.assertTrue(all(len(line) < 30 for line in lines), one)
        self.assertTrue(any("waiting" in one and "▸ step00" in one for one in screens))

    def test_without_a_terminal_there_are_lines(self):
        (self.folder / "few.yaml").write_text("name: few\ndescription: x\nsteps: {a: {command: [echo, b]}}\n")
        done = service.run(PROGRAM, "pipeline", "run", "few.yaml", cwd=self.folder)
        self.assertIn("a: done in", done.stderr)
        self.assertNotIn("\x1b", done.stderr)


if __name__ == "__main__":
    cases.main()

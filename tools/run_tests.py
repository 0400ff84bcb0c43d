#!/usr/bin/env python3
"""Runs the test suite of a build folder pass by pass and counts test cases.

    tools/run_tests.py BUILD [--only LABEL...] [--one-isa] [--jobs N]

The unit tests run once with the best instruction set of this processor and once for each weaker one
(--one-isa: only the best). The last line is always "N passed, N failed", with ", N skipped" when
some were. Exits 0 only if something ran and nothing failed.
"""

import argparse
import collections
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

REASON_LINES = 20  # of what a failed test said, repeated at the end
LABELS = ["unit", "parity", "golden", "compat", "e2e", "faults"]


def weaker_isas():
    """Instruction sets below the best one, as base/cpu.cc ranks them."""
    flags = set()
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("flags"):
                flags = set(line.split())
                break
    except OSError:
        pass
    avx2 = {"avx2", "fma"} <= flags
    avx512 = avx2 and {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= flags
    return ["generic", "avx2"] if avx512 else ["generic"] if avx2 else []


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.skips = collections.Counter()

    def fail(self, name, reason=()):
        self.failed += 1
        self.failures.append((name, reason))

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures
        self.skips += other.skips

    def line(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def count_cases(path, count):
    """Adds the cases of one GoogleTest report; returns how many failed."""
    failed = 0
    for case in xml.parse(path).getroot().iter("testcase"):
        name = f"{path.stem}: {case.get('classname')}.{case.get('name')}"
        if case.find("failure") is not None:
            failed += 1
            said = "\n".join(fault.get("message") or "" for fault in case.findall("failure"))
            count.fail(name, said.splitlines()[:REASON_LINES])
        elif case.get("result") == "skipped":
            count.skipped += 1
            skipped = case.find("skipped")
            # The first line of the message is the place in the source.
            lines = (skipped.get("message") if skipped is not None else "").strip().split("\n")
            count.skips[lines[-1] or "no reason given"] += 1
        elif case.get("status") == "run":
            count.passed += 1
    return failed


def run_pass(build, label, jobs, environment, exclude):
    count = Count()
    with tempfile.TemporaryDirectory() as folder:
        junit = pathlib.Path(folder) / "ctest.xml"
        command = ["ctest", "--test-dir", str(build), "-L", f"^{label}$", "-j", str(jobs)]
        command += ["--output-on-failure", "--no-tests=ignore", "--output-junit", str(junit)]
        if exclude:
            command += ["-E", exclude]
        env = dict(os.environ, GTEST_OUTPUT=f"xml:{folder}/reports/", GTEST_COLOR="no", **environment)
        subprocess.run(command, env=env, check=False)
        if not junit.exists():
            count.fail(f"{label}: ctest itself did not run")
            return count
        for test in xml.parse(junit).getroot().iter("testcase"):
            name, status = test.get("name"), test.get("status")
            report = pathlib.Path(folder) / "reports" / f"{name}.xml"
            failed = 0
            try:
                if report.exists():
                    failed = count_cases(report, count)
                elif status == "run":
                    count.passed += 1
            except xml.ParseError:
                pass  # a report torn by a crash: the status below tells
            if status in ("notrun", "disabled"):
                count.skipped += 1
                count.skips[f"{name} did not run"] += 1
            elif status != "run" and failed == 0:
                # A crash, a timeout, a sanitizer, or no GoogleTest program.
                said = (test.findtext("system-out") or "").strip().splitlines()
                count.fail(f"{name} ({status})", said[-REASON_LINES:])
    return count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", choices=LABELS, default=LABELS)
    parser.add_argument("--one-isa", action="store_true")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()

    total = Count()
    lines = []
    shared = os.environ.get("TORII_SHARED_DIR", "")
    shared_there = bool(shared) and pathlib.Path(shared).is_dir()
    passes = []
    for label in arguments.only:
        passes.append((label, label, {}, None))
        if label == "unit" and not arguments.one_isa:
            for isa in weaker_isas():
                # Scripts do not know instruction sets: once is enough.
                passes.append((f"unit ({isa})", label, {"TORII_TEST_ISA": isa}, "^tools_"))
    for title, label, environment, exclude in passes:
        print(f"==== {title}", flush=True)
        count = run_pass(arguments.build, label, arguments.jobs, environment, exclude)
        lines.append(f"{title + ':':<16}{count.line()}")
        count.failures = [(f"[{title}] {name}", reason) for name, reason in count.failures]
        total.add(count)

    print("====")
    for line in lines:
        print(line)
    for name, reason in total.failures:
        print(f"FAILED {name}")
        for line in reason:
            print(f"  | {line[:200]}")
    for reason, times in total.skips.most_common():
        print(f"skipped {times}: {reason}")
    if not shared_there:
        where = shared or "TORII_SHARED_DIR is not set"
        print(f"The shared folder is missing ({where}): tests on its data and golden vectors were")
        print("skipped. Set TORII_SHARED_DIR to it to run them all.")
        if os.environ.get("CI") == "true":
            print("FAILED with CI=true the shared folder must be there")
            total.failed += 1
    print(total.line(), flush=True)
    return 0 if total.failed == 0 and total.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())

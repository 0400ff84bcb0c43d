"""Tests in Python that tools/run_tests.py counts case by case: main() runs the unittest cases of the
calling file and, where GTEST_OUTPUT asks for a report, writes one as GoogleTest does, under the name
that CTest gave the test (TORII_TEST_NAME)."""

import os
import pathlib
import sys
import time
import unittest
import xml.etree.ElementTree as xml


class Result(unittest.TextTestResult):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.cases = []
        self.begun = 0.0

    def startTest(self, test):
        super().startTest(test)
        self.begun = time.monotonic()
        self.cases.append([test.id(), None, 0.0, None])

    def stopTest(self, test):
        self.cases[-1][2] = time.monotonic() - self.begun
        super().stopTest(test)

    def note(self, test, error):
        text = self._exc_info_to_string(error, test)
        if self.cases and self.cases[-1][0] == test.id():
            self.cases[-1][1] = text
        else:  # in setUpClass or tearDownClass
            self.cases.append([test.id(), text, 0.0, None])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        if self.cases and self.cases[-1][0] == test.id():
            self.cases[-1][3] = reason
        else:  # a whole class
            self.cases.append([test.id(), None, 0.0, reason])

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.note(test, err)


def write_report(folder, name, cases):
    suites = xml.Element("testsuites")
    suite = xml.SubElement(suites, "testsuite", name=name)
    for identity, failure, seconds, skipped in cases:
        case = xml.SubElement(suite, "testcase", name=identity.split(".")[-1], classname=name)
        case.attrib.update(status="run", result="completed", time=f"{seconds:.3f}")
        if skipped:
            case.set("result", "skipped")
            xml.SubElement(case, "skipped", message=skipped)
        if failure:
            xml.SubElement(case, "failure", message=failure[-2000:])
    folder.mkdir(parents=True, exist_ok=True)
    xml.ElementTree(suites).write(folder / f"{name}.xml")


def main():
    runner = unittest.TextTestRunner(resultclass=Result, verbosity=2)
    result = unittest.main(argv=sys.argv[:1], testRunner=runner, exit=False).result
    name, output = os.environ.get("TORII_TEST_NAME", ""), os.environ.get("GTEST_OUTPUT", "")
    if name and output.startswith("xml:"):
        write_report(pathlib.Path(output[4:]), name, result.cases)
    ran = result.testsRun > 0 or result.skipped
    sys.exit(0 if result.wasSuccessful() and ran else 1)

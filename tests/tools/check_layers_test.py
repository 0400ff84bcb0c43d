"""Tests of tools/check_layers.py on small trees made up here."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
sys.dont_write_bytecode = True

import check_layers  # noqa: E402


class CheckLayers(unittest.TestCase):
    def check(self, files):
        """Offences of a tree {path: text}."""
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            (root / "src").mkdir()
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            return check_layers.check(root)

    def check_one(self, path, include):
        return self.check({path: f"// first line\n#include {include}\n"})

    def test_this_tree_is_clean(self):
        self.assertEqual(check_layers.check(ROOT), [])

    def test_upward_include_is_named_with_file_and_line(self):
        offences = self.check_one("src/kernels/gemm.cc", '"model/two_tower.h"')
        self.assertEqual(len(offences), 1)
        self.assertTrue(offences[0].startswith("src/kernels/gemm.cc:2: includes model/two_tower.h"))

    def test_downward_and_own_includes_pass(self):
        self.assertEqual(self.check_one("src/model/a.h", '"kernels/gemm.h"'), [])
        self.assertEqual(self.check_one("src/model/a.h", '"model/b.h"'), [])
        self.assertEqual(self.check_one("src/cli/train.cc", '"train/trainer.h"'), [])

    def test_downward_is_not_enough_without_an_entry(self):
        self.assertTrue(self.check_one("src/model/a.h", '"text/text_encoder.h"'))
        self.assertTrue(self.check_one("src/model/a.h", '"torii/result.h"'))
        self.assertTrue(self.check_one("src/base/a.h", '"kernels/gemm.h"'))

    def test_odd_spelling_does_not_hide_an_include(self):
        for line in ('#  include "model/a.h"', '\t#include "model/a.h"  // x', '#include"model/a.h"'):
            self.assertEqual(len(self.check({"src/base/a.h": line + "\n"})), 1, line)

    def test_comments_are_no_includes(self):
        text = '// #include "model/a.h"\n/*\n#include "model/a.h"\n*/\n#include <vector>\n'
        self.assertEqual(self.check({"src/base/a.h": text}), [])

    def test_tests_obey_too(self):
        self.assertTrue(self.check_one("src/base/a_test.cc", '"model/a.h"'))
        self.assertEqual(self.check_one("src/base/a_test.cc", '"support/shared_dir.h"'), [])

    def test_each_library_has_one_folder(self):
        owners = {
            "arrow/table.h": "data",
            "arrow/filesystem/s3fs.h": "blob",
            "parquet/arrow/reader.h": "data",
            "dnnl.h": "kernels",
            "openvino/openvino.hpp": "text",
            "unicode/uchar.h": "text",
            "sqlite3.h": "sql",
            "libpq-fe.h": "sql",
            "hiredis/hiredis.h": "store",
            "curl/curl.h": "net",
            "google/protobuf/message.h": "feast",
            "nlohmann/json.hpp": "base",
            "yaml-cpp/yaml.h": "base",
            "openssl/evp.h": "base",
            "spdlog/spdlog.h": "base",
            "CLI/CLI.hpp": "cli",
        }
        for header, owner in owners.items():
            for module in check_layers.LAYERS:
                folder = "include/torii" if module == "include" else f"src/{module}"
                found = self.check_one(f"{folder}/x.h", f"<{header}>")
                self.assertEqual(found == [], module == owner, f"{module} {header}")

    def test_exempt_and_system_headers_pass_everywhere_but_in_the_api(self):
        for header in ("fmt/format.h", "gtest/gtest.h", "benchmark/benchmark.h", "unistd.h"):
            self.assertEqual(self.check_one("src/model/x_test.cc", f"<{header}>"), [])
            self.assertTrue(self.check_one("include/torii/x.h", f"<{header}>"))
        self.assertEqual(self.check_one("include/torii/x.h", "<vector>"), [])

    def test_unknown_libraries_and_modules_are_refused(self):
        self.assertTrue(self.check_one("src/model/x.h", "<left_pad/pad.h>"))
        self.assertTrue(self.check_one("src/util/x.h", "<vector>"))

    def test_a_verb_may_not_include_another(self):
        self.assertTrue(self.check_one("src/cli/train.cc", '"cli/evaluate.h"'))
        self.assertTrue(self.check_one("src/cli/train_test.cc", '"cli/demo_data.h"'))
        self.assertEqual(self.check_one("src/cli/train.cc", '"cli/training.h"'), [])
        self.assertEqual(self.check_one("src/cli/train.cc", '"cli/train.h"'), [])
        self.assertEqual(self.check_one("src/cli/main.cc", '"cli/train.h"'), [])

    def test_names_start_at_the_root_of_the_tree(self):
        self.assertTrue(self.check_one("src/base/a.cc", '"a.h"'))

    def test_the_program_exits_with_one(self):
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            (root / "src" / "base").mkdir(parents=True)
            (root / "src/base/a.h").write_text('#include "cli/main.h"\n')
            program = [sys.executable, str(ROOT / "tools" / "check_layers.py"), name]
            done = subprocess.run(program, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("src/base/a.h:1:", done.stdout)


if __name__ == "__main__":
    unittest.main()

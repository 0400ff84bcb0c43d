"""Installs the build to a folder, moves it elsewhere and uses it there.

install_test.py CMAKE BUILD
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

CMAKE, BUILD = sys.argv.pop(1), sys.argv.pop(1)
GLIBC = ("libc.so", "libm.so", "libdl.so", "librt.so", "libpthread.so", "libresolv.so", "ld-linux")

CONSUMER_CMAKE = """
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES CXX)
find_package(torii 0.1 REQUIRED)
add_executable(consumer main.cc)
target_link_libraries(consumer PRIVATE torii::torii)
"""
CONSUMER = """
#include <torii/recommender.h>
#include <cstdio>
int main() {
  auto opened = torii::Recommender::open("no-such-bundle");
  std::puts(opened.ok() ? "opened" : opened.error().message.c_str());
  return opened.ok() ? 1 : 0;
}
"""


class InstalledTree(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="torii-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        first = cls.folder / "first"
        command = [CMAKE, "--install", BUILD, "--prefix", str(first)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        cls.tree = cls.folder / "moved here" / "torii"
        cls.tree.parent.mkdir()
        first.rename(cls.tree)
        cls.environment = {"PATH": os.environ["PATH"], "HOME": str(cls.folder)}

    def run_here(self, *command, **more):
        return subprocess.run(
            [str(part) for part in command],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            **more,
        )

    def test_the_program_runs_where_it_was_moved(self):
        done = self.run_here(self.tree / "bin" / "torii", "version")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("torii", done.stdout)

    def test_every_library_but_glibc_comes_from_the_tree(self):
        programs = [self.tree / "bin" / "torii", *(self.tree / "lib").glob("*.so*")]
        self.assertGreater(len(programs), 5)
        for program in programs:
            if program.is_symlink():
                continue
            for line in self.run_here("ldd", program).stdout.splitlines():
                name, _, path = line.strip().partition(" => ")
                if not path or name.startswith(GLIBC):
                    continue
                inside = path.startswith(str(self.tree))
                # A Debian library alone has no path of its own: the program's serves it.
                inside = inside or program.parent.name == "lib" and (self.tree / "lib" / name).exists()
                self.assertTrue(inside, f"{program.name}: {line.strip()}")

    def test_hashing_never_falls_to_the_openssl_of_another_library(self):
        for program in (self.tree / "bin" / "torii", self.tree / "lib" / "libtorii.so"):
            wanted = self.run_here("nm", "-D", "--undefined-only", program).stdout
            self.assertNotRegex(wanted, r" U (EVP|SHA\d*|OPENSSL)_", program.name)

    def test_model_demo_and_terms_are_there(self):
        share = self.tree / "share" / "torii"
        for path in (
            "models/all-MiniLM-L6-v2/config.json",
            "models/all-MiniLM-L6-v2/model.safetensors",
            "models/all-MiniLM-L6-v2/1_Pooling/config.json",
            "demo/ml-100k/ml-100k.inter",
            "demo/ml-100k/TERMS.txt",
        ):
            self.assertTrue((share / path).is_file(), path)
            self.assertFalse((share / path).is_symlink(), path)

    def test_nothing_points_back_to_the_build(self):
        for path in self.tree.rglob("*"):
            if path.is_symlink():
                self.assertFalse(os.path.isabs(os.readlink(path)), path)
        done = self.run_here("readelf", "-d", self.tree / "bin" / "torii")
        self.assertNotIn(str(BUILD), done.stdout)

    def test_another_project_finds_the_library(self):
        if not (self.tree / "lib" / "libtorii.so").exists():
            self.skipTest("this build has no libtorii")
        source = self.folder / "consumer"
        source.mkdir()
        (source / "CMakeLists.txt").write_text(CONSUMER_CMAKE)
        (source / "main.cc").write_text(CONSUMER)
        build = self.folder / "consumer-build"
        prefix = f"-DCMAKE_PREFIX_PATH={self.tree}"
        done = self.run_here(CMAKE, "-S", source, "-B", build, prefix)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        done = self.run_here(CMAKE, "--build", build)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        done = self.run_here(build / "consumer")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("no-such-bundle", done.stdout)


if __name__ == "__main__":
    unittest.main()

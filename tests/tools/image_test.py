"""The container image's files, made from this build: small enough, whole, and enough to work with as a
user without rights on a root that cannot be written.

image_test.py BUILD
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
ROOT = pathlib.Path(__file__).resolve().parents[2]
BYTES_MAX = 400_000_000


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="torii-image-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.tool("archive", cls.folder / "torii.tar", "--name=example/torii:test")
        cls.root = cls.folder / "root"
        cls.root.mkdir()
        with tarfile.open(cls.folder / "torii.tar") as archive:
            cls.listing = json.load(archive.extractfile("manifest.json"))[0]
            cls.config = json.load(archive.extractfile(cls.listing["Config"]))
            layer = cls.listing["Layers"][0]
            archive.extract(layer, cls.folder)
        cls.layer = cls.folder / layer
        with tarfile.open(cls.layer) as layer:
            cls.members = layer.getmembers()
            layer.extractall(cls.root, filter="fully_trusted")

    @staticmethod
    def tool(*words):
        command = [ROOT / "tools" / "image", *words, f"--build={BUILD}"]
        return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout

    def inside(self, script):
        """Runs command lines of torii in the image: a root that cannot be written, one /tmp, the image's
        user if we may become another one."""
        env = dict(entry.split("=", 1) for entry in self.config["config"]["Env"])
        is_root = os.geteuid() == 0
        steps = ["set -e", f"root={self.root}", 'mount --bind "$root" "$root"']
        steps += [f'mount --rbind /{name} "$root/{name}"' for name in ("proc", "sys", "dev")]
        steps += ['mount -t tmpfs tmpfs "$root/tmp"', 'mount -o remount,bind,ro "$root"']
        who = f"--userspec={self.config['config']['User']} " if is_root else ""
        steps += [f'chroot {who}"$root" /usr/bin/torii {line}' for line in script]
        command = ["unshare", "--mount", *([] if is_root else ["--user", "--map-root-user"]), "/bin/sh", "-c", "\n".join(steps)]
        tools = f"{os.environ['PATH']}:/usr/sbin:/sbin"
        done = subprocess.run(command, env={**env, "PATH": tools}, capture_output=True, text=True, timeout=240, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout + done.stderr

    def test_it_is_small(self):
        self.assertLess(sum(member.size for member in self.members), BYTES_MAX)

    def test_the_list_is_what_is_in_it(self):
        files = {f"/{member.name}": member for member in self.members if not member.isdir()}
        listed = [line.split(None, 1) for line in self.tool("list").splitlines()]
        self.assertEqual([path for _, path in listed], sorted(files, key=lambda name: name.split("/")))
        for size, path in listed:
            if files[path].isreg():
                self.assertEqual(int(size.replace(",", "")), files[path].size, path)
        for absent in ("/usr/share/torii/demo", "/bin/sh", "/usr/bin/dpkg"):
            self.assertFalse(any(path.startswith(absent) for path in files), absent)

    def test_the_archive_says_who_and_what_runs(self):
        with open(self.layer, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self.assertEqual(self.config["rootfs"]["diff_ids"], [f"sha256:{digest}"])
        self.assertEqual(self.listing["RepoTags"], ["example/torii:test"])
        self.assertEqual(self.config["config"]["User"], "65532:65532")
        self.assertEqual(self.config["config"]["Entrypoint"], ["torii"])
        self.assertTrue(all(member.mtime == 0 and member.uid == 0 for member in self.members))

    def test_it_works_without_rights_on_a_root_that_cannot_be_written(self):
        said = self.inside(
            [
                "generate --users=300 --items=60 --interactions=6000 --out=/tmp/shop --quiet",
                "train --data=/tmp/shop --out=/tmp/shop.bundle --set train.epochs=1 --quiet",
                "publish --bundle=/tmp/shop.bundle --data=/tmp/shop --store=sqlite:/tmp/shop.db --set publish.gate=off --quiet",
                "store show --store=sqlite:/tmp/shop.db",
                'pipeline schedule nightly --data=/tmp/shop --param=store=sqlite:/tmp/x.db --cron="0 2 * * *" --zone=Europe/Berlin --home=/tmp/runs --show',
            ]
        )
        self.assertIn("Europe/Berlin", said)

    def test_it_trusts_the_authorities_of_the_system(self):
        self.assertGreater((self.root / "etc/ssl/certs/ca-certificates.crt").stat().st_size, 100_000)


if __name__ == "__main__":
    unittest.main()

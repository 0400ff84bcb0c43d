#!/usr/bin/env python3
"""`torii register` against a server that answers as the Kubeflow Model Registry does (REST v1alpha3): a
published model is entered once, with its metrics, lineage and places, however often it is told."""

import json
import os
import pathlib
import sys
import tempfile
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent.parent.parent)]
from stand_ins import RegistryServer  # noqa: E402
from support import cases, service  # noqa: E402

PROGRAM = os.environ["TORII_PROGRAM"]


class Register(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        service.generate_shop(PROGRAM, cls.folder)
        service.train(PROGRAM, cls.folder)
        cls.torii("publish", *cls.DATA, f"--store=sqlite:{cls.folder}/shop.db", "--answer=published.json",
                  "--set", "publish.gate=off", "--set", f"publish.user_encoder={cls.folder}/encoders")  # fmt: skip
        cls.torii("evaluate", *cls.DATA, "--answer=metrics.json")
        cls.published = json.loads((cls.folder / "published.json").read_text())
        (cls.folder / "token").write_text("let-me-in\n")

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    DATA = ("--config=torii.yaml", "--bundle=shop.bundle")

    @classmethod
    def torii(cls, *words, check=True):
        return service.run(PROGRAM, *words, cwd=cls.folder, check=check)

    def register(self, server, *words, publication="published.json", check=True):
        return self.torii(
            "register", f"--registry={server.url}", "--name=shop", "--bundle=shop.bundle", f"--publication={publication}",
            "--metrics=metrics.json", "--token-file=token", "--json", *words, check=check,
        )  # fmt: skip

    def test_a_published_model_is_entered_once(self):
        with RegistryServer() as server:
            answer = json.loads(self.register(server).stdout)
            self.assertTrue(answer["new"])
            (model,) = server.models.values()
            self.assertEqual((model["name"], model["id"], model["state"]), ("shop", answer["model_id"], "LIVE"))
            (version,) = server.versions.values()
            self.assertEqual((version["name"], version["registeredModelId"]), ("1", model["id"]))
            properties = version["customProperties"]
            metrics = json.loads((self.folder / "metrics.json").read_text())["metrics"]
            kept = {name: one["double_value"] for name, one in properties.items() if "double_value" in one and "@" in name}
            self.assertEqual(kept, {name: value for name, value in metrics.items() if "@" in name})
            self.assertEqual(properties["bundle"]["string_value"], self.published["bundle"])
            self.assertEqual(properties["tenant"]["string_value"], "default")
            self.assertEqual(len(properties["data"]["string_value"]), 64)
            places = {one["name"]: (one["uri"], one["modelFormatName"], one["artifactType"]) for one in server.artifacts.values()}
            self.assertEqual(places["bundle"], (self.published["bundle_uri"], "torii-bundle", "model-artifact"))
            encoder = f"{self.folder}/encoders/user-encoder-1"
            self.assertEqual(places["user-encoder"], (encoder, "safetensors", "model-artifact"))
            self.assertTrue(pathlib.Path(encoder).exists())

            again = json.loads(self.register(server).stdout)
            self.assertFalse(again["new"])
            self.assertEqual({**again, "new": True}, answer)
            self.assertEqual([len(one) for one in (server.models, server.versions, server.artifacts)], [1, 1, 2])

    def test_what_was_broken_off_is_finished(self):
        with RegistryServer() as server:
            server.refuse_after = 4  # the model and the version, and no artifact
            broken = self.register(server, check=False)
            self.assertEqual(broken.returncode, 1, broken.stderr)
            self.assertIn("out of order", broken.stderr)
            server.refuse_after = None
            self.assertTrue(json.loads(self.register(server).stdout)["new"])
            self.assertEqual([len(one) for one in (server.models, server.versions, server.artifacts)], [1, 1, 2])

    def test_many_models_are_listed_in_pages(self):
        with RegistryServer() as server:
            for number in range(250):
                server.handle("POST", f"{server.API}/registered_models", {}, {"name": f"m{number}"})
            self.register(server)
            self.assertFalse(json.loads(self.register(server).stdout)["new"])
            self.assertEqual(len(server.models), 251)

    def test_another_model_of_that_version_is_refused(self):
        with RegistryServer() as server:
            self.register(server)
            (version,) = server.versions.values()
            version["customProperties"]["bundle"]["string_value"] = "0" * 64
            before = json.dumps([server.models, server.versions, server.artifacts])
            refused = self.register(server, check=False)
            self.assertEqual(refused.returncode, 3, refused.stderr)
            self.assertIn("--name", refused.stderr)
            self.assertEqual(json.dumps([server.models, server.versions, server.artifacts]), before)

    def test_what_does_not_belong_together_is_refused(self):
        with RegistryServer() as server:
            other = {**self.published, "bundle": "1" * 64}
            (self.folder / "other.json").write_text(json.dumps(other))
            refused = self.register(server, publication="other.json", check=False)
            self.assertEqual(refused.returncode, 2, refused.stderr)
            self.assertIn("was published, this is", refused.stderr)
            (self.folder / "none.json").write_text("{}")
            refused = self.register(server, publication="none.json", check=False)
            self.assertIn("expected the answer of `torii publish`", refused.stderr)
            self.assertEqual(server.requests, [])

    def test_a_wrong_token_is_told(self):
        with RegistryServer() as server:
            (self.folder / "wrong").write_text("nonsense")
            refused = self.register(server, "--token-file=wrong", check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertNotIn("nonsense", refused.stderr)


if __name__ == "__main__":
    cases.main()

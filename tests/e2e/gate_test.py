"""The gate of `torii publish` before a running server: a poor model is refused and nothing changes, or it
is only reported, or forced; what was decided stands in the publication, for operators to read."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, service, shop_case  # noqa: E402

PROGRAM = shop_case.PROGRAM
POOR = ("--set", "train.epochs=1", "--set", "train.learning_rate=1e-7")


class Gate(shop_case.ShopCase):
    sizes = {"users": 300, "items": 400, "interactions": 9000}  # where a model beats popularity

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name, more in (("good", ("--set", "train.epochs=40", "--set", "model.width=24")), ("poor", POOR)):
            words = ("train", "--config=torii.yaml", "--split=random:0.7/0.1/0.2", f"--out={name}.bundle")
            service.run(PROGRAM, *words, "--quiet", "--threads=1", *more, cwd=cls.folder)

    def publish(self, store, bundle, *more, check=True):
        words = ("publish", "--config=torii.yaml", f"--bundle={bundle}.bundle", f"--store={store}", "--k=20")
        return service.run(PROGRAM, *words, *more, cwd=self.folder, check=check)

    def test_a_poor_model_is_refused_reported_or_forced(self):
        store = f"sqlite:{self.folder}/gate.db"
        self.publish(store, "good")
        with self.serve(store) as server:
            client = server.client()
            served = lambda: client.get("/v1/categories")[1]["model_version"]  # noqa: E731
            newest = lambda: client.get("/v1/models")[1]["models"][0]  # noqa: E731
            before = client.get("/v1/users/u1/recommendations?k=10")[1]["items"]

            enforce = ("--set", "publish.gate=enforce")
            refused = self.publish(store, "poor", *enforce, check=False)
            self.assertEqual(refused.returncode, 3, refused.stderr)
            self.assertIn("significantly worse than", refused.stderr)
            self.assertIn("--force", refused.stderr)
            refused = self.publish(store, "poor", *enforce, "--json", check=False)
            self.assertEqual(refused.returncode, 3, refused.stderr)
            gate = json.loads(refused.stdout)["gate"]
            self.assertEqual((gate["mode"], gate["passed"], gate["forced"]), ("enforce", False, False))
            self.assertEqual((served(), newest()["version"]), (1, 1))
            self.assertEqual(client.get("/v1/users/u1/recommendations?k=10")[1]["items"], before)

            report = self.publish(store, "poor", "--set", "publish.gate=report")
            self.assertIn("ndcg@10", report.stdout.lower())  # the comparison, for people
            self.assertIn("popularity", report.stdout)
            self.assertIn("version 2", report.stdout)
            self.assertIn("the gate objects", report.stderr)
            service.wait_until(lambda: served() == 2, 10, "version 2 is not served")
            self.assert_gate(newest(), 2, mode="report", passed=False, forced=False, current=1)
            self.assertTrue(newest()["gate"]["objections"])
            self.assertEqual(client.post("/v1/models/rollback", {})[1]["activated"], 1)
            service.wait_until(lambda: served() == 1, 10, "version 1 is not served again")

            forced = self.publish(store, "poor", *enforce, "--force")
            self.assertIn("the gate objects", forced.stderr)
            service.wait_until(lambda: served() == 3, 10, "version 3 is not served")
            self.assert_gate(newest(), 3, mode="enforce", passed=False, forced=True, current=1)
            shown = service.run(PROGRAM, "store", "show", f"--store={store}", cwd=self.folder).stdout
            self.assertIn("forced", shown)

            self.publish(store, "good", *enforce)  # better than what is served: no force is needed
            service.wait_until(lambda: served() == 4, 10, "version 4 is not served")
            self.assert_gate(newest(), 4, mode="enforce", passed=True, forced=False, current=3)
            self.publish(store, "poor", "--set", "publish.gate=off")
            service.wait_until(lambda: served() == 5, 10, "version 5 is not served")
            self.assertEqual(newest()["gate"], {"mode": "off", "forced": False, "current": 4})

    def assert_gate(self, model, version, **facts):
        self.assertEqual(model["version"], version)
        self.assertEqual({name: model["gate"].get(name) for name in facts}, facts)


if __name__ == "__main__":
    cases.main()

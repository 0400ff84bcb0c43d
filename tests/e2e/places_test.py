"""`torii serve` where nothing lies in a file beside it: bundles in S3, the store in PostgreSQL or Redis.
Runs beside servers of its own (compat/s3/with_s3.py, compat/store/with_servers.py)."""

import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, safetensors_file, service, shop_case  # noqa: E402

PROGRAM = shop_case.PROGRAM
QUICK = ("--set", "serve.poll_s=0.05", "--set", "serve.threads=1")


def of_s3(uri, content=None):
    """An object of the test's S3 server; or puts it there. curl signs what is asked."""
    url = f"{os.environ['AWS_ENDPOINT_URL']}/{uri.removeprefix('s3://')}"
    user = f"{os.environ['AWS_ACCESS_KEY_ID']}:{os.environ['AWS_SECRET_ACCESS_KEY']}"
    command = ["curl", "--silent", "--show-error", "--fail", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", user]
    command += [] if content is None else ["--upload-file", "-"]
    return subprocess.run([*command, url], input=content, stdout=subprocess.PIPE, check=True).stdout


class Places(shop_case.ShopCase):
    # ---- S3

    def test_bundles_come_from_s3_and_the_user_encoder_goes_there(self):
        store, place = f"sqlite:{self.folder}/s3.db", "s3://shop/live/bundles"
        to_s3 = ("--set", f"publish.bundles={place}", "--set", "publish.user_encoder=s3://shop/live/encoders/")
        service.publish(PROGRAM, self.folder, store, *to_s3)
        shown = json.loads(service.run(PROGRAM, "store", "show", f"--store={store}", "--json", cwd=self.folder).stdout)
        (publication,) = shown["tenants"][0]["publications"]
        self.assertEqual(publication["bundle_uri"], f"{place}/{publication['bundle']}")
        self.assertNotIn(str(self.folder), json.dumps(publication))  # nothing of it lies here
        self.check_user_encoder(1, publication)

        cache = {"XDG_CACHE_HOME": str(self.folder / "cache")}
        with service.Service(PROGRAM, store, self.folder, *QUICK, env=cache) as server:
            client = server.client()
            before = client.get("/v1/users/u1/recommendations?k=5&include=vector")[1]
            self.assertEqual((before["model_version"], before["source"]), (1, "precomputed"))
            self.assertTrue((self.folder / "cache/torii/bundles" / publication["bundle"] / "bundle.json").exists())
            service.publish(PROGRAM, self.folder, store, *to_s3)
            service.wait_until(lambda: client.get("/v1/categories")[1]["model_version"] == 2, 10, "version 2")
            self.assertEqual(client.get("/v1/users/u1/recommendations?k=5")[1]["items"], before["items"])
            self.check_user_encoder(2, publication)
            self.assertEqual(server.stop(), 0)
        # What was fetched is kept: S3 may be away at the next start.
        away = cache | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{service.free_port()}"}
        with service.Service(PROGRAM, store, self.folder, *QUICK, env=away) as server:
            self.assertEqual(server.client().get("/v1/users/u1/recommendations?k=5")[1]["items"], before["items"])
            self.assert_out_of_log(server, [os.environ["AWS_SECRET_ACCESS_KEY"]])
        self.check_damage(store, publication["bundle_uri"], before["items"])

    def check_damage(self, store, bundle_uri, items):
        """A part that is not what the manifest says is refused; repaired, it is taken."""
        part = f"{bundle_uri}/towers.safetensors"
        whole = of_s3(part)
        of_s3(part, whole[:-1] + bytes([whole[-1] ^ 1]))
        empty = {"XDG_CACHE_HOME": str(self.folder / "empty-cache")}
        server = service.Service(PROGRAM, store, self.folder, *QUICK, env=empty).start(ready=False)
        try:
            service.wait_until(lambda: "publication_refused" in server.log_text(), 10, "the damage is not seen")
            client = server.client()
            service.wait_until(lambda: '"listening"' in server.log_text(), 10, "it does not listen")
            self.assertEqual(client.get("/health/ready")[0], 503)
            status, problem = client.get("/v1/users/u1/recommendations")
            self.assertEqual((status, problem["code"]), (503, "unavailable"))
            of_s3(part, whole)
            server.wait_ready(10)
            self.assertEqual(client.get("/v1/users/u1/recommendations?k=5")[1]["items"], items)
        finally:
            server.stop()

    def check_user_encoder(self, version, publication):
        config = json.loads(of_s3(f"s3://shop/live/encoders/user-encoder-config-{version}.json"))
        self.assertEqual((config["version"], config["bundle"]), (version, publication["bundle"]))
        self.assertEqual((config["metric"], config["tower"]["width"]), (publication["metric"], publication["width"]))
        content = of_s3(f"s3://shop/live/encoders/user-encoder-{version}")
        tensors = safetensors_file.read(content)
        self.assertEqual(tensors["fn1.weight"][1], [2 * publication["width"], publication["width"]])
        # Tensor by tensor what the service computes with.
        towers = safetensors_file.read(of_s3(f"{publication['bundle_uri']}/towers.safetensors"))
        user = {name.split(".", 1)[1]: tensor for name, tensor in towers.items() if name.startswith("user")}
        self.assertEqual(tensors, user)
        self.load_into_torch(content)

    def load_into_torch(self, content):
        peers = pathlib.Path(os.environ["TORII_DEPS"]) / "peers" / "bin" / "python3"  # bench/peers/setup
        here = importlib.util.find_spec("torch") is not None
        if not here and not peers.exists():
            print("no PyTorch here: the user encoder was read by hand alone", file=sys.stderr)
            return
        file = self.folder / "user-encoder"
        file.write_bytes(content)
        script = pathlib.Path(safetensors_file.__file__)
        subprocess.run([sys.executable if here else peers, "-B", script, file], check=True)

    # ---- PostgreSQL, Redis

    def test_a_day_over_postgres(self):
        password = os.environ["TORII_TEST_POSTGRES_PASSWORD"]
        self.drive_day("postgres", os.environ["TORII_TEST_POSTGRES"], {"PGPASSWORD": password}, password)

    def test_a_day_over_redis(self):
        password = os.environ["TORII_TEST_REDIS_PASSWORD"]
        self.drive_day("redis", os.environ["TORII_TEST_REDIS"], {"TORII_REDIS_PASSWORD": password}, password)

    def drive_day(self, name, store, env, password):
        folder, to_s3 = self.folder / name, ("--set", f"publish.bundles=s3://shop/{name}")
        shutil.copytree(self.folder / "shop", folder / "shop")
        shutil.copytree(self.folder / "shop.bundle", folder / "shop.bundle")
        shutil.copy(self.folder / "torii.yaml", folder)
        service.publish(PROGRAM, folder, store, *to_s3, env=env)
        env = env | {"XDG_CACHE_HOME": str(folder / "cache")}
        one, two = (service.Service(PROGRAM, store, folder, *QUICK, env=env) for _ in range(2))
        with one, two:
            events = self.morning(one, two)
            one.kill()  # what was acknowledged is in the store
            one.start()
            self.assertEqual(self.events_of(one.client(), "nora"), events)
            self.night(folder, store, to_s3, env)
            for server in (one, two):
                client = server.client()
                service.wait_until(lambda c=client: c.get("/v1/categories")[1]["model_version"] == 2, 10, "version 2")
                answer = client.get("/v1/users/nora/recommendations?k=15")[1]
                self.assertEqual(answer["source"], "precomputed")  # the model knows her
                self.assertNotIn(self.bought, service.ids_of(answer))
                self.assertNotEqual(client.get("/v1/users/paul/recommendations")[1]["source"], "precomputed")
                self.assertEqual(client.get("/v1/items/novelty")[0], 200)
            models = two.client().get("/v1/models")[1]["models"]
            self.assertEqual([(m["version"], m["current"]) for m in models], [(2, True), (1, False)])
            self.assertEqual(models[0]["lineage"]["records"]["events"], len(events))
            service.run(PROGRAM, "store", "verify", f"--store={store}", cwd=folder, env=env)
            self.assertEqual(two.client().post("/v1/models/rollback", {})[1]["activated"], 1)
            for server in (one, two):
                client = server.client()
                service.wait_until(lambda c=client: c.get("/v1/categories")[1]["model_version"] == 1, 10, "version 1")
                self.assertNotIn(self.bought, service.ids_of(client.get("/v1/users/nora/recommendations?k=15")[1]))
                self.assertEqual(server.stop(), 0)
        for server in (one, two):
            self.assert_out_of_log(server, [password, os.environ["AWS_SECRET_ACCESS_KEY"]])

    def events_of(self, client, user):
        status, document = client.get(f"/v1/users/{user}/export")
        self.assertEqual(status, 200, document)
        return sorted(event["event_id"] for event in document["events"])

    def morning(self, one, two):
        """Nora signs up, picks, clicks, buys; Paul comes and goes; the second server follows."""
        here, there = one.client(), two.client()
        found = here.get("/v1/categories")[1]["categories"]
        chosen = [entry["value"] for entry in found if entry["key"] == "category"][:2]
        self.assertEqual(here.put("/v1/users/nora", {"preferences": chosen})[0], 202)
        answer = here.get("/v1/users/nora/recommendations?k=6&include=attributes")[1]
        self.assertEqual(answer["source"], "categories")
        self.assertLessEqual({item["attributes"]["category"] for item in answer["items"]}, set(chosen))
        favourites, events = service.ids_of(answer), []

        def tell(kind, item, user="nora"):
            event = {"event_id": f"day-{len(events)}", "user_id": user, "item_id": item, "type": kind}
            status, said = here.post("/v1/events", event)
            self.assertEqual((status, said["accepted"]), (202, 1), said)
            if user == "nora":
                events.append(event["event_id"])
            self.assertEqual(here.post("/v1/events", event)[1]["duplicates"], 1)

        for item in favourites[:2]:
            tell("onboarding_select", item)
        after = here.get("/v1/users/nora/recommendations?k=30")[1]
        self.assertEqual(set(favourites[:2]) & set(service.ids_of(after)), set())
        self.bought = service.ids_of(after)[0]
        tell("click", service.ids_of(after)[1])
        tell("cart", self.bought)
        tell("purchase", self.bought)
        listed = service.ids_of(here.get("/v1/users/nora/recommendations?k=30")[1])
        self.assertNotIn(self.bought, listed)
        self.assertEqual(here.put("/v1/items/novelty", {"attributes": {"category": chosen[0], "price": 5}})[0], 202)
        service.wait_until(lambda: there.get("/v1/items/novelty")[0] == 200, 2, "the second server does not follow")
        same = lambda: service.ids_of(there.get("/v1/users/nora/recommendations?k=30")[1])  # noqa: E731
        now = service.ids_of(here.get("/v1/users/nora/recommendations?k=30")[1])
        self.assertEqual(same(), now)
        self.assertEqual(here.put("/v1/users/paul", {"attributes": {"age": 40}})[0], 202)
        self.assertEqual(there.post("/v1/events", {"user_id": "paul", "item_id": "i1", "type": "view"})[0], 202)
        service.wait_until(lambda: len(self.events_of(here, "paul")) == 1, 5, "Paul's event")
        receipt = here.ask("DELETE", "/v1/users/paul")[1]["receipt"]
        self.assertEqual((receipt["user"], receipt["events"]), (True, 1))
        service.wait_until(lambda: there.get("/v1/users/paul")[0] == 404, 5, "Paul is known elsewhere")
        self.assertEqual(self.events_of(there, "nora"), sorted(events))
        return sorted(events)

    def night(self, folder, store, to_s3, env):
        service.run(PROGRAM, "load", f"--from={store}", "--data=shop", "--out=night", "--quiet", cwd=folder, env=env)
        config = (folder / "torii.yaml").read_text().replace("shop/", "night/")
        (folder / "torii.yaml").write_text(config)
        shutil.rmtree(folder / "shop.bundle")
        service.train(PROGRAM, folder)
        service.publish(PROGRAM, folder, store, *to_s3, env=env)


if __name__ == "__main__":
    cases.main()

"""Several shops in one process: people, items, events, publications, keys, tokens and metrics of one are
nothing to the other."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, service, shop_case, tokens  # noqa: E402

PROGRAM = shop_case.PROGRAM


class Tenants(shop_case.ShopCase):
    def test_two_shops_in_one_process_know_nothing_of_each_other(self):
        store = f"sqlite:{self.folder}/two.db"
        for tenant in ("red", "blue"):
            service.publish(PROGRAM, self.folder, store, f"--tenant={tenant}")
        keys = {t: service.make_key(PROGRAM, self.folder, store, "admin", t) for t in ("red", "blue")}
        signers = {tenant: tokens.Ed25519(self.folder, tenant) for tenant in ("red", "blue")}
        setting = "serve.tokens=[" + ",".join(f"{t}=eddsa:{s.public}" for t, s in signers.items()) + "]"
        with self.serve(store, setting, keys=True) as server:
            red, blue = (server.client(headers=service.with_key(keys[t]["key"])) for t in ("red", "blue"))
            of = lambda client, user="u1": client.get(f"/v1/users/{user}/recommendations?k=8")[1]  # noqa: E731
            before = of(blue)
            self.assertEqual(service.ids_of(of(red)), service.ids_of(before))  # one bundle, two shops
            bought = service.ids_of(before)[0]
            event = {"event_id": "the same", "user_id": "u1", "item_id": bought, "type": "purchase"}
            self.assertEqual(red.post("/v1/events", event)[1]["accepted"], 1)
            self.assertNotIn(bought, service.ids_of(of(red)))
            self.assertEqual(service.ids_of(of(blue)), service.ids_of(before))
            self.assertEqual(blue.get("/v1/users/u1/export")[1]["events"], [])
            self.assertEqual(red.put("/v1/users/nora", {"preferences": ["Garden"]})[0], 202)
            self.assertEqual(red.put("/v1/items/novelty", {"attributes": {"price": 5}})[0], 202)
            self.assertEqual(red.status("DELETE", "/v1/items/i3"), 202)
            self.assertEqual(red.status("DELETE", "/v1/users/u2"), 200)
            for path in ("/v1/users/nora", "/v1/items/novelty"):
                self.assertEqual((red.get(path)[0], blue.get(path)[0]), (200, 404), path)
            for path in ("/v1/users/u2", "/v1/items/i3"):
                self.assertEqual((red.get(path)[0], blue.get(path)[0]), (404, 200), path)
            self.assertEqual(of(blue, "u2")["source"], "precomputed")
            # The same id of an event is another event in another shop.
            self.assertEqual(blue.post("/v1/events", event)[1]["accepted"], 1)
            self.assertEqual(blue.post("/v1/events", event)[1]["accepted"], 0)
            self.check_tokens(server, signers)
            self.check_publications(server, store, red, blue)
            self.check_metrics(red, blue)
            service.run(PROGRAM, "keys", "revoke", f"--store={store}", f"--id={keys['red']['id']}", cwd=self.folder)
            service.wait_until(lambda: red.get("/v1/models")[0] == 401, 5, "a revoked key opens")
            self.assertEqual(blue.get("/v1/models")[0], 200)
        with self.serve(store, "serve.metrics_open=true", keys=True) as server:  # the operator's, without a key
            self.assertEqual(self.tenants_in(server.client().get("/metrics")[1]), {"red", "blue", "green"})
            self.assertEqual(server.client().get("/v1/models")[0], 401)

    def tenants_in(self, metrics):
        return {line.split('tenant="')[1].split('"')[0] for line in metrics.splitlines() if 'tenant="' in line}

    def check_tokens(self, server, signers):
        for signer in ("red", "blue"):
            for tenant in ("red", "blue"):
                token = signers[signer].token(tokens.claims("u1", tenant))
                client = server.client(headers=service.with_key(token))
                status = client.get("/v1/users/u1/export")[0]
                self.assertEqual(status, 200 if signer == tenant else 401, (signer, tenant))

    def check_publications(self, server, store, red, blue):
        service.publish(PROGRAM, self.folder, store, "--tenant=red")
        service.wait_until(lambda: red.get("/v1/categories")[1]["model_version"] == 2, 10, "red's second version")
        self.assertEqual(blue.get("/v1/categories")[1]["model_version"], 1)
        versions = lambda client: [m["version"] for m in client.get("/v1/models")[1]["models"]]  # noqa: E731
        self.assertEqual((versions(red), versions(blue)), ([2, 1], [1]))
        self.assert_problem(blue, "POST", "/v1/models/2/activate", None, 404, "not_found")
        self.assert_problem(blue, "POST", "/v1/models/rollback", None, 409, "check_failed")
        self.assertEqual(red.post("/v1/models/rollback", {})[0], 200)
        service.wait_until(lambda: red.get("/v1/categories")[1]["model_version"] == 1, 10, "red's rollback")
        # A shop that opens while the server runs.
        service.publish(PROGRAM, self.folder, store, "--tenant=green")
        key = service.make_key(PROGRAM, self.folder, store, "read", "green")
        green = server.client(headers=service.with_key(key["key"]))
        answer = service.wait_until(lambda: (r := green.get("/v1/users/u2/recommendations"))[0] == 200 and r[1], 10)
        self.assertEqual((answer["model_version"], answer["source"]), (1, "precomputed"))

    def check_metrics(self, red, blue):
        texts = {"red": red.get("/metrics")[1], "blue": blue.get("/metrics")[1]}
        for tenant, text in texts.items():
            self.assertEqual(self.tenants_in(text), {tenant})
        of = lambda name, tenant: next(  # noqa: E731
            float(line.rsplit(" ", 1)[1])
            for line in texts[tenant].splitlines()
            if line.startswith(f'{name}{{tenant="{tenant}"}}')
        )
        self.assertEqual(of("torii_applied_seq", "blue"), 1)
        self.assertGreater(of("torii_applied_seq", "red"), 3)
        self.assertEqual(of("torii_new_items", "blue"), 0)
        self.assertGreater(of("torii_new_items", "red"), 0)


if __name__ == "__main__":
    cases.main()

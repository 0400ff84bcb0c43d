"""Who may do what in a running server: keys with scopes that are made, rotated and revoked beside it, and
signed tokens of users."""

import base64
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import cases, service, shop_case, tokens, wire  # noqa: E402

PROGRAM = shop_case.PROGRAM
SECRET = "a secret of thirty-two bytes or more"
PERSON = "somebody-very-special"
EVENT = {"user_id": PERSON, "item_id": "i1", "type": "view"}
ROUTES = (
    ("read", "GET", "/v1/users/u1/recommendations?k=3", None),
    ("read", "POST", "/v1/recommend", {"user_id": PERSON}),
    ("read", "GET", "/v1/items/i1/similar", None),
    ("read", "POST", "/v1/rank", {"user_id": "u1", "items": ["i1", "i2"]}),
    ("read", "GET", "/v1/search?q=a", None),
    ("read", "GET", "/v1/items/i1", None),
    ("read", "GET", "/v1/categories", None),
    ("read", "GET", "/v1/users/u1", None),
    ("read", "POST", "/v1/embed", {"items": ["i1"]}),
    ("read", "GET", "/recommendations/u1", None),
    ("read", "GET", "/products", None),
    ("write", "POST", "/v1/events", EVENT),
    ("write", "PUT", f"/v1/users/{PERSON}", {"preferences": ["Garden"]}),
    ("write", "POST", "/v1/items", {"items": [{"item_id": "fresh"}]}),
    ("write", "DELETE", "/v1/items/fresh", None),
    ("write", "POST", f"/products/i1/interactions/click?user_id={PERSON}", None),
    ("admin", "GET", "/v1/users/u1/export", None),
    ("admin", "GET", "/v1/models", None),
    ("admin", "POST", "/v1/models/1/activate", None),
    ("admin", "GET", "/metrics", None),
)


class Access(shop_case.ShopCase):
    def serve(self, store, *settings, **options):
        return super().serve(store, "serve.access_log=true", *settings, keys=True, **options)

    def test_keys_are_made_rotated_and_revoked_while_it_runs(self):
        store = self.new_store("keys")
        with self.serve(store) as server:
            made = {}
            for scopes in ("read", "write", "admin", "read,write"):
                made[scopes] = service.make_key(PROGRAM, self.folder, store, scopes)
            clients = {scopes: server.client(headers=service.with_key(key["key"])) for scopes, key in made.items()}
            for client in clients.values():  # the server takes each up without a restart
                service.wait_until(lambda c=client: c.get("/v1/categories")[0] != 401, 5, "the key does not open")
            for scopes, client in clients.items():
                for needed, method, path, body in ROUTES:
                    if scopes == "admin" or needed in scopes.split(","):
                        status, answer = client.ask(method, path, body)
                        self.assertIn(status, (200, 202, 204), (scopes, method, path, answer))
                    else:
                        self.assert_problem(client, method, path, body, 403, "forbidden")
            self.check_what_is_no_key(server, made["admin"])
            self.check_rotation(server, store, made["read"])
            revoked = made["admin"]
            service.run(PROGRAM, "keys", "revoke", f"--store={store}", f"--id={revoked['id']}", cwd=self.folder)
            service.wait_until(lambda: clients["admin"].get("/v1/models")[0] == 401, 5, "a revoked key opens")
            self.assertEqual(clients["write"].post("/v1/events", EVENT)[0], 202)
            listed = service.run(PROGRAM, "keys", "list", f"--store={store}", cwd=self.folder).stdout
            secrets = [key["key"].rsplit("_", 1)[1] for key in made.values()]
            for secret in secrets:
                self.assertNotIn(secret, listed)
            self.assertIn("revoked", listed)
            self.assert_out_of_log(server, [*secrets, PERSON])

    def check_what_is_no_key(self, server, admin):
        key, last = admin["key"], admin["key"][-1]
        other = key[:-1] + ("0" if last != "0" else "1")
        wrong = [{}, {"Authorization": f"Basic {base64.b64encode(key.encode()).decode()}"}, {"X-API-Key": other}]
        wrong += [{"Authorization": f"Bearer {text}"} for text in (other, key + "0", key[:-1], "torii_", "x", "a.b.c")]
        wrong += [{"Authorization": f"Bearer torii_0000000000000000_{key.rsplit('_', 1)[1]}"}, {"Authorization": key}]
        for headers in wrong:
            client = server.client(headers=headers)
            for _, method, path, body in ROUTES:
                self.assert_problem(client, method, path, body, 401, "unauthenticated")
            for path in ("/health/live", "/health/ready", "/openapi.json", "/docs"):
                self.assertEqual(client.get(path)[0], 200, path)
        fields = f"Authorization: Bearer {key}\r\nAuthorization: Bearer x\r\n"
        twice = wire.ask(server.port, "GET", "/v1/models", fields)
        self.assertEqual(twice.status, 400, twice)
        # A key is a key in its header field alone.
        for path in (f"/v1/models?key={key}", f"/v1/models?access_token={key}"):
            self.assert_problem(server.client(), "GET", path, None, 401, "unauthenticated")
        self.assertEqual(server.client(headers={"X-API-Key": key}).get("/v1/models")[0], 200)

    def check_rotation(self, server, store, old):
        words = (f"--store={store}", "--json")
        new = service.run(PROGRAM, "keys", "rotate", f"--id={old['id']}", "--overlap=1", *words, cwd=self.folder)
        new = json.loads(new.stdout)
        first, second = (server.client(headers=service.with_key(key["key"])) for key in (old, new))
        service.wait_until(lambda: second.get("/v1/categories")[0] == 200, 5, "the new key does not open")
        self.assertEqual(first.get("/v1/categories")[0], 200)  # both, for an hour
        self.assert_problem(second, "GET", "/v1/models", None, 403, "forbidden")  # the same scopes
        newest = service.run(PROGRAM, "keys", "rotate", f"--id={new['id']}", "--overlap=0", *words, cwd=self.folder)
        third = server.client(headers=service.with_key(json.loads(newest.stdout)["key"]))
        service.wait_until(lambda: second.get("/v1/categories")[0] == 401, 5, "the rotated key opens")
        service.wait_until(lambda: third.get("/v1/categories")[0] == 200, 5, "the newest key does not open")

    def test_a_token_opens_what_is_its_users_own(self):
        store = self.new_store("tokens")
        signer = tokens.Ed25519(self.folder, "shop")
        setting = f"serve.tokens=[default=eddsa:{signer.public}]"
        with self.serve(store, setting) as server:
            token = signer.token(tokens.claims(PERSON))
            client = server.client(headers=service.with_key(token))
            own = f"/v1/users/{PERSON}"
            for path in (f"{own}/recommendations", f"{own}/export", f"/recommendations/{PERSON}", "/users/preferences"):
                self.assertEqual(client.get(path)[0], 200, path)
            self.assertEqual(client.get("/v1/users/somebody%2Dvery%2Dspecial/recommendations")[0], 200)
            for path in ("/v1/categories", "/v1/items/i1", "/v1/items/i1/similar", "/v1/search?q=a", "/products"):
                self.assertEqual(client.get(path)[0], 200, path)
            status, before = client.post("/v1/recommend", {"k": 5})  # the token says for whom
            self.assertEqual(status, 200, before)
            bought = {"item_id": service.ids_of(before)[0], "type": "purchase", "event_id": "mine"}
            self.assertEqual(client.post("/v1/events", bought)[0], 202)
            self.assertNotIn(bought["item_id"], service.ids_of(client.post("/v1/recommend", {"k": 5})[1]))
            status, state = client.get(f"{own}/export")
            self.assertEqual([event["event_id"] for event in state["events"]], ["mine"])
            self.check_what_is_not_own(client)
            self.assert_out_of_log(server, [token, token.split(".")[2], PERSON])

    def check_what_is_not_own(self, client):
        view = {"item_id": "i2", "type": "view"}
        many = {"events": [view] * 999 + [dict(view, user_id="u1")]}
        refused = (
            ("GET", "/v1/users/u1/recommendations", None),
            ("GET", "/v1/users/%75%31/recommendations", None),
            ("GET", f"/v1/users/{PERSON}%20/recommendations", None),
            ("GET", "/v1/users/u1", None),
            ("GET", "/v1/users/u1/export", None),
            ("GET", "/recommendations/u1", None),
            ("POST", "/recommendations", {"user_id": "u1"}),
            ("POST", "/v1/recommend", {"user_id": "u1"}),
            ("POST", "/v1/rank", {"user_id": "u1", "items": ["i1"]}),
            ("GET", "/users/preferences?user_id=u1", None),
            ("POST", "/users/preferences?user_id=u1", {"preferences": "Garden"}),
            ("POST", "/products/i1/interactions/click?user_id=u1", None),
            ("POST", "/v1/events", dict(view, user_id="u1")),
            ("POST", "/v1/events", {"events": [view, dict(view, user_id="u1")]}),
            ("POST", "/v1/events", many),
            ("PUT", f"/v1/users/{PERSON}", {"preferences": []}),
            ("DELETE", f"/v1/users/{PERSON}", None),
            ("PUT", "/v1/items/i1", {"attributes": {}}),
            ("POST", "/v1/embed", {"users": [{"user_id": PERSON}]}),
            ("GET", "/v1/models", None),
            ("POST", "/v1/models/rollback", None),
            ("GET", "/metrics", None),
        )
        for method, path, body in refused:
            self.assert_problem(client, method, path, body, 403, "forbidden")

    def test_what_is_no_token_opens_nothing(self):
        store = self.new_store("forged")
        signer, stranger = (tokens.Ed25519(self.folder, name) for name in ("real", "stranger"))
        setting = f"serve.tokens=[default=eddsa:{signer.public},secret=hs256:env:SHOP_SECRET]"
        with self.serve(store, setting, env={"SHOP_SECRET": SECRET}) as server:
            good = signer.token(tokens.claims("u1"))
            head, body, mark = good.split(".")
            pem, raw = signer.public.read_bytes(), base64.b64decode(signer.public.read_text().split("\n")[1])[-32:]
            now = int(time.time())
            of = lambda **more: signer.token(tokens.claims("u1", **more))  # noqa: E731
            refused = {
                "ended": of(seconds=-120),
                "never ends": of(exp=None),
                "an end that is no number": of(exp="2099"),
                "not yet valid": of(nbf=now + 600),
                "made in the future": of(iat=now + 600),
                "for two shops": of(aud=["default", "secret"]),
                "for no shop": of(aud=None),
                "for another shop": of(tenant="secret"),
                "for a shop that does not exist": of(tenant="none"),
                "of nobody": of(sub=None),
                "of an empty name": of(sub=""),
                "another key": stranger.token(tokens.claims("u1")),
                "a critical extension": signer.token(tokens.claims("u1"), {"alg": "EdDSA", "crit": ["exp"]}),
                "EdDSA under another name": signer.token(tokens.claims("u1"), {"alg": "HS256"}),
                "the public key as a secret": tokens.hs256(raw, tokens.claims("u1")),
                "the public file as a secret": tokens.hs256(pem, tokens.claims("u1")),
                "the other shop's secret": tokens.hs256(SECRET, tokens.claims("u1")),
                "a wrong secret": tokens.hs256("x" * 40, tokens.claims("u1", "secret")),
                "another body": f"{head}.{tokens.encoded(tokens.claims('u2'))}.{mark}",
                "no signature": f"{head}.{body}.",
                "two parts": f"{head}.{body}",
                "four parts": f"{good}.x",
                "padded": f"{good}==",
                "too long": of(more="x" * 5000),
            }
            for name in ("none", "None", "NONE", "nOnE", "", None):
                unsigned = f"{tokens.encoded({'alg': name, 'typ': 'JWT'})}.{body}"
                refused |= {f"alg {name}": f"{unsigned}.", f"alg {name}, marked": f"{unsigned}.{mark}"}
            for what, token in refused.items():
                client = server.client(headers=service.with_key(token))
                with self.subTest(what):
                    for path in ("/v1/users/u1/recommendations", "/v1/categories"):
                        self.assert_problem(client, "GET", path, None, 401, "unauthenticated")
            client = server.client(headers=service.with_key(good))
            self.assertEqual(client.get("/v1/users/u1/recommendations")[0], 200)
            # A token is none where keys go.
            client = server.client(headers={"X-API-Key": good})
            self.assert_problem(client, "GET", "/v1/categories", None, 401, "unauthenticated")
            self.assert_out_of_log(server, [*(token for token in refused.values() if len(token) > 20), good, SECRET])


if __name__ == "__main__":
    cases.main()

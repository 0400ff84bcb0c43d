"""Users' tokens as a shop signs them: JWT with HS256, or with EdDSA by the openssl program."""

import base64
import hashlib
import hmac
import json
import pathlib
import subprocess
import tempfile
import time


def encoded(data):
    if not isinstance(data, bytes):
        data = json.dumps(data, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims(user, tenant="default", seconds=60, **more):
    """seconds: until it ends. A claim of None is left out."""
    body = {"sub": user, "aud": tenant, "exp": int(time.time()) + seconds, **more}
    return {name: value for name, value in body.items() if value is not None}


def hs256(secret, body, head=None):
    content = f"{encoded(head or {'alg': 'HS256', 'typ': 'JWT'})}.{encoded(body)}"
    secret = secret if isinstance(secret, bytes) else secret.encode()
    return f"{content}.{encoded(hmac.new(secret, content.encode(), hashlib.sha256).digest())}"


class Ed25519:
    """A pair of keys in `folder`: signs, and `public` is the file for the server."""

    def __init__(self, folder, name):
        self.private, self.public = pathlib.Path(folder) / f"{name}.pem", pathlib.Path(folder) / f"{name}.pub"
        make = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.private]
        subprocess.run(make, check=True, capture_output=True)
        show = ["openssl", "pkey", "-in", self.private, "-pubout", "-out", self.public]
        subprocess.run(show, check=True, capture_output=True)

    def token(self, body, head=None):
        content = f"{encoded(head or {'alg': 'EdDSA', 'typ': 'JWT'})}.{encoded(body)}"
        with tempfile.NamedTemporaryFile() as file:
            file.write(content.encode())
            file.flush()
            sign = ["openssl", "pkeyutl", "-sign", "-inkey", self.private, "-rawin", "-in", file.name]
            mark = subprocess.run(sign, check=True, capture_output=True).stdout
        return f"{content}.{encoded(mark)}"

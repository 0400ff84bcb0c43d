#!/usr/bin/env python3
"""From where `torii pipeline submit --target=argo` finds its cluster: a kubeconfig in all its forms, client
certificates, a pod's service account; what a kubeconfig asks for and torii does not do is told."""

import base64
import json
import os
import pathlib
import sys
import tempfile
import textwrap
import unittest

import yaml

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent.parent.parent)]
from stand_ins import ArgoServer, Certificates, KfpServer  # noqa: E402
from support import cases, service, small_disk  # noqa: E402

PROGRAM = os.environ["TORII_PROGRAM"]
PIPELINE = """
name: shop
cluster: {image: "localhost/torii:0.1"}
steps:
  train: {command: torii version}
"""


class SubmitFrom(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory()
        cls.certificates = Certificates(pathlib.Path(cls.kept.name) / "pki")
        cls.strangers = Certificates(pathlib.Path(cls.kept.name) / "strangers")

    @classmethod
    def tearDownClass(cls):
        cls.kept.cleanup()

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        (self.folder / "shop.yaml").write_text(textwrap.dedent(PIPELINE))
        self.environment = {"HOME": str(self.folder), "KUBECONFIG": "", "TORII_CLUSTER_TOKEN": "", "KUBERNETES_SERVICE_HOST": ""}
        self.server = ArgoServer(certificates=self.certificates)
        self.server.__enter__()
        self.addCleanup(self.server.__exit__)

    def submit(self, *words, check=True, prefix=(), **environment):
        words = ["pipeline", "submit", "shop.yaml", "--target=argo", "--json", *map(str, words)]
        command = [*prefix, PROGRAM, *words]
        return service.run(command[0], *command[1:], cwd=self.folder, check=check, env={**self.environment, **environment})

    def told(self, *words, **environment):
        done = self.submit(*words, check=False, **environment)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(self.server.objects, {})
        return json.loads(done.stdout)["error"]["message"]

    def config(self, user=None, name="config", cluster=None, context=None):
        """The form that kubectl and cluster scripts write."""
        cluster = {"server": self.server.url, "certificate-authority": str(self.certificates.authority[0]), **(cluster or {})}
        text = yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "admin", "user": user or {"token": "let-me-in"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "admin", **(context or {})}}],
        })
        path = self.folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
        return path

    def started(self, done, namespace="default", who="by token"):
        answer = json.loads(done.stdout)
        self.assertEqual(answer["state"], "Succeeded")
        self.assertEqual([key[:2] for key in self.server.objects], [("workflows", namespace)])
        self.assertEqual(set(self.server.who), {who})
        self.server.objects.clear()
        self.server.who.clear()

    def test_a_kubeconfig_by_flag_by_variable_and_at_home(self):
        path = self.config()
        done = self.submit(f"--kubeconfig={path}")
        self.started(done)
        self.assertIn(f"{self.server.url}, the context 'c' of {path}", done.stderr)
        self.started(self.submit(KUBECONFIG=f"{self.folder}/none:{path}"))
        self.assertIn("--host is missing", self.told())
        path.unlink()
        self.config(name=".kube/config", context={"namespace": "shop"})
        self.started(self.submit(), namespace="shop")
        self.started(self.submit("--namespace=other"), namespace="other")
        self.assertIn("KUBECONFIG=/no/where: no such file", self.told(KUBECONFIG="/no/where"))

    def test_data_within_and_files_beside(self):
        def data(path):
            return base64.b64encode(path.read_bytes()).decode()

        certificate, key = self.certificates.client
        authority = {"certificate-authority": None, "certificate-authority-data": data(self.certificates.authority[0])}
        user = {"client-certificate-data": data(certificate), "client-key-data": data(key)}
        self.started(self.submit(f"--kubeconfig={self.config(user, cluster=authority)}"), who="by certificate")
        for source, name in ((certificate, "me.crt"), (key, "me.key")):
            (self.folder / name).write_bytes(source.read_bytes())
        user = {"client-certificate": "me.crt", "client-key": "me.key"}
        self.started(self.submit(f"--kubeconfig={self.config(user)}"), who="by certificate")
        (self.folder / "token").write_text("let-me-in\n")
        self.started(self.submit(f"--kubeconfig={self.config({'tokenFile': 'token'})}"))

    def test_contexts(self):
        path = self.config()
        other = yaml.safe_load(path.read_text())
        other["contexts"].append({"name": "night", "context": {"cluster": "c", "user": "admin", "namespace": "night"}})
        path.write_text(yaml.safe_dump(other))
        self.started(self.submit(f"--kubeconfig={path}", "--context=night"), namespace="night")
        self.assertIn("no context 'day'; there are: c, night", self.told(f"--kubeconfig={path}", "--context=day"))

    def test_what_is_told_directly_wins(self):
        (self.folder / "token").write_text("let-me-in\n")
        path = self.config({"exec": {"command": "aws"}})
        message = self.told(f"--kubeconfig={path}")
        self.assertIn("user 'admin': it has `exec`; torii runs no program to get a token", message)
        self.assertIn("kubectl create token", message)
        self.started(self.submit(f"--kubeconfig={path}", f"--token-file={self.folder}/token"))
        self.started(self.submit(f"--kubeconfig={path}", TORII_CLUSTER_TOKEN="let-me-in"))
        broken = self.config(cluster={"server": "https://127.0.0.1:1"})
        self.started(self.submit(f"--kubeconfig={broken}", f"--host={self.server.url}"))

    def test_client_certificates_by_flag(self):
        ca = f"--ca={self.certificates.authority[0]}"
        certificate, key = self.certificates.client
        words = (f"--host={self.server.url}", ca, f"--client-certificate={certificate}")
        self.started(self.submit(*words, f"--client-key={key}"), who="by certificate")
        self.assertIn("go together", self.told(*words))
        self.assertIn("there is no /no.key", self.told(*words, "--client-key=/no.key"))
        self.assertIn("belong together", self.told(*words, f"--client-key={self.strangers.client[1]}"))
        with KfpServer(certificates=self.certificates) as kfp:
            words = ["pipeline", "submit", "shop.yaml", "--target=kfp", f"--host={kfp.url}", ca]
            words += [f"--client-certificate={certificate}", f"--client-key={key}"]
            service.run(PROGRAM, *words, cwd=self.folder, env=self.environment)
            self.assertEqual(set(kfp.who), {"by certificate"})

    def test_strangers_are_refused(self):
        done = self.submit(f"--kubeconfig={self.config(cluster={'certificate-authority': str(self.strangers.authority[0])})}", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot be trusted", done.stderr)
        self.assertEqual(self.server.who, [])
        secret = "s3cr3t-of-nobody"
        done = self.submit(f"--kubeconfig={self.config({'token': secret})}", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("answered 401", done.stderr)
        self.assertNotIn(secret, done.stdout + done.stderr)

    def test_kubeconfigs_are_of_kubernetes_alone(self):
        path = self.config()
        self.assertIn("the Argo server is not", self.told("--via=argo-server", f"--kubeconfig={path}"))
        self.assertIn("--host is missing: the address of the Argo server", self.told("--via=argo-server", KUBECONFIG=str(path)))
        # A token for one server is not sent to another.
        done = self.submit(f"--host={self.server.url}", f"--ca={self.certificates.authority[0]}", check=False, KUBECONFIG=str(path))
        self.assertIn("answered 401", done.stderr)

    def in_pod(self, token="let-me-in\n"):
        """/run of a file system of the command's own, as kubelet fills it."""
        kind = small_disk.kind()
        self.assertIsNotNone(kind, "this machine lets no process have a mount of its own")
        account = self.folder / "run" / "secrets" / "kubernetes.io" / "serviceaccount"
        account.mkdir(parents=True)
        if token:
            (account / "token").write_text(token)
        (account / "ca.crt").write_bytes(self.certificates.authority[0].read_bytes())
        (account / "namespace").write_text("night")
        return small_disk.prefix(kind, pathlib.Path("/var/run").resolve(), self.folder / "run", "1m")

    def test_in_a_pod_its_service_account(self):
        port = self.server.url.rsplit(":", 1)[1]
        pod = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": port}
        self.started(self.submit(prefix=self.in_pod(), **pod), namespace="night")
        # A kubeconfig is said on purpose, a pod is just there.
        path = self.config()
        self.started(self.submit(f"--kubeconfig={path}", **pod))

    def test_a_pod_without_a_token(self):
        pod = {"KUBERNETES_SERVICE_HOST": "127.0.0.1"}
        self.assertIn("automountServiceAccountToken", self.told(prefix=self.in_pod(token=None), **pod))

    def test_a_pods_token_is_read_anew(self):
        (self.folder / "token").write_text("let-me-in")
        find = self.server.find

        def renew(*words):
            self.server.token = "the-next"
            (self.folder / "token").write_text("the-next")
            return find(*words)

        self.server.find = renew
        words = (f"--kubeconfig={self.config({'tokenFile': 'token'})}",)
        self.started(self.submit(*words))
        (self.folder / "token").write_text("two words")
        self.assertIn("is one word", self.told(*words))
        (self.folder / "token").write_text("\n")
        self.assertIn("it is empty", self.told(*words))


if __name__ == "__main__":
    cases.main()

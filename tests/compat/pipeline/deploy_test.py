#!/usr/bin/env python3
"""deploy/argo and deploy/kfp: read strictly by Kubernetes' own description, and the job run as its manifest says (its
command, environment, volumes and account, on a root that cannot be written) against servers that speak the protocols.
What it asks there is what its Role allows."""

import copy
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE), str(HERE.parents[1])]
from stand_ins import ArgoServer, Certificates, KfpServer  # noqa: E402
from support import cases, service, small_disk  # noqa: E402

PROGRAM = os.environ["TORII_PROGRAM"]
sys.path.append(str(pathlib.Path(os.environ["TORII_DEPS"]) / "kfp"))
# The folders run and etc below "$1" become the pod's, then nothing can be written any more.
AS_POD = """
for name in run etc; do
  mount -t tmpfs tmpfs /$name && cp -a "$1/$name/." /$name && mount -o remount,ro /$name || exit 1
done
mount -o remount,ro,bind / && shift && cd / && exec "$@"
"""
ETC = ("ld.so.cache", "hosts", "nsswitch.conf", "passwd")


def documents(target, name):
    return [one for one in yaml.safe_load_all((ROOT / "deploy" / target / name).read_text()) if one]


def container_of(job):
    return job["spec"]["template"]["spec"]["containers"][0]


class Deploy(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def test_the_api_knows_every_member(self):
        from judge_kubernetes import Refused, judge

        for target in ("argo", "kfp"):
            for name in ("rbac.yaml", "job.yaml"):
                for document in documents(target, name):
                    judge(document, f"{target}/{name}")
        job = documents("argo", "job.yaml")[0]
        for change, words in (
            (lambda one: one["spec"].update(backofLimit=1), "unknown member 'backofLimit'"),
            (lambda one: one["spec"].update(backoffLimit="1"), "expected int"),
            (lambda one: one["spec"]["template"]["spec"].pop("containers"), "containers"),
        ):
            broken = copy.deepcopy(job)
            change(broken)
            with self.assertRaisesRegex(Refused, words):
                judge(broken, "job")

    def test_what_the_job_names_is_there(self):
        for target in ("argo", "kfp"):
            job, rbac = documents(target, "job.yaml")[0], documents(target, "rbac.yaml")
            (kustomization,) = documents(target, "kustomization.yaml")
            self.assertEqual(set(kustomization), {"apiVersion", "kind", "resources", "configMapGenerator", "generatorOptions"})
            self.assertEqual(kustomization["resources"], ["rbac.yaml"])
            (config,) = kustomization["configMapGenerator"]
            self.assertEqual(config["files"], ["torii.yaml"])
            volumes = {one["name"]: one for one in job["spec"]["template"]["spec"]["volumes"]}
            self.assertEqual(volumes["config"]["configMap"]["name"], config["name"])
            self.assertEqual({one["name"] for one in container_of(job)["volumeMounts"]}, set(volumes))
            accounts = {one["metadata"]["name"] for one in rbac if one["kind"] == "ServiceAccount"}
            roles = {one["metadata"]["name"] for one in rbac if one["kind"] == "Role"}
            self.assertIn(job["spec"]["template"]["spec"]["serviceAccountName"], accounts)
            for binding in (one for one in rbac if one["kind"] == "RoleBinding"):
                self.assertIn(binding["roleRef"]["name"], roles)
                self.assertIn(binding["subjects"][0]["name"], accounts)
            service.run(PROGRAM, "config", f"--config={ROOT}/deploy/{target}/torii.yaml", cwd=self.folder)

    def test_the_job_has_no_rights_on_its_node(self):
        for target in ("argo", "kfp"):
            job = documents(target, "job.yaml")[0]
            pod, container = job["spec"]["template"]["spec"], container_of(job)
            self.assertTrue(pod["securityContext"]["runAsNonRoot"])
            self.assertEqual(container["securityContext"], {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}})
            self.assertEqual(set(container["resources"]["limits"]), {"cpu", "memory", "ephemeral-storage"})

    def run_job(self, target, server, environment):
        """The job's container: its words, its environment alone, its mounts."""
        kind = small_disk.kind()
        self.assertIsNotNone(kind, "this machine lets no process have a mount of its own")
        container = container_of(documents(target, "job.yaml")[0])
        words = [*container["command"], *container["args"]]
        self.assertEqual(words[0], "torii")
        words = [server.url.join(("--host=", "")) if word.startswith("--host=") else word for word in words]
        given = {one["name"]: one["value"] for one in container.get("env", [])}
        variables = [f"{key}={value}" for key, value in {**given, **environment}.items()]
        config = next(one["mountPath"] for one in container["volumeMounts"] if one["name"] == "config")
        shutil.copytree(ROOT / "deploy" / target, self.folder / pathlib.Path(config).relative_to("/"))
        for name in ETC:
            if pathlib.Path("/etc", name).is_file():
                shutil.copy(pathlib.Path("/etc", name), self.folder / "etc" / name)
        command = [*kind, "sh", "-c", AS_POD, "sh", self.folder, "env", "-i", *variables, PROGRAM, *words[1:]]
        return service.run(command[0], *command[1:], cwd="/")

    def allowed(self, target, account):
        rbac = documents(target, "rbac.yaml")
        bindings = [one for one in rbac if one["kind"] == "RoleBinding" and one["subjects"][0]["name"] == account]
        roles = {one["metadata"]["name"]: one["rules"] for one in rbac if one["kind"] == "Role"}
        rules = [rule for binding in bindings for rule in roles[binding["roleRef"]["name"]]]
        return {(verb, resource) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}

    def test_the_job_starts_a_workflow(self):
        certificates = Certificates(self.folder / "pki")
        account = self.folder / "run" / "secrets" / "kubernetes.io" / "serviceaccount"
        account.mkdir(parents=True)
        (account / "token").write_text("let-me-in")
        (account / "ca.crt").write_bytes(certificates.authority[0].read_bytes())
        (account / "namespace").write_text("shop")
        with ArgoServer(certificates=certificates) as server:
            port = server.url.rsplit(":", 1)[1]
            self.run_job("argo", server, {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": port})
            ((kind, namespace, _), workflow), = server.objects.items()
            self.assertEqual((kind, namespace, workflow["spec"]["serviceAccountName"]), ("workflows", "shop", "torii-steps"))
            steps = [one for one in workflow["spec"]["templates"] if "container" in one]
            for one in steps:
                self.assertEqual([volume["configMap"]["name"] for volume in one["volumes"] if "configMap" in volume], ["torii-config"])
            verbs = {"GET": "get", "POST": "create", "PUT": "update"}
            asked = {(verbs[method], path.split("/")[6]) for method, path, _, _ in server.requests}
            self.assertEqual(asked, {("create", "workflows"), ("get", "workflows")})
            self.assertLessEqual(asked, self.allowed("argo", "torii-submit"))
        self.assertEqual(self.allowed("argo", "torii-steps"), {("create", "workflowtaskresults"), ("patch", "workflowtaskresults")})

    def test_the_job_starts_a_run_of_kubeflow(self):
        job = documents("kfp", "job.yaml")[0]
        token = next(one["projected"]["sources"][0]["serviceAccountToken"] for one in job["spec"]["template"]["spec"]["volumes"] if "projected" in one)
        mount = next(one["mountPath"] for one in container_of(job)["volumeMounts"] if one["name"] == "kubeflow-token")
        self.assertEqual(token["audience"], "pipelines.kubeflow.org")
        path = self.folder / "run" / pathlib.Path(mount, token["path"]).relative_to("/var/run")
        path.parent.mkdir(parents=True)
        path.write_text("let-me-in")
        with KfpServer() as server:
            self.run_job("kfp", server, {})
            (run,) = server.runs.values()
            self.assertEqual(run["service_account"], "default-editor")
            resources = {"upload": "pipelines", "upload_version": "pipelines/versions", "versions": "pipelines/versions"}
            for method, path, _, _ in server.requests:
                parts = path.removeprefix("/apis/v2beta1/").split("/")
                resource = resources.get(parts[-1], parts[0])
                verb = "create" if method == "POST" else "get" if len(parts) > 1 and parts[-1] not in resources else "list"
                self.assertIn((verb, resource), self.allowed("kfp", "torii-submit"))


if __name__ == "__main__":
    cases.main()

"""`nightly` and smaller pipelines on a real cluster: etcd, API server, controllers, scheduler, kubelet with
containerd, Argo's controller, MinIO, PostgreSQL, and pods out of torii's own image.

    cluster_test.py BUILD       `make test-cluster` runs it, as root; minutes
"""

import json
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cluster import IMAGE, S3, Cluster, wait_until  # noqa: E402
from support import cases, service  # noqa: E402

BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
PROGRAM = BUILD / "bin" / "torii"
ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPS = ROOT / ".deps"


class OnACluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(PROGRAM, BUILD)
        cls.cluster.__enter__()
        cls.addClassCleanup(cls.cluster.__exit__)
        cls.folder = cls.cluster.folder
        # A shop where a model beats popularity; its tables lie in the object store.
        service.generate_shop(PROGRAM, cls.folder, users=300, items=400, interactions=9000)
        text = (cls.folder / "torii.yaml").read_text()
        cls.cluster.torii("load", "--config=torii.yaml", "--table=all", "--out=tables")
        for file in sorted((cls.folder / "tables").glob("*.parquet")):
            put_object(cls.cluster, f"shop/tables/{file.name}", file)
        (cls.folder / "torii.yaml").write_text(
            text.replace("gate: report", "gate: enforce").replace("path: shop/", "path: s3://shop/tables/").replace("epochs: 2", "epochs: 40").replace("width: 16", "width: 24")
            + "evaluate: {split: 'random:0.7/0.1/0.2'}\n"
        )

    def submit_words(self, *words):
        return ("pipeline", "submit", *words, "--target=argo", *self.cluster.token_words(), "--service-account=argo", f"--image={IMAGE}")

    def nodes(self, name):
        return self.cluster.get("workflow", name)["status"]["nodes"].values()

    def test_1_a_night_in_pods_of_which_one_is_killed(self):
        store = self.cluster.postgres.uri()
        self.cluster.kubectl("create", "configmap", "torii-config", f"--from-file=torii.yaml={self.folder / 'torii.yaml'}")
        words = self.submit_words("nightly", "--config=torii.yaml", "--s3-secret=torii-aws", f"--param=store={store}", "--param=shards=3")
        begun = time.monotonic()
        process = self.cluster.begin(*words, "--set", "publish.bundles=s3://shop/bundles", "--json")
        pod = wait_until(lambda: self.running("train"), 240, "no pod trains")
        spec = self.cluster.get("pod", pod)["spec"]
        main = next(one for one in spec["containers"] if one["name"] == "main")
        self.assertTrue(main["securityContext"]["readOnlyRootFilesystem"])
        self.assertTrue(main["securityContext"]["runAsNonRoot"])
        first = self.cluster.get("pod", pod)["metadata"]["uid"]
        self.cluster.kubectl("delete", "pod", pod, "--grace-period=0", "--force")
        wait_until(lambda: (again := self.running("train")) and self.cluster.get("pod", again)["metadata"]["uid"] != first, 240, "the killed pod was not tried again")
        said, log = process.communicate(timeout=600)
        print(f"{time.monotonic() - begun:6.1f} s  nightly, one pod of it killed\n{log}", file=sys.stderr)
        self.assertEqual(process.returncode, 0, log)
        answer = json.loads(said)
        nodes = list(self.nodes(answer["run"] if "run" in answer else answer["name"]))
        pods = [node for node in nodes if node["type"] == "Pod"]
        self.assertIn("Succeeded", {node["phase"] for node in pods if node["templateName"] == "train"})
        self.assertEqual(sum(node["templateName"] == "candidates" for node in pods), 3)
        loads = [node for node in pods if node["templateName"].startswith("load-")]
        self.assertEqual(len(loads), 3)
        self.assertLess(max(node["startedAt"] for node in loads), min(node["finishedAt"] for node in loads), "the loads did not run side by side")

        shown = json.loads(self.cluster.torii("store", "show", f"--store={store}", "--json").stdout)
        self.assertEqual([one["version"] for tenant in shown["tenants"] for one in tenant["publications"]], [1])
        with service.Service(PROGRAM, store, self.folder, env=self.cluster.environment()) as server:
            status, body = server.client().get("/v1/users/u1/recommendations?k=10")
            self.assertEqual((status, len(body["items"])), (200, 10))

    def running(self, step):
        for pod in self.cluster.get("pods")["items"]:
            annotations = pod["metadata"].get("annotations", {})
            if annotations.get("workflows.argoproj.io/node-name", "").split(".")[-1].split("(")[0] == step and pod["status"]["phase"] == "Running":
                return pod["metadata"]["name"]
        return None

    def test_2_by_the_clock(self):
        (self.folder / "minute.yaml").write_text(
            "name: minute\n"
            'schedule: "* * * * *"\n'
            "steps:\n"
            "  tell: {command: 'torii version --json --answer=${outputs.about}', outputs: {about: {type: Artifact, keep: true}}}\n"
        )
        self.cluster.torii(*self.submit_words("minute.yaml", "--no-follow"))
        made = wait_until(self.fired, 150, "the CronWorkflow does not fire")
        print(f"        {made} was started by the clock", file=sys.stderr)
        self.cluster.kubectl("delete", "cronworkflow", "minute")

    def fired(self):
        for workflow in self.cluster.get("workflows", "-l", "workflows.argoproj.io/cron-workflow=minute")["items"]:
            if workflow.get("status", {}).get("phase") == "Succeeded":
                return workflow["metadata"]["name"]
        return None

    def test_3_what_a_cluster_does_to_pods_is_told(self):
        for name, step, expected in (
            ("hungry", "{command: 'torii generate --users=400000 --items=20000 --interactions=4000000 --out=${outputs.shop}', outputs: {shop: {type: Dataset, keep: true}}, resources: {memory_limit: 24Mi}}", ["resources.memory_limit"]),
            ("nowhere", "{command: torii version, image: 'localhost/no-such-image:1'}", ["never began: ErrImageNeverPull", "pull_secrets"]),
        ):
            with self.subTest(name):
                (self.folder / f"{name}.yaml").write_text(f"name: {name}\ncluster: {{pull_policy: Never}}\ndefaults: {{timeout: 60s}}\nsteps:\n  {name}: {step}\n")
                done = self.cluster.torii(*self.submit_words(f"{name}.yaml"), check=False)
                self.assertNotEqual(done.returncode, 0)
                print(f"{name}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
                for word in expected:
                    self.assertIn(word, done.stderr)

    def ends(self, job):
        """Which of the two ends a job has come to; empty: none yet."""
        conditions = self.cluster.get(job).get("status", {}).get("conditions", [])
        return {one["type"] for one in conditions if one["status"] == "True"} & {"Complete", "Failed"}

    def test_4_a_job_in_the_cluster_starts_the_night(self):
        """deploy/argo as it is, but for the shop's own places: accounts with few rights, a job, pods without any."""
        folder = self.folder / "deploy"
        shutil.copytree(ROOT / "deploy" / "argo", folder)
        shutil.copy(self.folder / "torii.yaml", folder / "torii.yaml")
        text = (folder / "torii.yaml").read_text()
        (folder / "torii.yaml").write_text(text.replace("publish: {", "publish: {bundles: 's3://shop/bundles', "))
        job = (folder / "job.yaml").read_text()
        self.assertIn("postgres://torii@postgres/torii", job)
        (folder / "job.yaml").write_text(job.replace("postgres://torii@postgres/torii", self.cluster.postgres.uri()))
        keys = [f"--from-literal={name}={value}" for name, value in S3.items()]
        self.cluster.kubectl("create", "secret", "generic", "torii-secrets", *keys)
        self.cluster.kubectl("delete", "configmap", "torii-config", "--ignore-not-found")
        self.cluster.kubectl("apply", "-k", str(folder))
        name = self.cluster.kubectl("create", "-f", str(folder / "job.yaml"), "-o", "name").strip()
        begun = time.monotonic()
        ended = wait_until(lambda: self.ends(name), 400, "the job does not end")
        log = self.cluster.kubectl("logs", name)
        print(f"{time.monotonic() - begun:6.1f} s  a job in the cluster\n{log}", file=sys.stderr)
        self.assertEqual(ended, {"Complete"}, log)
        shown = json.loads(self.cluster.torii("store", "show", f"--store={self.cluster.postgres.uri()}", "--json").stdout)
        newest = max(one["version"] for tenant in shown["tenants"] for one in tenant["publications"])
        self.assertGreaterEqual(newest, 1)
        may = ("auth", "can-i", "list", "secrets", "--as=system:serviceaccount:default:torii-submit")
        self.assertEqual(self.cluster.kubectl(*may, check=False).strip(), "no")


def put_object(cluster, name, file):
    """Tables come into the bucket as an operator would put them there."""
    bucket, _, key = name.partition("/")
    script = "import boto3, sys; boto3.client('s3').upload_file(*sys.argv[1:])"
    environment = {**cluster.environment(), "PYTHONPATH": str(DEPS / "moto")}
    subprocess.run(["/usr/bin/python3", "-c", script, str(file), bucket, key], env=environment, check=True)


if __name__ == "__main__":
    cases.main()

#!/usr/bin/env python3
"""`torii pipeline submit` against servers that speak the protocols of KFP and Argo. Where KFP's own
client is installed (.deps/kfp), what it sends for the same is the reference for what torii sends."""

import json
import os
import pathlib
import sys
import tempfile
import textwrap
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent.parent.parent)]
from stand_ins import ArgoServer, KfpServer  # noqa: E402
from support import cases, service  # noqa: E402

PROGRAM = os.environ["TORII_PROGRAM"]
KFP = pathlib.Path(os.environ.get("TORII_DEPS", "")) / "kfp"
PIPELINE = """
name: shop
description: a small one
parameters:
  data: {type: text}
  k: 64
cluster: {image: "localhost/torii:0.1", namespace: shop, service_account: runner}
steps:
  train: {command: "torii train --data=${params.data} --k=${params.k}"}
"""
SCHEDULED = PIPELINE + 'schedule: {cron: "0 2 * * *", zone: Europe/Berlin, catch_up: last}\n'


class Submit(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        (self.folder / "token").write_text("let-me-in\n")
        (self.folder / "shop.yaml").write_text(textwrap.dedent(PIPELINE))
        (self.folder / "night.yaml").write_text(textwrap.dedent(SCHEDULED))

    def submit(self, server, target, *words, file="shop.yaml", check=True):
        return service.run(
            PROGRAM, "pipeline", "submit", file, f"--target={target}", f"--host={server.url}", f"--token-file={self.folder}/token",
            "--data=s3://shop/tables", "--json", *words, cwd=self.folder, check=check,
        )

    def test_kfp_uploads_creates_and_runs(self):
        with KfpServer() as server:
            answer = json.loads(self.submit(server, "kfp").stdout)
            self.assertEqual(answer["state"], "SUCCEEDED")
            self.assertEqual(answer["link"], f"{server.url}/#/runs/details/{answer['run']}")
            self.assertEqual([t["name"] for t in answer["tasks"]], ["train"])
            (run,) = server.runs.values()
            self.assertEqual(run["runtime_config"]["parameters"], {"data": "s3://shop/tables", "k": 64})
            self.assertEqual(run["service_account"], "runner")
            self.assertEqual([e["display_name"] for e in server.experiments.values()], ["torii"])
            self.submit(server, "kfp", "--no-follow")
            self.assertEqual(len(server.pipelines), 1)
            self.assertEqual(len(server.versions), 2)
            self.assertEqual(len(server.experiments), 1)
            self.assertEqual(len(server.runs), 2)

    def test_kfp_sets_up_a_recurring_run(self):
        with KfpServer() as server:
            answer = json.loads(self.submit(server, "kfp", file="night.yaml").stdout)
            self.assertTrue(answer["recurring"])
            (run,) = server.recurring.values()
            self.assertEqual(run["trigger"]["cron_schedule"]["cron"], "TZ=Europe/Berlin 0 0 2 * * *")
            self.assertEqual((run["mode"], run["max_concurrency"], run["no_catchup"]), ("ENABLE", "1", True))

    def test_kfp_a_recurring_run_takes_the_place_of_the_one_before(self):
        def on(server):
            return {key for key, run in server.recurring.items() if run["status"] == "ENABLED"}

        with KfpServer() as server:
            before = None
            for _ in range(4):  # more than a page of them
                answer = json.loads(self.submit(server, "kfp", file="night.yaml").stdout)
                self.assertEqual(answer["replaced"], [before] if before else [])
                before = answer["run"]
                self.assertEqual(on(server), {before})
            # Another name is another schedule.
            other = json.loads(self.submit(server, "kfp", "--run-name=weekly", file="night.yaml").stdout)
            self.assertEqual(on(server), {before, other["run"]})
            self.assertEqual(len(server.recurring), 5)

    def test_kfp_where_artifacts_go(self):
        for name, words, root in (
            ("shop.yaml", (), None),
            ("rooted.yaml", (), "s3://shop/runs"),
            ("rooted.yaml", ("--pipeline-root=s3://other/runs",), "s3://other/runs"),
        ):
            rooted = PIPELINE.replace("namespace: shop", "namespace: shop, pipeline_root: s3://shop/runs")
            (self.folder / "rooted.yaml").write_text(textwrap.dedent(rooted))
            with KfpServer() as server:
                self.submit(server, "kfp", *words, file=name)
                (run,) = server.runs.values()
                self.assertEqual(run["runtime_config"].get("pipeline_root"), root)

    def test_kfp_failures_say_what_to_do(self):
        for error, exit_code, words in (
            ("Pod was OOMKilled", 1, "raise resources.memory_limit"),
            ("The node was low on resource: ephemeral-storage", 1, "resources.storage"),
            ("Pod ephemeral local storage usage exceeds the total limit of containers 1Gi", 1, "share: location"),
            ("Pod was active on the node longer than the specified deadline", 1, "raise its timeout"),
            ("Evicted", 1, "give it retries"),
            ("Error (exit code 3)", 3, "exit code 3"),
        ):
            with KfpServer("FAILED", error) as server:
                done = self.submit(server, "kfp", check=False)
                self.assertEqual(done.returncode, exit_code, done.stderr)
                self.assertIn(words, json.loads(done.stdout)["error"]["message"])

    def test_a_wrong_token_is_told(self):
        (self.folder / "token").write_text("wrong")
        with KfpServer() as server:
            done = self.submit(server, "kfp", check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn("--token-file", done.stderr)
            self.assertNotIn("wrong", done.stderr)

    @unittest.skipUnless((KFP / "kfp").is_dir(), "KFP's SDK is not installed")
    def test_kfp_requests_are_those_of_its_own_client(self):
        sys.path.append(str(KFP))
        import kfp
        import kfp.compiler  # noqa: F401

        with KfpServer() as ours, KfpServer() as theirs:
            ir = self.folder / "shop.kfp.yaml"
            service.run(PROGRAM, "pipeline", "compile", "shop.yaml", "--target=kfp", "--data=s3://shop/tables", f"--out={ir}", cwd=self.folder)
            self.submit(ours, "kfp", "--run-name=one", "--no-follow")
            client = kfp.Client(host=theirs.url, existing_token="let-me-in", namespace="shop")
            pipeline = client.upload_pipeline(str(ir), "shop", "a small one", namespace="shop")
            experiment = client.create_experiment("torii", namespace="shop")
            version = client.list_pipeline_versions(pipeline.pipeline_id, page_size=1, sort_by="created_at desc").pipeline_versions[0]
            client.run_pipeline(
                experiment.experiment_id, "one", params={"data": "s3://shop/tables", "k": 64}, pipeline_id=pipeline.pipeline_id,
                version_id=version.pipeline_version_id, service_account="runner",
            )

            def writes(server):
                found = {}
                for method, path, query, body in server.requests:
                    if method == "POST":
                        found[path] = (query, body if "uploadfile" in (body or {}) else self.without_ids(body))
                return found

            mine, reference = writes(ours), writes(theirs)
            self.assertEqual(set(mine), set(reference))
            for path, (query, body) in reference.items():
                self.assertEqual(mine[path][0], query, path)
                if "uploadfile" in body:
                    self.assertEqual(mine[path][1]["uploadfile"][1], body["uploadfile"][1])
                else:
                    self.assertEqual(mine[path][1], body, path)

    @staticmethod
    def without_ids(body):
        return {key: "..." if key in ("experiment_id", "pipeline_version_reference") else value for key, value in body.items() if value not in (None, {})}

    def test_argo_creates_a_workflow_and_follows_it(self):
        for via in ("kubernetes", "argo-server"):
            with ArgoServer() as server:
                answer = json.loads(self.submit(server, "argo", f"--via={via}").stdout)
                self.assertEqual(answer["state"], "Succeeded")
                (key,) = server.objects
                self.assertEqual(key, ("workflows", "shop", answer["run"]))

    PULLS = (
        'ErrImagePull: failed to pull and unpack image "localhost/toriii:9": not found',
        'ImagePullBackOff: Back-off pulling image "localhost/toriii:9"',
        'ErrImagePull: failed to pull and unpack image "localhost/toriii:9": not found',
    )

    def test_an_image_that_is_not_there_is_told_once_while_it_waits(self):
        for target, server in (("argo", ArgoServer(waits=self.PULLS)), ("kfp", KfpServer(waits=self.PULLS))):
            with server, self.subTest(target):
                done = self.submit(server, target)
                warnings = [line for line in done.stderr.splitlines() if "waits:" in line]
                self.assertEqual(len(warnings), 1, done.stderr)
                for word in ("train", "localhost/toriii:9", "name and tag", "registry", "pull_secrets"):
                    self.assertIn(word, warnings[0])
                self.assertNotIn("ImagePullBackOff", done.stderr)

    def test_at_the_end_the_error_says_why_it_never_began(self):
        with ArgoServer("Failed", self.PULLS[1], waits=self.PULLS[:1]) as server:
            done = self.submit(server, "argo", check=False)
            self.assertEqual(done.returncode, 1)
            message = json.loads(done.stdout)["error"]["message"]
            self.assertIn("ImagePullBackOff", message)
            self.assertIn("pull_secrets", message)

    def test_other_things_that_do_not_come_by_themselves(self):
        with ArgoServer(waits=['CreateContainerConfigError: secret "shop" not found']) as server:
            self.assertIn("create it there", self.submit(server, "argo").stderr)

    def test_room_on_a_node_is_waited_for(self):
        message = "Unschedulable: 0/1 nodes are available: 1 Insufficient memory."
        with ArgoServer(waits=[message]) as server:
            self.assertNotIn("node_selector", self.submit(server, "argo").stderr)

    def test_argo_creates_and_replaces_templates(self):
        for via in ("kubernetes", "argo-server"):
            with ArgoServer() as server:
                for _ in range(2):
                    answer = json.loads(self.submit(server, "argo", f"--via={via}", file="night.yaml").stdout)
                    self.assertTrue(answer["recurring"])
                kinds = {key[0]: value["metadata"]["resourceVersion"] for key, value in server.objects.items()}
                self.assertEqual(kinds, {"workflowtemplates": "2", "cronworkflows": "2"})

    def test_argo_failures_say_what_to_do(self):
        with ArgoServer("Failed", "Error (exit code 3)") as server:
            self.assertEqual(self.submit(server, "argo", check=False).returncode, 3)
        with ArgoServer("Failed", "OOMKilled (exit code 137)") as server:
            done = self.submit(server, "argo", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("raise resources.memory_limit", done.stderr)
        with ArgoServer("Failed", "The node was low on resource: memory.") as server:
            done = self.submit(server, "argo", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("ask for what the step needs (resources.memory)", done.stderr)


if __name__ == "__main__":
    cases.main()

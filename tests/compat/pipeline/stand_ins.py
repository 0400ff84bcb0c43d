"""Servers of a test's own that speak the protocols of clusters, strictly: what the real one would
refuse is refused. With certificates (class Certificates) they speak TLS, and a client is known by its certificate
too. KfpServer: the calls of Kubeflow Pipelines v2beta1 that a submission needs.
ArgoServer: custom resources by the Kubernetes API and by the Argo server's. Each keeps what it was
asked in .requests: (method, path, query, body), forms as {field: (file name, bytes)}."""

import email.parser
import email.policy
import http.server
import json
import pathlib
import ssl
import subprocess
import threading
import urllib.parse
import uuid

import yaml


class Refusal(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
        self.message = message


class Certificates:
    """An authority in a folder of its own, with a server's certificate (127.0.0.1) and a client's."""

    def __init__(self, folder, client="runner"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.authority = self.make("authority", "/CN=authority", "basicConstraints=critical,CA:TRUE")
        self.server = self.make("server", "/CN=server", "subjectAltName=IP:127.0.0.1", signed=True)
        self.client = self.make("client", f"/CN={client}", "extendedKeyUsage=clientAuth", signed=True)

    def make(self, name, subject, extension, signed=False):
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", subject]
        command += ["-addext", extension, "-keyout", key, "-out", certificate]
        if signed:
            command += ["-CA", self.authority[0], "-CAkey", self.authority[1], "-addext", "basicConstraints=critical,CA:FALSE"]
        subprocess.run([str(word) for word in command], check=True, capture_output=True)
        return certificate, key

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.server)
        context.load_verify_locations(self.authority[0])
        context.verify_mode = ssl.CERT_OPTIONAL
        return context


class Server:
    """Listens on a free port of the loopback; `with` starts and ends it. `who` lists who asked."""

    token = "let-me-in"
    user = "runner"

    def __init__(self, certificates=None):
        self.requests = []
        self.who = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                url = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(url.query))
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, answer = 200, None
                try:
                    outer.who.append(outer.known(self))
                    body = outer.read_body(self.headers, raw)
                    outer.requests.append((self.command, url.path, query, body))
                    answer = outer.handle(self.command, urllib.parse.unquote(url.path), query, body)
                except Refusal as refusal:
                    status, answer = refusal.status, {"code": refusal.status, "message": refusal.message}
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        if certificates:
            self.server.socket = certificates.context().wrap_socket(self.server.socket, server_side=True)
            self.url = self.url.replace("http:", "https:")

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def known(self, handler):
        authorization = handler.headers.get("Authorization")
        if authorization == f"Bearer {self.token}":
            return "by token"
        certificate = handler.connection.getpeercert() if isinstance(handler.connection, ssl.SSLSocket) else None
        names = [value for part in (certificate or {}).get("subject", ()) for key, value in part if key == "commonName"]
        if authorization is None and names == [self.user]:
            return "by certificate"
        raise Refusal(401, "no valid token")

    @staticmethod
    def read_body(headers, raw):
        kind = headers.get("Content-Type") or ""
        if kind.startswith("multipart/form-data"):
            text = f"Content-Type: {kind}\r\n\r\n".encode() + raw
            message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(text)
            parts = {}
            for part in message.iter_parts():
                name = part.get_param("name", header="content-disposition")
                parts[name] = (part.get_filename(), part.get_payload(decode=True))
            return parts
        if not raw:
            return None
        if not kind.startswith("application/json"):
            raise Refusal(415, f"unsupported media type {kind!r}")
        return json.loads(raw)


def only(body, known, where):
    """protojson refuses members that the message does not have."""
    for key in body:
        if key not in known:
            raise Refusal(400, f"{where}: unknown field {key!r}")


class KfpServer(Server):
    RUN = {"display_name", "description", "experiment_id", "pipeline_version_reference", "runtime_config", "service_account"}

    def __init__(self, outcome="SUCCEEDED", error=None, waits=(), certificates=None):
        """`waits`: what is told of the task while it is pending, one answer each."""
        super().__init__(certificates)
        self.waits = list(waits)
        self.pipelines, self.versions, self.experiments = {}, {}, {}
        self.runs, self.recurring = {}, {}
        self.outcome, self.error = outcome, error
        self.asked = {}

    def named(self, group, query):
        wanted = json.loads(query.get("filter") or "{}").get("predicates", [])
        for predicate in wanted:
            if predicate["operation"] not in ("EQUALS", 1) or predicate["key"] not in ("display_name", "name"):
                raise Refusal(400, f"unknown filter {predicate}")
            group = [one for one in group if one["display_name"] == predicate["stringValue"]]
        return list(group)

    def upload(self, body, pipeline, name):
        if list(body or {}) != ["uploadfile"]:
            raise Refusal(400, "expected a form with the field uploadfile")
        documents = list(yaml.safe_load_all(body["uploadfile"][1]))
        if documents[0].get("schemaVersion") != "2.1.0":
            raise Refusal(400, "invalid pipeline spec")
        if any(v["display_name"] == name and v["pipeline_id"] == pipeline for v in self.versions.values()):
            raise Refusal(409, f"the version {name} exists")
        version = {"pipeline_id": pipeline, "pipeline_version_id": str(uuid.uuid4()), "display_name": name}
        self.versions[version["pipeline_version_id"]] = version
        return version

    def handle(self, method, path, query, body):
        prefix = "/apis/v2beta1"
        if not path.startswith(prefix):
            raise Refusal(404, f"no such path: {path}")
        call = (method, path[len(prefix) :])
        if call == ("GET", "/pipelines"):
            found = self.named(self.pipelines.values(), query)
            return {"pipelines": found, "total_size": len(found)} if found else {}
        if call == ("POST", "/pipelines/upload"):
            name = query["name"]
            if self.named(self.pipelines.values(), {"filter": json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": name}]})}):
                raise Refusal(409, f"the pipeline {name} exists")
            pipeline = {"pipeline_id": str(uuid.uuid4()), "display_name": name, "description": query.get("description", "")}
            self.upload(body, pipeline["pipeline_id"], name)
            self.pipelines[pipeline["pipeline_id"]] = pipeline
            return pipeline
        if call == ("POST", "/pipelines/upload_version"):
            if query["pipelineid"] not in self.pipelines:
                raise Refusal(404, "no such pipeline")
            return self.upload(body, query["pipelineid"], query["name"])
        if method == "GET" and call[1].startswith("/pipelines/") and call[1].endswith("/versions"):
            pipeline = call[1].split("/")[2]
            return {"pipeline_versions": [v for v in reversed(self.versions.values()) if v["pipeline_id"] == pipeline]}
        if call == ("GET", "/experiments"):
            found = self.named(self.experiments.values(), query)
            return {"experiments": found} if found else {}
        if call == ("POST", "/experiments"):
            only(body, {"display_name", "description", "namespace"}, "experiment")
            experiment = {**body, "experiment_id": str(uuid.uuid4())}
            self.experiments[experiment["experiment_id"]] = experiment
            return experiment
        if call == ("GET", "/recurringruns"):
            return self.page([one for one in self.recurring.values() if one["experiment_id"] == query["experiment_id"]], query)
        if method == "POST" and call[1].startswith("/recurringruns/") and call[1].endswith(":disable"):
            self.recurring[call[1].split("/")[2].removesuffix(":disable")]["status"] = "DISABLED"
            return {}
        if call in (("POST", "/runs"), ("POST", "/recurringruns")):
            return self.start(call[1], body)
        if method == "GET" and call[1].startswith("/runs/"):
            return self.state(call[1].split("/")[2])
        raise Refusal(404, f"no such call: {method} {path}")

    @staticmethod
    def page(group, query):
        """Two at a time: whoever wants all has to turn the page."""
        first = int(query.get("page_token") or 0)
        more = {"next_page_token": str(first + 2)} if first + 2 < len(group) else {}
        return {"recurringRuns": group[first : first + 2], "total_size": len(group), **more}

    def start(self, kind, body):
        recurring = kind == "/recurringruns"
        only(body, self.RUN | ({"mode", "max_concurrency", "no_catchup", "trigger"} if recurring else set()), "run")
        reference = body["pipeline_version_reference"]
        version = self.versions.get(reference["pipeline_version_id"])
        if version is None or version["pipeline_id"] != reference["pipeline_id"]:
            raise Refusal(404, "no such pipeline version")
        if body["experiment_id"] not in self.experiments:
            raise Refusal(404, "no such experiment")
        only(body["runtime_config"], {"parameters", "pipeline_root"}, "runtime_config")
        if recurring:
            if body["mode"] not in ("ENABLE", "DISABLE"):
                raise Refusal(400, "mode")
            fields = body["trigger"]["cron_schedule"]["cron"].split()
            if len([one for one in fields if not one.startswith("TZ=")]) != 6:
                raise Refusal(400, "invalid cron: expected exactly 6 fields")
            made = {**body, "recurring_run_id": str(uuid.uuid4()), "status": "ENABLED"}
            self.recurring[made["recurring_run_id"]] = made
        else:
            made = {**body, "run_id": str(uuid.uuid4())}
            self.runs[made["run_id"]] = made
        return made

    def state(self, run):
        if run not in self.runs:
            raise Refusal(404, "no such run")
        if self.waits:
            history = [{"state": "PENDING"}, {"state": "PENDING", "error": {"code": 1, "message": self.waits.pop(0)}}]
            waiting = {"display_name": "train", "state": "PENDING", "state_history": history}
            return {"run_id": run, "state": "RUNNING", "run_details": {"task_details": [waiting]}}
        self.asked[run] = self.asked.get(run, 0) + 1
        ended = self.asked[run] > 1
        task = {"display_name": "train", "state": self.outcome if ended else "RUNNING"}
        if ended and self.error:
            task["error"] = {"code": 1, "message": self.error}
        driver = {"display_name": "train-driver", "state": "SUCCEEDED"}
        return {"run_id": run, "state": self.outcome if ended else "RUNNING", "run_details": {"task_details": [driver, task]}}


class ArgoServer(Server):
    """Both ways to the same objects."""

    KINDS = {
        "workflows": ("Workflow", "workflows", "workflow"),
        "workflowtemplates": ("WorkflowTemplate", "workflow-templates", "template"),
        "cronworkflows": ("CronWorkflow", "cron-workflows", "cronWorkflow"),
    }

    def __init__(self, phase="Succeeded", message="", waits=(), certificates=None):
        super().__init__(certificates)
        self.waits = list(waits)
        self.objects = {}
        self.phase, self.message = phase, message
        self.asked = {}

    def handle(self, method, path, query, body):
        parts = path.strip("/").split("/")
        if parts[:4] == ["apis", "argoproj.io", "v1alpha1", "namespaces"]:
            space, plural, name, wrapped = parts[4], parts[5], parts[6:], None
            if plural not in self.KINDS:
                raise Refusal(404, f"no such resource: {plural}")
        elif parts[:2] == ["api", "v1"]:
            plural = next((key for key, value in self.KINDS.items() if value[1] == parts[2]), None)
            if plural is None:
                raise Refusal(404, f"no such resource: {parts[2]}")
            space, name, wrapped = parts[3], parts[4:], self.KINDS[plural][2]
        else:
            raise Refusal(404, f"no such path: {path}")
        if method == "GET":
            return self.find(plural, space, name[0])
        if wrapped:
            only(body, {"namespace", wrapped}, "request")
            body = body[wrapped]
        if body["kind"] != self.KINDS[plural][0] or body["apiVersion"] != "argoproj.io/v1alpha1":
            raise Refusal(400, f"{body['kind']} sent to {plural}")
        if body["metadata"]["namespace"] != space:
            raise Refusal(400, "the namespace of the object differs from the request's")
        return self.put(method, plural, space, name, body)

    def put(self, method, plural, space, name, body):
        metadata = body["metadata"]
        if method == "POST":
            if metadata.get("resourceVersion"):
                raise Refusal(400, "resourceVersion should not be set on objects to be created")
            if "name" not in metadata:
                metadata["name"] = metadata["generateName"] + uuid.uuid4().hex[:5]
            if (plural, space, metadata["name"]) in self.objects:
                raise Refusal(409, f"{metadata['name']} already exists")
            template = body["spec"].get("workflowSpec", {}).get("workflowTemplateRef", {}).get("name")
            if template and ("workflowtemplates", space, template) not in self.objects:
                raise Refusal(400, f"no template {template}")
            metadata.update(uid=str(uuid.uuid4()), resourceVersion="1")
        else:
            old = self.objects.get((plural, space, name[0]))
            if old is None:
                raise Refusal(404, f"no {name[0]}")
            if metadata.get("resourceVersion") != old["metadata"]["resourceVersion"]:
                raise Refusal(409, "the object has been modified")
            metadata["resourceVersion"] = str(int(old["metadata"]["resourceVersion"]) + 1)
        self.objects[plural, space, metadata["name"]] = body
        return body

    def find(self, plural, space, name):
        found = self.objects.get((plural, space, name))
        if found is None:
            raise Refusal(404, f'{plural}.argoproj.io "{name}" not found')
        if plural != "workflows":
            return found
        if self.waits:
            pod = {"displayName": "train", "type": "Pod", "phase": "Pending", "message": self.waits.pop(0)}
            return {**found, "status": {"phase": "Running", "nodes": {f"{name}-1": pod}}}
        self.asked[name] = self.asked.get(name, 0) + 1
        ended = self.asked[name] > 1
        phase = self.phase if ended else "Running"
        pod = {"displayName": "train", "type": "Pod", "phase": phase, "message": self.message if ended else ""}
        dag = {"displayName": name, "type": "DAG", "phase": phase}
        return {**found, "status": {"phase": phase, "nodes": {name: dag, f"{name}-1": pod}}}


class RegistryServer(Server):
    """The Kubeflow Model Registry, REST v1alpha3. `refuse_after` writes the server is out of order."""

    API = "/api/model_registry/v1alpha3"
    FIELDS = {
        "models": {"name", "description", "customProperties", "externalId", "owner", "state"},
        "versions": {"name", "description", "customProperties", "externalId", "author", "registeredModelId", "state"},
        "artifacts": {"artifactType", "name", "description", "customProperties", "uri", "modelFormatName", "modelFormatVersion", "state"},
    }
    VALUES = {"MetadataStringValue": ("string_value", str), "MetadataDoubleValue": ("double_value", (int, float))}

    def __init__(self):
        super().__init__()
        self.models, self.versions, self.artifacts = {}, {}, {}
        self.refuse_after = None
        self.written = 0

    def handle(self, method, path, query, body):
        if not path.startswith(self.API + "/"):
            raise Refusal(404, f"no such path: {path}")
        parts = path[len(self.API) + 1 :].split("/")
        if method == "GET":
            return self.page(self.find(parts), query)
        if method != "POST":
            raise Refusal(405, f"{method} is not allowed")
        if self.refuse_after is not None and self.written >= self.refuse_after - 2:
            raise Refusal(500, "out of order")
        self.written += 1
        if parts == ["registered_models"]:
            return self.add("models", body, lambda one: True)
        if parts == ["model_versions"]:
            if body.get("registeredModelId") not in self.models:
                raise Refusal(404, "no such registered model")
            return self.add("versions", body, lambda one: one["registeredModelId"] == body["registeredModelId"])
        if len(parts) == 3 and parts[::2] == ["model_versions", "artifacts"]:
            if parts[1] not in self.versions:
                raise Refusal(404, "no such model version")
            if body.get("artifactType") != "model-artifact":
                raise Refusal(400, "artifactType is missing or unknown")
            return self.add("artifacts", body, lambda one: one["version"] == parts[1], version=parts[1])
        raise Refusal(404, f"no such path: {path}")

    def find(self, parts):
        if parts == ["registered_models"]:
            return list(self.models.values())
        if len(parts) == 3 and parts[::2] == ["registered_models", "versions"]:
            return [one for one in self.versions.values() if one["registeredModelId"] == parts[1]]
        if len(parts) == 3 and parts[::2] == ["model_versions", "artifacts"]:
            return [one for one in self.artifacts.values() if one["version"] == parts[1]]
        raise Refusal(404, f"no such path: {'/'.join(parts)}")

    def add(self, kind, body, beside, **more):
        only(body, self.FIELDS[kind], kind)
        for name, value in body.get("customProperties", {}).items():
            field, of = self.VALUES.get(value.get("metadataType"), (None, None))
            if set(value) != {"metadataType", field} or not isinstance(value[field], of):
                raise Refusal(400, f"customProperties.{name}: {value}")
        group = getattr(self, kind)
        if any(one["name"] == body["name"] and beside(one) for one in group.values()):
            raise Refusal(409, f"{body['name']} already exists")
        identity = str(len(group) + 1)
        group[identity] = {"state": "LIVE", "createTimeSinceEpoch": "1795366406391", **body, "id": identity, **more}
        return group[identity]

    @staticmethod
    def page(items, query):
        first = int(query.get("nextPageToken") or 0)
        size = int(query.get("pageSize") or 20)
        more = str(first + size) if first + size < len(items) else ""
        return {"items": items[first : first + size], "nextPageToken": more, "pageSize": size, "size": len(items[first : first + size])}

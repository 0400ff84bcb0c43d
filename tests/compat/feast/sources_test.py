"""What torii reads of Feast, wherever it lies, is what it reads of the plain repository.

    sources_test.py [VERSION]    0.67 or 0.49

Registries: a file (local, in S3), SQL (PostgreSQL, SQLite), a registry server of Feast (in the
clear, with TLS). Offline: files, PostgreSQL (table, query), an offline server of Feast. And what
may be wrong with them is an error that names it.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "s3"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import feast_side  # noqa: E402
import with_s3  # noqa: E402
from support import cases, databases, service  # noqa: E402

VERSION = sys.argv[1] if len(sys.argv) > 1 else "0.67"
COUNTS = {"users": 1000, "items": 101, "interactions": 20000}
FILE_REGISTRY = "  registry_type: file\n  path: data/registry.db\n"
# Counts and columns are judged here, not texts: nothing waits for the text model.
WITHOUT_TEXTS = """  users: {skip: [user_name]}
  items: {skip: [product_name, about_product, img_link, product_link]}
"""


class SourcesCase(feast_side.FeastCase):
    version = VERSION

    def setUp(self):
        name = self.id().rsplit(".", maxsplit=1)[-1]
        self.place = self.folder / name
        self.repo = feast_side.Repo(self.place / "copy")

    def show(self, yaml="feature_store.yaml", env=None, check=True):
        """What `torii feast show` says of a repository of this case."""
        program = service.program_of_environment()
        words = ("feast", "show", str(self.repo.folder / yaml), "--json")
        done = service.run(program, *words, cwd=self.place, env=env, check=check)
        return json.loads(done.stdout) if check else done

    def train(
        self, yaml="feature_store.yaml", env=None, check=True, more=WITHOUT_TEXTS, settings=()
    ):
        """`torii train` of one epoch."""
        torii = feast_side.Torii(self.place / "torii", self.repo.folder / yaml, env, more)
        words = ["train", "--config=torii.yaml", "--preset=article", "--out=model.bundle", "--json"]
        for setting in ("train.epochs=1", *settings):
            words += ["--set", setting]
        done = torii.run(*words, check=check)
        return json.loads(done.stdout) if check else done

    def yaml_with(self, registry=FILE_REGISTRY, more=""):
        """A file of the repository beside feature_store.yaml, with another registry."""
        text = (self.repo.folder / "feature_store.yaml").read_text()
        assert FILE_REGISTRY in text
        return self.repo.write("other.yaml", text.replace(FILE_REGISTRY, registry) + more)

    def assert_counts(self, trained):
        self.assertEqual({name: trained[name] for name in COUNTS}, COUNTS)

    def assert_error(self, done, *named, status=2):
        """The exit status, and a message that names things, on stderr as in the document."""
        self.assertEqual(done.returncode, status, done.stderr)
        message = json.loads(done.stdout)["error"]["message"]
        for name in named:
            self.assertIn(name, message)
        self.assertIn(message.splitlines()[0], done.stderr)


def common(shown):
    """What does not depend on where the registry lies."""
    return {name: shown[name] for name in ("project", "views", "other_views", "services")}


class Registries(SourcesCase):
    def setUp(self):
        super().setUp()
        if not hasattr(Registries, "plain"):
            repo = feast_side.Repo(self.folder / "plain")
            repo.apply(self.peer)
            Registries.file = repo.folder / "data" / "registry.db"
            words = ("feast", "show", str(repo.folder), "--json")
            done = service.run(service.program_of_environment(), *words, cwd=repo.folder)
            Registries.plain = json.loads(done.stdout)

    def assert_plain(self, yaml, env=None):
        """The same repository, and the same counts."""
        self.assertEqual(common(self.show(yaml, env)), common(self.plain))
        self.assert_counts(self.train(yaml, env))

    def test_a_file(self):
        self.repo.apply(self.peer)
        shown = self.show()
        self.assertEqual(common(shown), common(self.plain))
        self.assertEqual((shown["project"], shown["online_store"]), ("feast_rec_sys", "sqlite"))
        self.assertEqual(
            sorted(view["name"] for view in shown["views"]),
            [
                "interactions_features",
                "item_clip_features_embed",
                "item_embedding",
                "item_features",
                "item_textual_features_embed",
                "user_embedding",
                "user_features",
                "user_items",
            ],
        )
        views = {view["name"]: view for view in shown["views"]}
        self.assertEqual(views["user_items"]["push_source"], "user_items_push_source")
        keys = [key["name"] for key in views["interactions_features"]["keys"]]
        self.assertEqual(sorted(keys), ["item_id", "user_id"])
        self.assertEqual(views["item_features"]["ttl_s"], 5 * 365 * 24 * 3600)
        services = {entry["name"]: entry["views"] for entry in shown["services"]}
        self.assertEqual(len(services), 7)
        self.assertEqual(services["user_service"], ["user_features"])
        self.assert_counts(self.train())

    def test_one_of_two_projects_in_a_file(self):
        self.repo.apply(self.peer)
        text = (self.repo.folder / "feature_store.yaml").read_text()
        other = text.replace("project: feast_rec_sys", "project: second_shop")
        self.repo.write("second.yaml", other)
        self.repo.apply(self.peer, "second.yaml")
        for yaml, project in (
            ("feature_store.yaml", "feast_rec_sys"),
            ("second.yaml", "second_shop"),
        ):
            shown = self.show(yaml)
            self.assertEqual(shown["project"], project)
            self.assertEqual(shown["views"], self.plain["views"])
            self.assertEqual(shown["services"], self.plain["services"])

    if VERSION != "0.49":  # which locks itself out of a registry in SQLite

        def test_an_sqlite_database(self):
            path = f"sqlite:///{self.place}/registry.sqlite"
            yaml = self.yaml_with(f"  registry_type: sql\n  path: {path}\n")
            self.repo.apply(self.peer, yaml)
            self.assert_plain(yaml)

    def test_a_postgresql_database(self):
        with databases.Postgres(self.place / "postgres") as server:
            url = (
                f"postgresql+psycopg://torii:none@127.0.0.1:{server.port}/postgres?sslmode=disable"
            )
            yaml = self.yaml_with("  registry_type: sql\n  path: ${REGISTRY_URL}\n")
            self.repo.apply(self.peer, yaml, {"REGISTRY_URL": url})
            self.assert_plain(yaml, {"REGISTRY_URL": url})

    def test_a_file_in_s3(self):
        yaml = self.yaml_with("  path: s3://shop/feast/registry.db\n")
        with s3_server(self.place / "s3") as env:
            put = f"{env['AWS_ENDPOINT_URL']}/shop/feast/registry.db"
            user = f"{env['AWS_ACCESS_KEY_ID']}:{env['AWS_SECRET_ACCESS_KEY']}"
            command = ["curl", "-sSf", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", user]
            command += ["--upload-file", self.file, put]
            subprocess.run(command, check=True, timeout=30)
            self.assert_plain(yaml, env)
            missing = self.repo.write(
                "missing.yaml",
                (self.repo.folder / yaml).read_text().replace("registry.db", "no.db"),
            )
            self.assert_error(self.show(missing, env, check=False), "s3://shop/feast/no.db")

    # ---- a registry server

    @contextlib.contextmanager
    def server(self, *words):
        """`feast serve_registry` over the plain registry; its port."""
        self.repo.apply(self.peer)
        port = service.free_port()
        words = ["-p", str(port), *words]
        with self.peer.start("serve_registry", cwd=self.repo.folder, words=words) as job:
            feast_side.wait_for(job, lambda: feast_side.is_listening(port), "feast serve_registry")
            yield port

    def remote(self, port, more=""):
        return self.yaml_with(f"  registry_type: remote\n  path: 127.0.0.1:{port}\n{more}")

    def test_a_server(self):
        with self.server() as port:
            self.assert_plain(self.remote(port))
            stranger = self.repo.write(
                "stranger.yaml",
                (self.repo.folder / self.remote(port))
                .read_text()
                .replace(feast_side.PROJECT, "nobody"),
            )
            self.assert_error(self.show(stranger, check=False), "nobody")

    def test_a_server_with_tls(self):
        authority = Authority(self.place / "authority")
        key, certificate = authority.sign("server")
        with self.server("--key", str(key), "--cert", str(certificate)) as port:
            self.assert_plain(self.remote(port, f"  cert: {authority.certificate}\n"))
            trusted = self.remote(port, "  is_tls: true\n")
            env = {"SSL_CERT_FILE": str(authority.certificate)}
            self.assertEqual(common(self.show(trusted, env)), common(self.plain))

            other = Authority(self.place / "other")
            done = self.show(self.remote(port, f"  cert: {other.certificate}\n"), check=False)
            self.assert_error(done, f"127.0.0.1:{port}", "certificate", status=1)
            done = self.show(self.remote(port, "  cert: nowhere.pem\n"), check=False)
            self.assertIn(done.returncode, (1, 2), done.stderr)
            self.assertIn("nowhere.pem", done.stderr)
            done = self.show(self.remote(port), check=False)  # in the clear
            self.assert_error(done, f"127.0.0.1:{port}", status=1)

    def test_a_certificate_whose_time_is_over(self):
        authority = Authority(self.place / "authority")
        key, certificate = authority.sign("server", begin="20200101000000Z", end="20200102000000Z")
        with self.server("--key", str(key), "--cert", str(certificate)) as port:
            done = self.show(self.remote(port, f"  cert: {authority.certificate}\n"), check=False)
            self.assert_error(done, f"127.0.0.1:{port}", "certificate", "expired", status=1)

    def test_no_server(self):
        port = service.free_port()
        self.assert_error(self.show(self.remote(port), check=False), f"127.0.0.1:{port}", status=1)
        path = f"postgresql://torii:hidden@127.0.0.1:{port}/postgres"
        yaml = self.yaml_with(f"  registry_type: sql\n  path: {path}\n")
        done = self.show(yaml, check=False)
        self.assert_error(done, "127.0.0.1", str(port), status=1)
        self.assertNotIn("hidden", done.stderr)


class OfflineStores(SourcesCase):
    STEMS = (
        "recommendation_users",
        "recommendation_items",
        "recommendation_interactions",
        "dummy_item_embed",
        "dummy_user_embed",
        "user_items",
        "item_textual_features_embed",
        "item_clip_features_embed",
    )

    def with_postgres(self, server, source, more=""):
        """The repository with sources in a database; its yaml file."""
        tables = {stem: str(feast_side.ORIGINAL / f"{stem}.parquet") for stem in self.STEMS}
        self.peer.run("to_postgres", conninfo=feast_side.conninfo(server), tables=tables)
        self.repo.change(
            "definitions.py",
            words={
                "from feast.types import": "from feast.infra.offline_stores.contrib."
                "postgres_offline_store.postgres_source import PostgreSQLSource\n"
                "from feast.types import",
                'return FileSource(path=DATA + stem + ".parquet", timestamp_field=ts)': source,
            },
        )
        offline = "offline_store:\n  type: postgres\n  host: 127.0.0.1\n  database: postgres\n"
        offline += f"  port: {server.port}\n  user: torii\n  password: none\n  sslmode: disable\n"
        offline += "  db_schema: public\n"
        yaml = self.yaml_with(more=offline + more)
        self.repo.apply(self.peer, yaml)
        return yaml

    def test_tables_of_postgresql(self):
        source = "return PostgreSQLSource(name=stem + '_rows', table=stem, timestamp_field=ts)"
        with databases.Postgres(self.place / "postgres") as server:
            yaml = self.with_postgres(server, source)
            self.assert_counts(self.train(yaml))
            self.peer.run(
                "sql",
                conninfo=feast_side.conninfo(server),
                statements=["alter table recommendation_users rename preferences to wishes"],
            )
            done = self.train(yaml, check=False)
            self.assert_error(done, "user_features", "preferences")

    def test_queries_of_postgresql(self):
        source = (
            "return PostgreSQLSource(name=stem + '_rows', "
            "query=f'SELECT * FROM {stem} WHERE {ts} IS NOT NULL', timestamp_field=ts)"
        )
        with databases.Postgres(self.place / "postgres") as server:
            self.assert_counts(self.train(self.with_postgres(server, source)))

    def test_an_offline_server(self):
        self.repo.apply(self.peer)
        port = service.free_port()
        words = ["serve_offline", "-h", "127.0.0.1", "-p", str(port)]
        offline = f"offline_store:\n  type: remote\n  host: 127.0.0.1\n  port: {port}\n"
        yaml = self.yaml_with(more=offline)
        with self.peer.start("cli", cwd=self.repo.folder, words=words) as job:
            feast_side.wait_for(job, lambda: feast_side.is_listening(port), "feast serve_offline")
            self.assert_counts(self.train(yaml))
        done = self.train(yaml, check=False)
        self.assert_error(done, f"127.0.0.1:{port}", status=1)

    def test_a_join_is_what_feast_joins_without_its_faults(self):
        """Every event stays, none is doubled; what Feast has for its time is the same."""
        more = (
            '\nsvc_then = FeatureService(name="then", features=[user_features, item_features])\n'
            'svc_all = FeatureService(name="all", '
            "features=[interactions_features, user_features, item_features])\n"
        )
        # Some users' rows are too old then: Feast loses those events.
        self.repo.change("definitions.py", words={"ttl=6 * YEAR": "ttl=timedelta(days=200)"})
        definitions = (self.repo.folder / "definitions.py").read_text()
        self.repo.write("definitions.py", definitions + more)
        self.repo.apply(self.peer)
        words = ("feast", "join", f"--repo={self.repo.folder}", "--service=all", "--json")
        program = service.program_of_environment()
        done = service.run(program, *words, "--out=joined.parquet", cwd=self.place)
        joined = json.loads(done.stdout)
        self.assertEqual(joined["rows"], COUNTS["interactions"])
        names = {
            name: name for name in ("user_name", "preferences", "product_name", "actual_price")
        }
        names["item_features__rating"] = "rating"
        counts, differ = self.peer.run(
            "history",
            seconds=300,
            repo=str(self.repo.folder),
            yaml="feature_store.yaml",
            service="then",
            joined=str(self.place / "joined.parquet"),
            names=names,
        )
        print(counts, file=sys.stderr)
        self.assertEqual(differ, [])
        self.assertGreater(counts["found"], 1000)
        self.assertGreater(counts["lost"], 1000)
        self.assertEqual(counts["found"] + counts["lost"], COUNTS["interactions"])


class Faults(SourcesCase):
    """Wrong repositories: exit 2 and the name of what is wrong."""

    def test_an_unknown_service(self):
        self.repo.apply(self.peer)
        for role in ("users", "items", "interactions"):
            done = self.train(check=False, settings=(f"data.feast.{role}=no_such_service",))
            self.assert_error(done, "no_such_service")

    def test_a_service_of_other_keys(self):
        self.repo.apply(self.peer)
        done = self.train(check=False, settings=("data.feast.interactions=user_service",))
        self.assert_error(done, "user_service")
        done = self.train(check=False, settings=("data.feast.users=interaction_service",))
        self.assert_error(done, "interaction_service")

    def test_a_missing_column(self):
        self.repo.change("definitions.py", words={"user_name=String": "nickname=String"})
        self.repo.apply(self.peer)
        self.assert_error(self.train(check=False), "user_features", "nickname")

    def test_a_column_of_another_type(self):
        self.repo.change("definitions.py", words={"preferences=String": "preferences=Int64"})
        self.repo.apply(self.peer)
        self.assert_error(self.train(check=False), "user_features", "preferences", "Int64")

    def test_a_missing_timestamp_column(self):
        words = {'"recommendation_users", "signup_date"': '"recommendation_users", "signup_day"'}
        self.repo.change("definitions.py", words=words)
        self.repo.apply(self.peer)
        self.assert_error(self.train(check=False), "user_features", "signup_day")

    def test_a_missing_file(self):
        self.repo.change("definitions.py", words={"recommendation_items": "recommendation_wares"})
        status, log = self.peer.run(
            "cli", cwd=self.repo.folder, words=["apply", "--skip-source-validation"], check=False
        )
        self.assertEqual(status, 0, log)
        self.assert_error(self.train(check=False), "recommendation_wares.parquet")

    def test_the_registry_of_another_project(self):
        self.repo.apply(self.peer)
        text = (self.repo.folder / "feature_store.yaml").read_text()
        self.repo.write("wrong.yaml", text.replace("project: feast_rec_sys", "project: my_shop"))
        self.assert_error(self.show("wrong.yaml", check=False), "my_shop", "feast_rec_sys")
        self.assert_error(self.train("wrong.yaml", check=False), "my_shop", "feast_rec_sys")

    def test_no_registry(self):
        self.assert_error(self.show(check=False), "registry.db")  # never applied

    def test_no_repository(self):
        done = self.show("nowhere.yaml", check=False)
        self.assert_error(done, "nowhere.yaml")

    def test_a_registry_that_is_none(self):
        (self.repo.folder / "data").mkdir()
        (self.repo.folder / "data" / "registry.db").write_bytes(os.urandom(4096))
        self.assert_error(self.show(check=False), "registry.db")

    def test_what_torii_cannot_read(self):
        yaml = self.yaml_with("  registry_type: snowflake.registry\n  path: x\n")
        self.assert_error(self.show(yaml, check=False), "snowflake")
        self.repo.write("broken.yaml", "project: [a\n")
        self.assert_error(self.show("broken.yaml", check=False), "broken.yaml")
        self.repo.write("nameless.yaml", "registry: data/registry.db\n")
        self.assert_error(self.show("nameless.yaml", check=False), "project")


class Authority:
    """A certificate authority of a test's own."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True)
        self.certificate = folder / "ca.pem"
        self.openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "ca.key"),
            *("-subj", f"/CN={folder.name} of torii's tests", "-out", self.certificate),
        )
        (folder / "index.txt").touch()
        (folder / "serial").write_text("01\n")
        (folder / "ca.cnf").write_text(
            "[ca]\ndefault_ca=one\n[one]\ndir=.\ndatabase=index.txt\nserial=serial\n"
            "new_certs_dir=.\ncertificate=ca.pem\nprivate_key=ca.key\ndefault_md=sha256\n"
            "policy=any\nunique_subject=no\n[any]\ncommonName=supplied\n"
            "[server]\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n"
        )

    def openssl(self, *words):
        command = ["openssl", *map(str, words)]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True, timeout=60)

    def sign(self, name, begin=None, end=None):
        """A key and a certificate for 127.0.0.1, good for two days or between the given times."""
        key, certificate = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        words = ("-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1")
        self.openssl("req", "-new", *words, "-keyout", key, "-out", "request.pem")
        times = ("-startdate", begin, "-enddate", end) if begin else ("-days", "2")
        words = ("-config", "ca.cnf", "-extensions", "server", "-in", "request.pem", *times)
        self.openssl("ca", "-batch", "-notext", *words, "-out", certificate)
        return key, certificate


@contextlib.contextmanager
def s3_server(folder):
    """moto on the loopback with a bucket `shop`; what the environment of its users says."""
    folder.mkdir(parents=True)
    port = service.free_port()
    command, environment = with_s3.server_command(feast_side.DEPS, "moto", port, folder)
    endpoint = f"http://127.0.0.1:{port}"
    with (
        open(folder / "log", "wb") as log,
        with_s3.running(command, env=environment, stdout=log, stderr=log) as server,
    ):
        with_s3.wait_until_up(endpoint + "/", server)
        status = service.Client(port).status("PUT", "/shop")
        assert status == 200, status
        yield {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": with_s3.USER,
            "AWS_SECRET_ACCESS_KEY": with_s3.SECRET,
        }


if __name__ == "__main__":
    cases.main()

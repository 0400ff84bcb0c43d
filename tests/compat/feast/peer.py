"""Feast itself, the other side of these tests. Runs with a folder of tools/bootstrap on PYTHONPATH
(.deps/feast067, .deps/feast049) and imports nothing of torii's; feast_side.py starts it.

Importing Feast takes 5 to 10 s of processor time. So one process imports it and then forks a child
for each job: every job is a process of its own, with its own environment, folder and time zone,
that begins where `import feast` ends. Commands and answers are lines of JSON on stdin and stdout:

    {"start": JOB, "arguments": {}, "cwd": F, "env": {}, "log": FILE, "out": FILE}  -> {"pid": N}
    {"wait": N, "seconds": S}    -> {"status": exit status, or null when it still runs}
    {"signal": N, "number": S}   -> {}

What a job returns is pickled into its `out`.
"""

import ctypes
import json
import os
import pickle
import signal
import sys
import time
import traceback
import warnings

# Nobody is told that Feast is used.
os.environ["FEAST_USAGE"] = "False"
os.environ["FEAST_TELEMETRY"] = "False"
warnings.filterwarnings("ignore")

import feast  # noqa: E402
import feast.cli.cli  # noqa: E402
import feast.feature_server  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import psycopg  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
import redis  # noqa: E402
from feast.data_source import PushMode  # noqa: E402
from feast.infra.online_stores.postgres_online_store import postgres  # noqa: E402, F401

PRCTL = ctypes.CDLL(None).prctl


def open_store(repo, yaml="feature_store.yaml"):
    return feast.FeatureStore(repo_path=repo, fs_yaml_file=os.path.join(repo, yaml))


def plain(value):
    """A feature's value as the other side compares it: a list of numbers as bytes of float32."""
    if value and isinstance(value, (list, tuple, np.ndarray)) and not isinstance(value[0], str):
        return np.asarray(value, dtype="<f4").tobytes()
    return list(value) if isinstance(value, (list, tuple, np.ndarray)) else value


# ---- jobs


def cli(words):
    """The command line `feast WORDS...`."""
    feast.cli.cli.cli(words, standalone_mode=False)


def serve_registry(words):
    """`feast serve_registry WORDS...`, which would listen on every interface of the machine."""
    import grpc._server

    for name in ("add_insecure_port", "add_secure_port"):
        original = getattr(grpc._server._Server, name)

        def local(self, address, *more, original=original):
            return original(self, address.replace("[::]", "127.0.0.1"), *more)

        setattr(grpc._server._Server, name, local)
    cli(["serve_registry", *words])


def read(repo, yaml, view, feature, key, ids, service=None):
    """{id: (value, status, event time in ISO)} by get_online_features, 500 ids a call."""
    store, found = open_store(repo, yaml), {}
    features = store.get_feature_service(service) if service else [f"{view}:{feature}"]
    for begin in range(0, len(ids), 500):
        some = ids[begin : begin + 500]
        answer = store.get_online_features(
            features=features, entity_rows=[{key: identity} for identity in some]
        )
        values = answer.to_dict()
        at = list(answer.proto.metadata.feature_names.val).index(feature)
        result = answer.proto.results[at]
        for row, identity in enumerate(some):
            status = feast.protos.feast.serving.ServingService_pb2.FieldStatus.Name(
                result.statuses[row]
            )
            times = result.event_timestamps  # a remote online store has none for us
            time_of = times[row].ToDatetime().isoformat() if times else None
            found[identity] = (plain(values[feature][row]), status, time_of)
    return found


def documents(repo, yaml, queries, k):
    """The k nearest items of each query (float32 in hex) by retrieve_online_documents, called as
    the reference's pipeline does."""
    store, found = open_store(repo, yaml), []
    for query in queries:
        vector = np.frombuffer(bytes.fromhex(query), "<f4").tolist()
        answer = store.retrieve_online_documents(
            query=vector, top_k=k, features=["item_embedding:item_id"]
        )
        found.append(answer.to_df()["item_id"].tolist())
    return found


def vectors(file, key, column):
    """{id: bytes of float32} of a Parquet file that torii wrote."""
    table = pq.read_table(file)
    rows = table.column(column).to_pylist()
    return {
        identity: plain(row)
        for identity, row in zip(table.column(key).to_pylist(), rows, strict=True)
    }


def some_lists(file, count):
    """{user: items} of so many users, spread over a file of `torii candidates`."""
    users = pq.read_table(file, columns=["user_id"]).column("user_id")
    rows = list(range(0, len(users), max(1, len(users) // count)))
    table = pq.read_table(file, columns=["user_id", "item_ids"]).take(rows)
    return dict(zip(table["user_id"].to_pylist(), table["item_ids"].to_pylist(), strict=True))


def columns(file, names):
    """Columns of a Parquet file as lists."""
    table = pq.read_table(file, columns=names)
    return {name: table.column(name).to_pylist() for name in names}


def push(repo, yaml, source, rows, at):
    """store.push() of rows {column: [value...]} with the event time `at` (ISO)."""
    frame = pd.DataFrame(
        {name: [unpacked(value) for value in values] for name, values in rows.items()}
    )
    frame["event_timestamp"] = pd.Timestamp(at)
    open_store(repo, yaml).push(source, frame, to=PushMode.ONLINE)


def unpacked(value):
    return (
        np.frombuffer(bytes.fromhex(value["f32"]), "<f4").tolist()
        if isinstance(value, dict)
        else value
    )


def history(repo, yaml, service, joined, names):
    """Compares a point-in-time join of torii's (the Parquet file `joined`, a row for each event)
    with what get_historical_features says for the same keys and times; `names` are torii's columns
    of features and Feast's: {torii's: Feast's}. Feast gives no row for an entity all of whose rows
    lie outside the window, and one for events of equal keys and time: that is counted. What else
    differs: lines of text."""
    store, keys = open_store(repo, yaml), ["user_id", "item_id", "event_timestamp"]
    ours = pd.read_parquet(joined)
    ours["event_timestamp"] = pd.to_datetime(ours["event_timestamp"], utc=True)
    answer = store.get_historical_features(
        entity_df=ours[keys].copy(), features=store.get_feature_service(service)
    ).to_df()
    theirs = {}
    for row in answer.to_dict("records"):
        values = tuple(none(row[name]) for name in names.values())
        theirs.setdefault(tuple(row[key] for key in keys), []).append(values)
    counts = {"events": len(ours), "rows of Feast": len(answer), "lost": 0, "found": 0}
    differ = []
    for row in ours.to_dict("records"):
        key, values = tuple(row[key] for key in keys), tuple(none(row[name]) for name in names)
        if key not in theirs:
            counts["lost"] += 1
            if all(value is not None for value in values):
                differ.append(f"{key}: Feast has no row, torii {values}")
        elif theirs[key] != [values]:
            differ.append(f"{key}: Feast {theirs[key]}, torii {values}")
        else:
            counts["found"] += 1
    return counts, differ


def none(cell):
    return None if cell is None or cell is pd.NaT or cell != cell else cell


def sql(conninfo, statements):
    """Runs statements, each committed; the rows of the last, if it has any."""
    with psycopg.connect(conninfo, autocommit=True) as database:
        for statement in statements:
            cursor = database.execute(statement)
        return cursor.fetchall() if cursor.description else None


def redis_ttls(port, database, project):
    """The seconds that each entity of a project has left."""
    client = redis.Redis("127.0.0.1", port, database)
    keys = [key for key in client.scan_iter() if key.endswith(project.encode())]
    return [client.ttl(key) for key in keys]


def to_postgres(conninfo, tables):
    """Parquet files {table: file} as tables of a database."""
    with psycopg.connect(conninfo) as database:
        for name, file in tables.items():
            frame = pd.read_parquet(file)
            columns = ", ".join(f"{column} {sql_type(frame[column])}" for column in frame)
            database.execute(f'create table "{name}" ({columns})')
            with database.cursor().copy(f'copy "{name}" from stdin') as copy:
                for row in frame.itertuples(index=False):
                    copy.write_row([simple(cell) for cell in row])


def sql_type(series):
    """The type of PostgreSQL for a column of pandas."""
    if len(series) and isinstance(series.iloc[0], (list, np.ndarray)):
        return "text[]"
    return {"M": "timestamp", "i": "bigint", "f": "double precision"}.get(series.dtype.kind, "text")


def simple(cell):
    """A cell of pandas as psycopg takes it."""
    if isinstance(cell, np.ndarray):
        return [str(entry) for entry in cell.ravel()]
    cell = none(cell)
    return cell.to_pydatetime() if isinstance(cell, pd.Timestamp) else cell


# ---- what the reference's pipeline does with Feast, timed (reference_flow.py)


class Watch:
    def __init__(self):
        self.seconds, self.last = {}, time.perf_counter()

    def lap(self, name):
        now = time.perf_counter()
        self.seconds[name] = now - self.last
        self.last = now


def sdk_load(repo, yaml):
    """Opens the store and asks for the three services as of 2025, as the reference does."""
    watch = Watch()
    store = open_store(repo, yaml)
    services = [store.get_feature_service(name) for name in SERVICES]
    watch.lap("open")
    file = store.get_feature_view("interactions_features").batch_source.path
    pairs = pd.read_parquet(os.path.join(repo, file), columns=["item_id", "user_id"])
    watch.lap("pairs")
    rows, keys_of = {}, (["user_id"], ["item_id"], ["item_id", "user_id"])
    for service, keys in zip(services, keys_of, strict=True):
        entities = pairs[keys].drop_duplicates() if len(keys) == 1 else pairs.copy()
        entities = entities.assign(event_timestamp=pd.Timestamp("2025-01-01"))
        answer = store.get_historical_features(entity_df=entities, features=service)
        rows[service.name] = len(answer.to_df())
        watch.lap(service.name)
    return watch.seconds, rows


SERVICES = ("user_service", "item_service", "interaction_service")


def sdk_publish(repo, yaml, k, pushes):
    """Pushes vectors, looks up each user's nearest items one by one, pushes the lists: seconds."""
    store, random = open_store(repo, yaml), np.random.default_rng(7)
    store.list_feature_views()
    folder = os.path.dirname(store.get_feature_view("user_features").batch_source.path)
    tables = {}
    for key, stem in (("user_id", "recommendation_users"), ("item_id", "recommendation_items")):
        file = os.path.join(repo, folder, f"{stem}.parquet")
        frame = pd.read_parquet(file, columns=[key])
        frame["embedding"] = list(random.standard_normal((len(frame), 64)).astype("float32"))
        frame["embedding"] = frame["embedding"].map(np.ndarray.tolist)
        tables[key] = frame
    users = tables["user_id"]
    seconds = []
    for _ in range(pushes):
        now, watch = pd.Timestamp.now(tz="UTC").tz_localize(None), Watch()
        for key, source in (("item_id", "item_embed"), ("user_id", "user_embed")):
            frame = tables[key].assign(event_timestamp=now)
            store.push(f"{source}_push_source", frame, to=PushMode.ONLINE)
            watch.lap(f"push {source}")
        if not seconds and k:  # once: it takes seconds
            lists = [
                store.retrieve_online_documents(
                    query=vector, top_k=k, features=["item_embedding:item_id"]
                )
                .to_df()["item_id"]
                .to_list()
                for vector in users["embedding"]
            ]
            watch.lap("lists")
        elif not seconds:
            ids = tables["item_id"]["item_id"].to_numpy()
            lists = [random.permutation(ids)[:64].tolist() for _ in range(len(users))]
        frame = users[["user_id"]].assign(top_k_item_ids=lists, event_timestamp=now)
        watch.lap("frame")
        store.push("user_items_push_source", frame, to=PushMode.ONLINE)
        watch.lap("push user_items")
        seconds.append(watch.seconds)
    return seconds


# ---- the process that forks


def run_job(command):
    """In the child; the exit status."""
    PRCTL(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: not longer than the process that forked it
    log = os.open(command["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    for here, there in ((null, 0), (log, 1), (log, 2)):
        os.dup2(here, there)
    os.environ.update(command["env"])
    time.tzset()
    os.chdir(command["cwd"])
    sys.path.insert(0, command["cwd"])
    try:
        value = globals()[command["start"]](**command["arguments"])
        with open(command["out"], "wb") as out:
            pickle.dump(value, out)
        return 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
        return 1


def wait(process, seconds):
    """Its exit status; None when it still runs after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            return None
        time.sleep(0.005)


def main():
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints is no answer
    print(json.dumps({"feast": feast.__version__}), file=answers)
    for line in sys.stdin:
        command, answer = json.loads(line), {}
        if "start" in command:
            process = os.fork()
            if process == 0:
                os._exit(run_job(command))
            answer["pid"] = process
        elif "wait" in command:
            answer["status"] = wait(command["wait"], command["seconds"])
        else:
            os.kill(command["signal"], command["number"])
        print(json.dumps(answer), file=answers)


if __name__ == "__main__":
    PRCTL(1, signal.SIGKILL)
    main()

"""The reference's own flow on its own data, with Feast's Python SDK and with torii, in one run.

    reference_flow.py [ROUNDS]    5 rounds unless told; prints a table. `make bench-feast` runs it

A PostgreSQL with pgvector is the online store, as in the reference; the repository is the shared
folder's. Times are from the first statement to the last: the SDK's process has imported Feast
before (which takes seconds of its own, shown apart), torii's figures are those that it reports of
itself, and beside them the whole process. Medians over the rounds, after one that does not count.
That Feast's clients read what torii's other verbs say is shown by round_trip_test.py.
"""

import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import feast_side  # noqa: E402

K, USERS = 64, 1000


def timed(torii, *words):
    """(what it says as JSON, seconds of the process)."""
    begun = time.perf_counter()
    done = torii.run(*words, "--json")
    return json.loads(done.stdout), time.perf_counter() - begun


def median(rounds, name):
    return statistics.median(one[name] for one in rounds)


def line(what, sdk, torii):
    times = f"{sdk / torii:8.1f} x" if sdk and torii else ""
    first = f"{sdk:9.3f} s" if sdk is not None else " " * 11
    print(f"  {what:<46} {first}  {torii:9.3f} s {times}")


def vacuum(peer, env):
    place = f"host={env['DB_HOST']} port={env['DB_PORT']} dbname={env['DB_NAME']} user={env['DB_USER']} sslmode=disable"
    peer.run("sql", conninfo=place, statements=["vacuum analyze"])


def import_seconds(peer):
    """What `import feast` takes a process that was not there before."""
    begun = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(feast_side.DEPS / "feast067")}
    command = [feast_side.PYTHON, "-c", "from feast import FeatureStore"]
    subprocess.run(command, env=environment, check=True, cwd=peer.folder, capture_output=True)
    return time.perf_counter() - begun


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="torii-feast-"))
        )
        folder.chmod(0o755)
        peer = stack.enter_context(feast_side.FeastPeer("0.67", folder))
        repo = feast_side.Repo(folder / "copy")
        yaml, env = stack.enter_context(feast_side.online_store("pgvector", repo, folder, peer))
        repo.apply(peer, yaml, env)
        place = {"repo": str(repo.folder), "yaml": yaml}
        torii = feast_side.Torii(folder / "torii", repo.folder / yaml, env)

        # ---- Feast's SDK
        loads = [peer.run("sdk_load", env=env, **place) for _ in range(rounds + 1)][1:]
        sdk_load = statistics.median(
            sum(seconds[name] for name in ("user_service", "item_service", "interaction_service"))
            for seconds, _ in loads
        )
        sdk_open = statistics.median(seconds["open"] for seconds, _ in loads)
        found = loads[0][1]
        (first,) = peer.run("sdk_publish", env=env, seconds=300, k=K, pushes=1, **place)
        sdk_lists, pushed = first["lists"], []
        for _ in range(rounds):  # the second push of a process that has made one
            vacuum(peer, env)
            pushed.append(peer.run("sdk_publish", env=env, seconds=300, k=0, pushes=2, **place)[1])

        # ---- torii: the text vectors of the catalogue are in its cache after the first training
        common = ("--config=torii.yaml",)
        article = ("--preset=article", "--out=model.bundle")
        trained = [timed(torii, "train", *common, *article) for _ in range(rounds + 1)][1:]
        gate = torii.publish("--set", "publish.gate=enforce", check=False)
        words = (*common, "--bundle=model.bundle", f"--store=feast:{repo.folder / yaml}")
        report = ("--set", "publish.gate=report")
        timed(torii, "publish", *words, *report)

        def publishes(*more):
            """Each over tables without the dead rows of the one before, as a night later."""
            runs = []
            for _ in range(rounds):
                vacuum(peer, env)
                runs.append(timed(torii, "publish", *words, *more))
            return runs

        published = publishes(*report)
        off = ("--set", "publish.gate=off")
        ungated = publishes(*off)
        same = (*off, "--set", "publish.feast.item_text=")  # the rows that the SDK pushes here
        same_rows = publishes(*same)
        listed = [
            timed(
                torii, "candidates", *common, "--bundle=model.bundle", f"--k={K}", "--out=l.parquet"
            )
            for _ in range(rounds)
        ]

        def own(runs, name):
            return median([document["seconds"] for document, _ in runs], name)

        def whole(runs):
            return statistics.median(seconds for _, seconds in runs)

        document = trained[0][0]
        print(f"\n{rounds} rounds, load average {os.getloadavg()[0]:.1f}; rows: Feast {found}")
        names = ("users", "items", "interactions")
        print(f"torii { ({name: document[name] for name in names}) }; gate: exit {gate.returncode}")
        views = {name: view["written"] for name, view in published[0][0]["views"].items()}
        print(f"published {views}\n\n  {'':<46} {'SDK':>11}  {'torii':>11}")
        line("loading: three services", sdk_load, own(trained, "load"))
        line("(opening the store, reading the registry)", sdk_open, 0)
        line("training, 10 epochs (encoding apart)", None, own(trained, "train"))
        vectors = median(pushed, "push user_embed") + median(pushed, "push item_embed")
        lists = median(pushed, "push user_items")
        line("pushing 1,000 lists and 1,101 vectors", vectors + lists, own(same_rows, "commit"))
        line(f"lists of {K} for all {USERS} users", sdk_lists, own(listed, "candidates"))
        everything = sdk_lists + vectors + lists
        line(
            "publishing in all, no gate",
            everything,
            total(ungated),
        )
        line("publishing in all, behind the gate", None, total(published))
        print("\n  whole processes, with their start")
        line("import feast", import_seconds(peer), 0)
        line("torii train", None, whole(trained))
        line("torii publish, gate on report", None, whole(published))
        line("torii publish, no gate", None, whole(ungated))
    expected = {"user_items": USERS, "user_embedding": USERS}
    assert all(views[name] == count for name, count in expected.items()), views
    assert gate.returncode == 3, gate.stderr
    return 0


def total(runs):
    return statistics.median(document["seconds"]["total"] for document, _ in runs)


if __name__ == "__main__":
    sys.exit(main())

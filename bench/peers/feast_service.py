"""The reference's way to a list of recommendations: a FastAPI service that asks Feast's online store
(SQLite) for what the night precomputed. Needs bench/peers/setup feast.

    feast_service.py --make FOLDER USERS    a store with USERS users (u0, u1, ...), 64 items each
    feast_service.py --serve FOLDER PORT    on 127.0.0.1:PORT, one process, uvloop, no log of requests

GET /recommendations/{id} makes the calls that the reference makes for the list: the feature service by
its name, get_online_features, a data frame. GET /lean/{id} is the least that Feast's interface
allows. Neither fetches the products, which the reference does next.
"""

import os
import random
import sys
import warnings
from datetime import datetime, timezone
from pathlib import Path

os.environ["FEAST_USAGE"] = "False"
warnings.filterwarnings("ignore")

import pandas as pd  # noqa: E402
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType  # noqa: E402
from feast.types import Array, String  # noqa: E402

ITEMS, K, BLOCK = 100_000, 64, 5_000
SERVICE = "user_top_k_items"
FEATURE_STORE = """project: peer
provider: local
registry: registry.db
online_store: {type: sqlite, path: online.db}
entity_key_serialization_version: 3
"""


def open_store(folder):
    folder = Path(folder).resolve()
    config = RepoConfig(
        project="peer",
        provider="local",
        registry=str(folder / "registry.db"),
        online_store={"type": "sqlite", "path": str(folder / "online.db")},
        entity_key_serialization_version=3,
        repo_path=folder,
    )
    return FeatureStore(config=config, repo_path=None)


def make(folder, users):
    Path(folder).mkdir(parents=True, exist_ok=True)
    store = open_store(folder)
    (Path(folder) / "feature_store.yaml").write_text(FEATURE_STORE)  # for `feast serve`
    source = Path(folder).resolve() / "user_items.parquet"
    generator = random.Random(1)
    now = datetime.now(timezone.utc)

    def rows(begin, end):
        lists = [[f"i{item}" for item in generator.sample(range(ITEMS), K)] for _ in range(begin, end)]
        ids = [f"u{user}" for user in range(begin, end)]
        return pd.DataFrame({"user_id": ids, "top_k_item_ids": lists, "event_timestamp": now})

    rows(0, 1).to_parquet(source)
    user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)
    view = FeatureView(
        name="user_items",
        entities=[user],
        schema=[Field(name="user_id", dtype=String), Field(name="top_k_item_ids", dtype=Array(String))],
        source=FileSource(path=str(source), timestamp_field="event_timestamp"),
    )
    store.apply([user, view, FeatureService(name=SERVICE, features=[view])])
    for begin in range(0, users, BLOCK):
        store.write_to_online_store("user_items", rows(begin, min(users, begin + BLOCK)))


def serve(folder, port):
    import uvicorn
    from fastapi import FastAPI, HTTPException
    from fastapi.responses import JSONResponse

    store = open_store(folder)
    known = store.get_feature_service(SERVICE)
    app = FastAPI()

    def answer(user_id, items):
        if items is None:
            raise HTTPException(404)
        return JSONResponse({"user_id": user_id, "items": list(items)})

    # Coroutines that do not wait: in the thread pool, where FastAPI puts plain functions, the same
    # call takes twice the processor time.
    @app.get("/recommendations/{user_id}")
    async def recommendations(user_id: str):
        service = store.get_feature_service(SERVICE)
        found = store.get_online_features(features=service, entity_rows=[{"user_id": user_id}])
        return answer(user_id, found.to_df().iloc[0]["top_k_item_ids"])

    @app.get("/lean/{user_id}")
    async def lean(user_id: str):
        found = store.get_online_features(features=known, entity_rows=[{"user_id": user_id}])
        return answer(user_id, found.to_dict()["top_k_item_ids"][0])

    @app.get("/health")
    async def health():
        return {"status": "alive"}

    uvicorn.run(app, host="127.0.0.1", port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning")


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("--make", "--serve"):
        sys.exit(__doc__)
    {"--make": make, "--serve": serve}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))

"""Makes the tables of bench/load.cc, and reads them with pandas.

load_pandas.py --make ML_100K DIR   MovieLens-100K ten times with ids of their own: one million rows
load_pandas.py DIR [runs=9]         seconds of pandas.read_parquet of the interactions, and of what
                                    a script does next: categories of both ids, order by time
"""

import json
import resource
import statistics
import sys
import time
from pathlib import Path

import pandas as pd

COPIES = 10


def make(source, target):
    target.mkdir(parents=True, exist_ok=True)
    columns = {"inter": "interactions", "user": "users", "item": "items"}
    for ending, name in columns.items():
        table = pd.read_csv(source / f"ml-100k.{ending}", sep="\t", quoting=3, dtype=str)
        table.columns = [column.split(":")[0] for column in table.columns]
        if ending == "inter":
            table["rating"] = table["rating"].astype(float)
            table["timestamp"] = table["timestamp"].astype(float).astype("int64")
        parts = []
        for copy in range(COPIES):
            part = table.copy()
            for column in ("user_id", "item_id"):
                if column in part:
                    part[column] = f"{column[0]}{copy}-" + part[column]
            parts.append(part)
        pd.concat(parts, ignore_index=True).to_parquet(target / f"{name}.parquet", index=False)


def measure(runs, work):
    wall, processor = [], []
    for run in range(-1, runs):
        began, spent = time.perf_counter(), time.process_time()
        work()
        if run >= 0:
            wall.append(time.perf_counter() - began)
            processor.append(time.process_time() - spent)
    return {"wall": round(statistics.median(wall), 4),
            "processor": round(statistics.median(processor), 4)}


def prepare(path):
    rows = pd.read_parquet(path)
    rows["user_id"] = rows["user_id"].astype("category")
    rows["item_id"] = rows["item_id"].astype("category")
    return rows.sort_values("timestamp", kind="stable")


if __name__ == "__main__":
    if sys.argv[1] == "--make":
        make(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        path = Path(sys.argv[1]) / "interactions.parquet"
        runs = int(sys.argv[2]) if len(sys.argv) > 2 else 9
        print(json.dumps({
            "peer": f"pandas {pd.__version__}",
            "read": measure(runs, lambda: pd.read_parquet(path)),
            "load": measure(runs, lambda: prepare(path)),
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }))

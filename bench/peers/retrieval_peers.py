#!/usr/bin/env python3
"""The peers' side of bench/run retrieval: Faiss, hnswlib and usearch on the same vectors.

    retrieval_peers.py --make FOLDER ITEMS QUERIES WIDTH [LATENT]   normal vectors; with LATENT, of
                                      that many hidden dimensions and a little noise, as embeddings
    retrieval_peers.py FOLDER THREADS      reads jobs from stdin, answers each with a line of JSON:
        exact QUERIES K | ids QUERIES K FILE | single K ROUNDS                   Faiss IndexFlatIP
        build LIBRARY LINKS CANDIDATES | graph LIBRARY QUERIES K EF              hnswlib, usearch
        compare OURS THEIRS QUERIES K      lists that differ where scores differ by 1e-5 or more
"""

import json
import statistics
import sys
import time
from pathlib import Path

import numpy


def make(folder, items, queries, width, latent=0):
    random = numpy.random.default_rng(1)
    folder = Path(folder)
    mixing = random.standard_normal((latent, width)) / max(1, latent) ** 0.5
    for name, rows in (("items", items), ("queries", queries)):
        if latent:
            values = random.standard_normal((rows, latent)) @ mixing
            values += 0.1 * random.standard_normal((rows, width))
        else:
            values = random.standard_normal((rows, width))
        values.astype("float32").tofile(folder / f"{name}.f32")
    (folder / "shape.txt").write_text(f"{items} {queries} {width}\n")


def timed(work):
    processor, start = time.process_time(), time.perf_counter()
    result = work()
    return result, {"seconds": time.perf_counter() - start,
                    "processor": time.process_time() - processor}


class Peers:
    def __init__(self, folder, threads):
        folder = Path(folder)
        items, queries, width = map(int, (folder / "shape.txt").read_text().split())
        self.items = numpy.fromfile(folder / "items.f32", "float32").reshape(items, width)
        self.queries = numpy.fromfile(folder / "queries.f32", "float32").reshape(queries, width)
        self.threads = int(threads)
        import faiss

        faiss.omp_set_num_threads(self.threads)
        self.flat = faiss.IndexFlatIP(width)
        self.flat.add(self.items)
        self.graphs = {}

    def exact(self, queries, k):
        return timed(lambda: self.flat.search(self.queries[:queries], k))[1]

    def ids(self, queries, k, file):
        scores, ids = self.flat.search(self.queries[:queries], k)
        ids.astype("uint32").tofile(file)
        scores.astype("float32").tofile(file + ".scores")
        return {}

    def single(self, k, rounds):
        spent = [self.exact(1, k) for _ in range(rounds)]
        return {name: statistics.median(one[name] for one in spent) for name in spent[0]}

    def compare(self, ours, theirs, queries, k):
        read = lambda file, kind: numpy.fromfile(file, kind).reshape(queries, k)
        a, b = read(ours, "uint32"), read(theirs, "uint32")
        # Scores of both lists in double: what one found and the other did not must be a near tie.
        differ, off = 0, [0.0, 0.0]
        for row, (left, right) in enumerate(zip(a, b)):
            if (left == right).all():
                continue
            query = self.queries[row].astype("float64")
            scores = [self.items[ids].astype("float64") @ query for ids in (left, right)]
            differ += int((numpy.abs(scores[0] - scores[1]) >= 1e-5).any())
            # How far each list is from the right one, which has the greatest scores in order.
            every = numpy.sort(self.items.astype("float64") @ query)[::-1][:k]
            off = [max(worst, numpy.abs(own - every).max()) for worst, own in zip(off, scores)]
        return {"differ": differ, "same": int((a == b).all(axis=1).sum()), "queries": queries,
                "ours_off": off[0], "theirs_off": off[1]}

    def build(self, library, links, candidates):
        items, width = self.items.shape
        if library == "hnswlib":
            import hnswlib

            graph = hnswlib.Index("ip", width)
            graph.init_index(items, M=links, ef_construction=candidates)
            work = lambda: graph.add_items(self.items, num_threads=self.threads)
        else:
            from usearch.index import Index

            graph = Index(ndim=width, metric="ip", dtype="f32", connectivity=links,
                          expansion_add=candidates)
            keys = numpy.arange(items)
            work = lambda: graph.add(keys, self.items, threads=self.threads)
        self.graphs[library] = graph
        return timed(work)[1]

    def graph(self, library, queries, k, candidates):
        graph, asked = self.graphs[library], self.queries[:queries]
        if library == "hnswlib":
            graph.set_ef(candidates)
            graph.set_num_threads(self.threads)
            (found, _), spent = timed(lambda: graph.knn_query(asked, k=k))
        else:
            graph.expansion_search = candidates
            matches, spent = timed(lambda: graph.search(asked, k, threads=self.threads))
            found = matches.keys
        _, best = self.flat.search(asked, k)
        hits = sum(len(numpy.intersect1d(a, b)) for a, b in zip(found, best))
        return {**spent, "recall": hits / best.size}


def convert(word):
    return int(word) if word.isdigit() else word


def main():
    if sys.argv[1] == "--make":
        make(sys.argv[2], *map(int, sys.argv[3:]))
        return
    import importlib.metadata

    peers = Peers(sys.argv[1], sys.argv[2])
    versions = {name: importlib.metadata.version(name)
                for name in ("faiss-cpu", "hnswlib", "usearch")}
    print(json.dumps(versions), flush=True)
    for line in sys.stdin:
        job, *words = line.split()
        print(json.dumps(getattr(peers, job)(*map(convert, words))), flush=True)


if __name__ == "__main__":
    main()

"""The job of bench/train.cc in PyTorch: training steps of the article's network, same shapes, same
mathematics, inputs prepared in memory. Prints one JSON document with interactions per second.

Variants: eager; eager with fused Adam; torch.compile with fused Adam (if a C++ compiler works).
Each once with the text vectors of every column, as the reference has it, and once with their mean
taken beforehand, which is what torii does.
Usage: train_torch.py [threads=2] [users=1000] [items=101] [seconds=1.5]
"""

import json
import sys
import time

import torch
from torch import nn

PAIRS = 20000
THREADS, USERS, ITEMS = (int(v) for v in (sys.argv[1:4] + ["2", "1000", "101"][len(sys.argv[1:4]):]))
SECONDS = float(sys.argv[4]) if len(sys.argv) > 4 else 1.5
torch.set_num_threads(THREADS)
torch.manual_seed(7)


class Tower(nn.Module):
    def __init__(self, numeric, codes, width=64, text_width=384):
        super().__init__()
        self.project_text = nn.Linear(text_width, 46)
        self.numeric_norm = nn.BatchNorm1d(numeric)
        self.numeric_embed = nn.Linear(numeric, 6)
        self.categorical_embed = nn.Embedding(codes, 12)
        self.norm = nn.RMSNorm(width)
        self.norm1 = nn.RMSNorm(width)
        self.fn1 = nn.Linear(width, 2 * width)
        self.fn2 = nn.Linear(2 * width, width)

    def forward(self, numbers, codes, text):
        projected = self.project_text(text)
        if text.dim() == 3:
            projected = projected.mean(dim=1)
        parts = [projected, self.numeric_embed(self.numeric_norm(numbers)), self.categorical_embed(codes)]
        x = self.norm(torch.cat(parts, dim=1))
        y = torch.relu(self.fn1(self.norm1(x)))
        return torch.relu(self.fn2(y)) + x


class TwoTower(nn.Module):
    def __init__(self):
        super().__init__()
        self.user_tower = Tower(1, 1)
        self.item_tower = Tower(6, 48)

    def forward(self, user, item, magnitude):
        distance = torch.linalg.vector_norm(self.item_tower(*item) - self.user_tower(*user), dim=1)
        return nn.functional.mse_loss(distance, magnitude)


def table(rows, numeric, codes, columns, mean_text):
    text = torch.randn(rows, columns, 384) / 20
    return (
        torch.randn(rows, numeric),
        torch.randint(codes, (rows,)),
        text.mean(dim=1) if mean_text or columns == 1 else text,
    )


def measure(batch, compiled, fused, mean_text):
    users, items = table(USERS, 1, 1, 1, mean_text), table(ITEMS, 6, 48, 3, mean_text)
    pair_user, pair_item = torch.randint(USERS, (PAIRS,)), torch.randint(ITEMS, (PAIRS,))
    magnitude = 1 + 11 * torch.rand(PAIRS)
    model = TwoTower()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=fused)
    step = torch.compile(model) if compiled else model

    def epoch():
        order = torch.randperm(PAIRS)
        done = 0
        for first in range(0, PAIRS - batch + 1, batch):
            pairs = order[first : first + batch]
            u, i = pair_user[pairs], pair_item[pairs]
            optimizer.zero_grad(set_to_none=True)
            loss = step([part[u] for part in users], [part[i] for part in items], magnitude[pairs])
            loss.backward()
            optimizer.step()
            done += batch
        return done

    epoch()  # warm-up and compilation
    rates = []
    for _ in range(5):
        start, done = time.perf_counter(), 0
        while time.perf_counter() - start < SECONDS:
            done += epoch()
        rates.append(done / (time.perf_counter() - start))
    return sorted(rates)[2]


results = {}
for batch in (256, 4096):
    for name, compiled, fused in (
        ("eager", False, False),
        ("eager, fused Adam", False, True),
        ("torch.compile, fused Adam", True, True),
    ):
        for mean_text in (False, True):
            label = f"{batch}, {name}, {'mean text' if mean_text else 'every text'}"
            try:
                results[label] = round(measure(batch, compiled, fused, mean_text))
                print(f"{label}: {results[label]:,}", file=sys.stderr)
            except Exception as error:  # no C++ compiler, no fused Adam: a peer less
                print(f"{label}: {error}", file=sys.stderr)
print(json.dumps({"bench": "train", "peer": f"PyTorch {torch.__version__}", "threads": THREADS,
                  "users": USERS, "items": ITEMS, "interactions_per_second": results}))

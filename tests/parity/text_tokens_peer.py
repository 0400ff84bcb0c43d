"""Writes texts with the token ids that Hugging Face's `tokenizers` gives them.

    python3 text_tokens_peer.py TOKENIZERS_DIR MODEL_DIR OUT [RANDOM_COUNT]

Texts: every code point alone and between letters, marks in all orders, and RANDOM_COUNT generated
texts, the same on every run. Makes the folder OUT with one folder for each tokenizer: `model` is
MODEL_DIR's; the others know nearly every character of Unicode, so that any difference in
normalising shows, and have other normaliser settings. Each holds tokenizer.json and expected.bin,
little-endian: for each text u32 tokens_max, u32 bytes, the bytes, u32 ids, the ids as u32; ended by
the end of the file.
"""
import json
import os
import random
import struct
import sys
import unicodedata

TOKENIZERS, MODEL, OUT = sys.argv[1:4]
COUNT = int(sys.argv[4]) if len(sys.argv) > 4 else 100_000
sys.path.insert(0, TOKENIZERS)
from tokenizers import Tokenizer  # noqa: E402

SURROGATES = range(0xD800, 0xE000)
RNG = random.Random(20240607)


def scalar(low, high):
    while True:
        code = RNG.randint(low, high)
        if code not in SURROGATES:
            return chr(code)


RANGES = [
    (0x20, 0x7E, 30), (0x00, 0x1F, 4), (0x7F, 0xFF, 6), (0x100, 0x24F, 6), (0x250, 0x2FF, 2),
    (0x300, 0x36F, 10), (0x370, 0x3FF, 4), (0x400, 0x52F, 4), (0x530, 0x6FF, 5), (0x700, 0x8FF, 4),
    (0x900, 0xDFF, 5), (0xE00, 0x10FF, 4), (0x1100, 0x11FF, 2), (0x1200, 0x1AFF, 4), (0x1AB0, 0x1AFF, 2),
    (0x1B00, 0x1DFF, 4), (0x1E00, 0x1FFF, 6), (0x2000, 0x206F, 6), (0x2070, 0x2BFF, 5), (0x2C00, 0x2FFF, 3),
    (0x3000, 0x30FF, 6), (0x3100, 0x33FF, 2), (0x3400, 0x4DBF, 2), (0x4E00, 0x9FFF, 8), (0xA000, 0xABFF, 4),
    (0xAC00, 0xD7FF, 4), (0xE000, 0xF8FF, 1), (0xF900, 0xFAFF, 2), (0xFB00, 0xFDFF, 2), (0xFE00, 0xFE2F, 2),
    (0xFE30, 0xFFFF, 4), (0x10000, 0x10FFF, 4), (0x11000, 0x11FFF, 6), (0x12000, 0x1CFFF, 2),
    (0x1D000, 0x1D7FF, 3), (0x1E000, 0x1EFFF, 3), (0x1F000, 0x1FAFF, 6), (0x20000, 0x2FFFF, 3),
    (0x30000, 0x3FFFF, 1), (0x40000, 0xDFFFF, 1), (0xE0000, 0xE01FF, 2), (0xF0000, 0x10FFFF, 1),
]
WEIGHTS = [weight for _, _, weight in RANGES]
SPACES = list(" \t\n\r\x0b\x0c\x1c\x1d\x85\xa0\u1680\u2000\u2003\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff")
SPECIAL = ["[CLS]", "[SEP]", "[PAD]", "[MASK]", "[UNK]", "[cls]", "[CLS", "CLS]", "[[CLS]]", "##", "##ing", "[unused1]"]
EMOJI = ["\U0001F600", "\U0001F468\u200d\U0001F469\u200d\U0001F467", "\u2764\ufe0f", "\U0001F1E9\U0001F1EA", "1\ufe0f\u20e3", "\U0001F44D\U0001F3FD"]


def anything():
    low, high, _ = RNG.choices(RANGES, WEIGHTS)[0]
    return scalar(low, high)


def words(pieces):
    parts = []
    for _ in range(RNG.randint(1, 12)):
        kind = RNG.random()
        if kind < 0.5:
            parts.append(RNG.choice(pieces))
        elif kind < 0.7:
            parts.append(RNG.choice(pieces).upper())
        elif kind < 0.8:
            parts.append(RNG.choice(pieces).title() + "".join(RNG.choices("\u0300\u0301\u0308\u0327\u0323", k=RNG.randint(0, 3))))
        elif kind < 0.9:
            parts.append(str(RNG.randint(0, 10 ** RNG.randint(1, 12))))
        else:
            parts.append(RNG.choice(".,;:!?$%&/()=-_'\"+*#@<>|~^`"))
        if RNG.random() < 0.85:
            parts.append(RNG.choice(SPACES) if RNG.random() < 0.1 else " ")
    return "".join(parts)


def marks():
    base = RNG.choice("aeiouAEIOUnNcC\u03b1\u0391\u0438\uac00\u0915\u05d0\u0627 ")
    low, high = RNG.choice([(0x300, 0x36F), (0x1AB0, 0x1ACE), (0x1DC0, 0x1DFF), (0x20D0, 0x20F0), (0x591, 0x5C7),
                            (0x610, 0x65F), (0x8CA, 0x8FF), (0x302A, 0x3030), (0x1D165, 0x1D1AD), (0x11930, 0x11944),
                            (0xA8E0, 0xA8F1), (0x10EAB, 0x10EAC), (0x1E8D0, 0x1E8D6), (0x16FF0, 0x16FF1)])
    return base + "".join(scalar(low, high) if RNG.random() < 0.8 else scalar(0x300, 0x36F) for _ in range(RNG.randint(1, 8)))


def generated(pieces):
    kind = RNG.random()
    if kind < 0.25:
        return words(pieces)
    if kind < 0.45:
        return "".join(anything() for _ in range(RNG.randint(0, 40)))
    if kind < 0.55:
        low, high, _ = RNG.choices(RANGES, WEIGHTS)[0]
        return "".join(scalar(low, high) for _ in range(RNG.randint(1, 30)))
    if kind < 0.65:
        return " ".join(marks() for _ in range(RNG.randint(1, 6)))
    if kind < 0.75:
        return "".join(RNG.choice([RNG.choice(SPECIAL), RNG.choice(SPACES), RNG.choice(EMOJI), RNG.choice(pieces), anything()])
                       for _ in range(RNG.randint(1, 15)))
    if kind < 0.83:  # long words around the limit of 100 characters
        unit = RNG.choice([RNG.choice(pieces), anything(), "a\u0301", "\u0130", "x"])
        return (unit * 130)[: RNG.randint(95, 130)] + RNG.choice(["", " end", "\u0301", "."])
    if kind < 0.93:  # whitespace and controls between words
        return "".join(RNG.choice(pieces) + RNG.choice(SPACES + [chr(RNG.randint(0, 0xA0)), "\u00ad", "\ufffd", "\u0000"])
                       for _ in range(RNG.randint(1, 12)))
    if kind < 0.97:
        return "".join(scalar(0, 0x10FFFF) for _ in range(RNG.randint(1, 20)))
    return words(pieces) * RNG.randint(5, 60)


def every_code_point():
    chunk = []
    for code in range(0x110000):
        if code in SURROGATES:
            continue
        chunk.append(chr(code) + " a" + chr(code) + "b")
        if len(chunk) == 64:
            yield " ".join(chunk)
            chunk = []
    yield " ".join(chunk)


def mark_orders():
    """Every code point of the planes that hold marks, before and after marks of other classes."""
    for code in list(range(0x300, 0x3400)) + list(range(0xA600, 0xAC00)) + list(range(0xFB00, 0xFE30)) + list(range(0x10000, 0x1F000)):
        c = chr(code)
        yield " ".join(["q" + c + "\u302e", "q\u302e" + c, "q" + c + "\U0001d165", "q\U0001d165" + c,
                        "q\u0f71" + c + "\u302e", "q\u08d3" + c + "\U00016ff0", "q\U00016ff0" + c])


EVERYTHING = 1 << 20
VARIANTS = {
    "uncased": {},
    "cased": {"lowercase": False},
    "accents": {"strip_accents": False},
    "cased_without_accents": {"lowercase": False, "strip_accents": True},
    "unclean": {"clean_text": False, "handle_chinese_chars": False},
}


def variant(document, settings):
    """The tokenizer with nearly every character as a piece, and with added tokens of both kinds."""
    vocabulary = {token: number for number, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])}
    for code in range(0x110000):
        c = chr(code)
        # Capitals newer than this Python are in these blocks.
        newer = 0x1C80 <= code < 0x1CC0 or 0xA7C0 <= code < 0xA800 or 0x10D50 <= code < 0x10D90 or 0x16EA0 <= code < 0x16EE0
        if unicodedata.category(c) in ("Cs", "Co", "Cn") and not newer:
            continue
        many_alike = 0x3400 <= code < 0xA000 or 0xAC00 <= code < 0xD7A4 or 0x12000 <= code < 0x16A40 or 0x17000 <= code < 0x1AFF0
        if code >= 0x20000 or many_alike and code % 16:
            continue
        vocabulary[c] = len(vocabulary)
        vocabulary["##" + c] = len(vocabulary)
    document = json.loads(json.dumps(document))
    document["truncation"] = document["padding"] = None
    document["model"]["vocab"] = vocabulary
    document["normalizer"].update(settings)
    added = [dict(document["added_tokens"][0], id=number, content=token) for number, token in enumerate(list(vocabulary)[:5])]
    added.append(dict(added[0], id=len(vocabulary), content="New York", normalized=True, special=False))
    added.append(dict(added[0], id=len(vocabulary) + 1, content="<b>", normalized=False, special=False))
    document["added_tokens"] = added
    for token, number in (("[CLS]", 2), ("[SEP]", 3)):
        document["post_processor"]["special_tokens"][token]["ids"] = [number]
    return document


def write(name, document, jobs):
    folder = os.path.join(OUT, name)
    os.makedirs(folder)
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as file:
        json.dump(document, file)
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    tokenizer.no_padding()
    with open(os.path.join(folder, "expected.bin"), "wb") as out:
        for tokens_max, group in jobs:
            if tokens_max == EVERYTHING:
                tokenizer.no_truncation()
            else:
                tokenizer.enable_truncation(tokens_max)
            for start in range(0, len(group), 10_000):
                part = group[start : start + 10_000]
                for text, encoding in zip(part, tokenizer.encode_batch(part)):
                    data = text.encode("utf-8")
                    ids = encoding.ids
                    out.write(struct.pack("<II", tokens_max, len(data)) + data + struct.pack("<I%dI" % len(ids), len(ids), *ids))


def main():
    document = json.load(open(os.path.join(MODEL, "tokenizer.json"), encoding="utf-8"))
    pieces = [piece[2:] if piece.startswith("##") else piece for piece in document["model"]["vocab"]]
    every = list(every_code_point())
    orders = list(mark_orders())
    cuts = {EVERYTHING: [], 512: [], 256: [], 16: [], 3: [], 2: []}
    texts = [generated(pieces) for _ in range(COUNT)]
    for text in texts:
        cuts[RNG.choice(list(cuts))].append(text)
    write("model", document, [(EVERYTHING, every)] + list(cuts.items()))
    added = ["new york", "NEW YORK", "Ne\u0301w York", "new  york", "new yor", "<b>", "<B>", "xNew Yorkx", "[cls]", "New[SEP] York"]
    mixed = ["".join(RNG.choice(added + [text]) for _ in range(3)) for text in texts[:4000]]
    for name, settings in VARIANTS.items():
        some = orders if name in ("uncased", "cased_without_accents") else orders[::10]
        write(name, variant(document, settings), [(EVERYTHING, every), (EVERYTHING, some), (EVERYTHING, texts[:4000]), (9, texts[4000:8000]), (EVERYTHING, mixed)])


main()

#!/usr/bin/env python3
"""Holds the two rules of the tree: includes point only downward, and each third-party library is
included from exactly one folder. Judges direct includes; DESIGN, section 2, is the source.

    tools/check_layers.py [ROOT]      prints every offence as file:line and exits 1, or exits 0
"""

import pathlib
import re
import sys

# What each module may include besides itself and the standard library. `include` is include/torii.
LAYERS = {
    "include": "",
    "base": "include",
    "kernels": "base",
    "blob": "base",
    "sql": "base",
    "net": "base",
    "feast": "base",
    "data": "base blob sql net feast",
    "store": "base sql net feast",
    "pipeline": "base blob sql net",
    "text": "base kernels blob net",
    "retrieval": "base kernels",
    "features": "base data text",
    "model": "base kernels blob features",
    "recommend": "base data features model retrieval store",
    "evaluate": "base kernels data features model retrieval recommend",
    "train": "base kernels blob data features model retrieval evaluate",
    "report": "base data features model recommend evaluate train",
    "doctor": "base data features model retrieval recommend evaluate train",
    "publish": "base blob data model recommend evaluate store",
    "server": "base features model recommend store pipeline publish",
    "api": "include base data features model recommend store",
}
LAYERS = {module: set(below.split()) for module, below in LAYERS.items()}
LAYERS["cli"] = set(LAYERS)

# Third-party headers by the first match, and the only module that may include them.
THIRD_PARTY = [
    (r"arrow/filesystem/", "blob"),
    (r"arrow/(io/interfaces|buffer|result|status|util/future|util/key_value_metadata)\.h", "data blob"),
    (r"(arrow|parquet)/", "data"),
    (r"(dnnl|dnnl_\w+|mkl|mkl_\w+|cblas)\.(h|hpp)|oneapi/dnnl/", "kernels"),
    (r"openvino/", "text"),
    (r"unicode/", "text"),
    (r"sqlite3\.h|libpq-fe\.h|postgresql/", "sql"),
    (r"hiredis/", "store"),
    (r"curl/", "net"),
    (r"google/protobuf/", "feast"),
    (r"hnswlib/", "retrieval"),
    (r"date/", "pipeline"),
    (r"mpi\.h", "train"),
    (r"boost/|restinio/|prometheus/|sodium\.h|zlib\.h", "server"),
    (r"nlohmann/|yaml-cpp/|openssl/|spdlog/|simdjson", "base"),
    (r"CLI/", "cli"),
]
EXEMPT = re.compile(r"fmt/|gtest/|gmock/|benchmark/")

# C and POSIX headers that any module may use; include/torii may not.
SYSTEM = re.compile(
    r"(fcntl|unistd|sched|signal|dirent|dlfcn|errno|poll|pthread|termios|emmintrin|immintrin|cpuid|fnmatch"
    r"|sys/(mman|stat|types|file|wait|resource|ioctl|utsname|statvfs|random|time|syscall|prctl)"
    r"|linux/fs)\.h"
)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# cli/VERB.* and cli/VERB_*.* are the files of one verb; other files there are shared.
VERBS = set(
    "train evaluate embed candidates recommend bundle demo version init doctor publish serve search"
    " generate keys store load feast pipeline encode gate register".split()
)


def standard_headers():
    text = """
    algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono
    cinttypes climits clocale cmath compare complex concepts condition_variable coroutine csetjmp
    csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar cwctype deque
    exception execution expected filesystem format forward_list fstream functional future
    initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map memory
    memory_resource mutex new numbers numeric optional ostream queue random ranges ratio regex
    scoped_allocator semaphore set shared_mutex source_location span sstream stack stdexcept
    stop_token streambuf string string_view syncstream system_error thread tuple type_traits typeindex
    typeinfo unordered_map unordered_set utility valarray variant vector version"""
    return set(text.split())


STANDARD = standard_headers()


def includes_of(path):
    """(line number, quoted?, what) of every include outside of comments."""
    in_comment = False
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
        if in_comment:
            if "*/" not in line:
                continue
            line = line.split("*/", 1)[1]
            in_comment = False
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == '"', match.group(2)
        rest = re.sub(r"/\*.*?\*/", "", line.split("//", 1)[0])
        in_comment = "/*" in rest


def module_of(path, root):
    parts = path.relative_to(root).parts
    return "include" if parts[0] == "include" else parts[1] if parts[0] == "src" else None


def cli_verb(name):
    """The verb that a file of cli/ belongs to, or None if it is shared."""
    stem = re.sub(r"(_test)?\.(h|cc)$", "", name)
    return next((v for v in sorted(VERBS) if stem == v or stem.startswith(v + "_")), None)


def judge(path, root):
    module = module_of(path, root)
    is_test = path.name.endswith("_test.cc")
    for line, quoted, target in includes_of(path):
        first = target.split("/", 1)[0]
        complaint = None
        if quoted and first == "torii":
            allowed = module == "include" or "include" in LAYERS[module]
            if not allowed:
                complaint = f"{module}/ may not include include/torii directly (base/ wraps it)"
        elif quoted and first in LAYERS:
            if first != module and first not in LAYERS[module]:
                below = ", ".join(sorted(LAYERS[module])) or "nothing of ours"
                complaint = f"{module}/ may not include {first}/; it may include {below}"
            elif first == module == "cli":
                mine = cli_verb(path.name)
                theirs = cli_verb(pathlib.PurePath(target).name)
                if mine and theirs and mine != theirs:
                    complaint = f"the verb '{mine}' may not include the verb '{theirs}'"
        elif quoted and is_test and first == "support":
            pass  # tests/support
        elif quoted and "/" not in target:
            complaint = f'name it from the root of the tree: "{module}/{target}"'
        else:
            complaint = judge_foreign(module, target)
        if complaint:
            yield f"{path.relative_to(root)}:{line}: includes {target}: {complaint}"


def judge_foreign(module, target):
    if target in STANDARD:
        return None
    if module == "include":
        return "include/torii may include the standard library only"
    if EXEMPT.match(target) or SYSTEM.fullmatch(target):
        return None
    for pattern, owners in THIRD_PARTY:
        if re.match(pattern, target):
            if module in owners.split():
                return None
            return f"only {' and '.join(o + '/' for o in owners.split())} may include this library"
    return "an unknown library: give it one folder in tools/check_layers.py"


def check(root):
    offences = []
    for folder in (root / "include", root / "src"):
        for path in sorted(folder.rglob("*")):
            if path.suffix not in (".h", ".cc", ".cpp", ".hpp", ".inc"):
                continue
            module = module_of(path, root)
            if module not in LAYERS:
                offences.append(f"{path.relative_to(root)}:1: {module} is no module of the table")
                continue
            offences += judge(path, root)
    return offences


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    root = root.resolve()
    if not (root / "src").is_dir():
        print(f"{root}: holds no src/ folder", file=sys.stderr)
        return 2
    offences = check(root)
    for offence in offences:
        print(offence)
    print(f"layers: {len(offences)} offences" if offences else "layers: clean")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())

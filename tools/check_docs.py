#!/usr/bin/env python3
"""Checks the Markdown of the tree: links to files and headings resolve, generated parts are fresh.

    tools/check_docs.py [--links-only] [--fix]

A generated part stands between `<!-- generated: COMMAND -->` and `<!-- end -->` and equals the output
of COMMAND, run at the root of the tree with build/release/bin on the PATH; --fix writes it anew.
Prints file:line for every fault and exits 1, or exits 0.
"""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
GENERATED = re.compile(r"(<!-- generated: (.+?) -->\n)(.*?)(<!-- end -->)", re.S)


def files():
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in sorted(set(names.split("\n"))) if name and (ROOT / name).exists()]


def anchors(text):
    """The names that headings get in a rendered page."""
    found = set()
    for heading in re.findall(r"^#+\s+(.*?)\s*#*$", text, re.M):
        plain = re.sub(r"[`*\[\]]|\(.*?\)", "", heading).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def link_faults(path):
    fenced = False
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        if fenced:
            continue
        for target in LINK.findall(re.sub(r"`[^`]*`", "", line)):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            file = (path.parent / name).resolve() if name else path
            where = f"{path.relative_to(ROOT)}:{number}"
            if not file.exists():
                yield f"{where}: the link {target} leads nowhere"
            elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text("utf-8")):
                yield f"{where}: {target}: no such heading"


def output_of(command):
    env = dict(os.environ, PATH=f"{ROOT}/build/release/bin:{os.environ['PATH']}")
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"`{command}` failed: {done.stderr.strip()}")
    return done.stdout.rstrip("\n") + "\n"


def generated_faults(path, fix):
    text = path.read_text(encoding="utf-8")
    fresh = GENERATED.sub(lambda m: m[1] + output_of(m[2]) + m[4], text)
    if fresh == text:
        return
    if fix:
        path.write_text(fresh, encoding="utf-8")
        return
    line = next(
        n for n, (a, b) in enumerate(zip(text.split("\n"), fresh.split("\n")), 1) if a != b
    )
    yield f"{path.relative_to(ROOT)}:{line}: a generated part is stale; run tools/check_docs.py --fix"


def main():
    faults = []
    for path in files():
        faults += link_faults(path)
        if "--links-only" not in sys.argv:
            try:
                faults += generated_faults(path, "--fix" in sys.argv)
            except RuntimeError as error:
                faults.append(f"{path.relative_to(ROOT)}:1: {error}")
    for fault in faults:
        print(fault)
    print(f"docs: {len(faults)} faults" if faults else "docs: clean")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

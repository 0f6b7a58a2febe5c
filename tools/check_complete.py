#!/usr/bin/env python3
"""Fails when something lacks what belongs to it: a policy or resolver its test and page, a folder its
README, an example its README and expected output, a file its measure."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOT_A_SCHEME = {"builtin", "target", "dns_name"}  # Files of src/resolve that are no resolver.


def parts(folder, pages, skip=()):
    for source in sorted((ROOT / folder).glob("*.cc")):
        name = source.stem
        if name.endswith("_test") or name in skip or "fixture" in name:
            continue
        if not source.with_name(name + "_test.cc").exists():
            yield f"{folder}/{name}.cc has no {name}_test.cc beside it"
        if pages and not (ROOT / pages / f"{name}.md").exists():
            yield f"{folder}/{name}.cc has no page {pages}/{name}.md"


def readmes():
    folders = [p for p in (ROOT / "src").iterdir() if p.is_dir()]
    folders += [ROOT / d for d in ("codegen", "cli", "lab", "examples", "tests", "bench", "docs", "tools")]
    folders += [p.parent for p in (ROOT / "examples").glob("*/CMakeLists.txt")]
    for folder in folders:
        readme = folder / "README.md"
        if not readme.exists():
            yield f"{folder.relative_to(ROOT)} has no README.md"
        elif (folder.parent.name == "src" or folder.name == "cli") and len(readme.read_text().splitlines()) > 15:
            yield f"{readme.relative_to(ROOT)} has more than 15 lines"


def sizes():
    for folder in ("src", "include", "codegen", "cli", "lab", "examples", "tests", "bench", "tools"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".h", ".cc", ".py") and len(path.read_text().splitlines()) > 1000:
                yield f"{path.relative_to(ROOT)} has more than 1,000 lines"


def schemes():
    """Every file of src/resolve that makes a ResolverFactory is a resolver."""
    skip = set(NOT_A_SCHEME)
    for source in (ROOT / "src/resolve").glob("*.cc"):
        if not re.search(r"^ResolverFactory \w+Scheme\(\)", source.read_text(), re.M):
            skip.add(source.stem)
    return skip


def main():
    bad = [*parts("src/balance/policies", "docs/policies"),
           *parts("src/resolve", "docs/resolvers", schemes()), *readmes(), *sizes()]
    print("\n".join(bad) or "complete: fine")
    sys.exit(bool(bad))


main()

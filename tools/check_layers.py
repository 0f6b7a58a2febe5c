#!/usr/bin/env python3
"""Fails when a folder includes what it may not. This table is the architecture; ARCHITECTURE.md prints it.

usage: tools/check_layers.py [--print]
"""
import pathlib
import re
import sys

# folder: (what it may include besides itself and include/rondo, third party only here)
LAYERS = {
    "base": ([], ["nlohmann/", "xxhash.h"]),
    "event": (["base"], ["asio", "openssl/", "ares.h"]),
    "wire": (["base"], ["google/protobuf/", "zlib.h"]),
    "http2": (["base"], []),
    "transport": (["base", "event", "wire", "http2"], []),
    "resolve": (["base", "event"], []),
    "balance": (["base"], []),
    "testing": (["base", "balance"], []),
    "channel": (["base", "event", "wire", "http2", "transport", "resolve", "balance"], []),
    "server": (["base", "event", "wire", "http2", "transport"], []),
    "observe": (["base", "channel", "server"], []),
}
# In no folder of src.
NOWHERE = ["nghttp2/", "CLI/"]
# One file of a folder only.
ONLY_FILE = {"nlohmann/": "base/json", "xxhash.h": "base/hash"}
PUBLIC_MAY = ("rondo/", "absl/status/")  # include/rondo: std, absl Status; Asio in asio.h alone.
# Above the public API: they see include/rondo only, and of these parties what is named.
USERS = {"examples": [], "codegen": ["google/protobuf/"], "lab": ["nlohmann/"], "cli": ["CLI/", "google/protobuf/"]}

INCLUDE = re.compile(r'#include ([<"])([^>"]+)[>"]')


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if found := INCLUDE.match(line):
            yield number, found[1], found[2]


def check_src(root):
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        here = path.relative_to(root / "src").parts[0]
        if here not in LAYERS:
            yield f"{path}: src/{here} is in no layer: add it to tools/check_layers.py"
            continue
        allowed = [here, *LAYERS[here][0]]
        test = path.stem.endswith("_test") or "_test" in path.stem
        for number, kind, what in includes(path):
            folder = what.split("/")[0]
            if kind == '"' and folder in LAYERS and folder not in allowed:
                yield f"{path}:{number}: src/{here} may not include {folder}/"
            if what.startswith(tuple(NOWHERE)):
                yield f"{path}:{number}: src may not include {what}"
            for home, (_, parties) in LAYERS.items():
                for party in parties:
                    if not what.startswith(party) or (party == "asio" and kind == '"'):
                        continue
                    if home != here:
                        yield f"{path}:{number}: only src/{home} may include {party}"
                    elif party in ONLY_FILE and not test and ONLY_FILE[party] not in str(path):
                        yield f"{path}:{number}: only src/{ONLY_FILE[party]}.cc may include {party}"


def check_public(root):
    for path in sorted((root / "include/rondo").glob("*.h")):
        for number, _, what in includes(path):
            if "/" not in what and not what.startswith("asio"):
                continue  # std
            if what.startswith(PUBLIC_MAY) or what.startswith("sys/"):
                continue
            if what.startswith("asio") and path.name == "asio.h":
                continue
            yield f"{path}:{number}: a public header may not include {what}"


def check_users(root):
    parties = {party for allowed in USERS.values() for party in allowed}
    for user, allowed in USERS.items():
        for path in sorted((root / user).rglob("*")):
            if path.suffix not in (".h", ".cc"):
                continue
            for number, kind, what in includes(path):
                if kind == '"' and what.split("/")[0] in LAYERS:
                    yield f"{path}:{number}: {user}/ sees include/rondo only, not {what}"
                if what.startswith(tuple(parties.difference(allowed))):
                    yield f"{path}:{number}: {user}/ may not include {what}"


def table():
    print(f"{'folder':<12}{'may include':<62}third party only here")
    for name, (may, parties) in LAYERS.items():
        print(f"{name:<12}{' '.join(may) or '-':<62}{' '.join(parties) or '-'}")
    for name, parties in USERS.items():
        print(f"{name:<12}{'include/rondo':<62}{' '.join(parties) or '-'}")


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    if "--print" in sys.argv:
        return table()
    bad = [*check_src(root), *check_public(root), *check_users(root)]
    print("\n".join(bad) or "layers: fine")
    sys.exit(bool(bad))


main()

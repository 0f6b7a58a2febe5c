#!/usr/bin/env bash
# Compiles each public header alone, with both compilers where both are there.
set -euo pipefail
cd "$(dirname "$0")/.."
for header in include/rondo/*.h; do
  name=${header#include/}
  for compiler in g++ clang++-19; do
    command -v "$compiler" >/dev/null || continue
    printf '#include "%s"\n' "$name" |
      "$compiler" -std=c++20 -Wall -Wextra -Wshadow -Werror -fsyntax-only -DASIO_STANDALONE -Iinclude -x c++ - ||
      { echo "$name does not compile alone with $compiler" >&2; exit 1; }
  done
done
echo "headers: fine"

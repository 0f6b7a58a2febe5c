#!/usr/bin/env bash
# Compiles each public header alone.
set -euo pipefail
cd "$(dirname "$0")/.."
alone() {
  printf '#include "%s"\n' "${1#include/}" |
    clang++-19 -std=c++20 -Wall -Wextra -Wshadow -Werror -fsyntax-only -DASIO_STANDALONE -Iinclude -x c++ - ||
    { echo "${1#include/} does not compile alone" >&2; return 1; }
}
export -f alone
printf '%s\n' include/rondo/*.h | xargs -P "${JOBS:-2}" -I{} bash -c "alone {}"
echo "headers: fine"

#!/usr/bin/env bash
# Runs the benchmarks that were built into BUILD_DIR and prints a table. Which, how, and how to read
# it: bench/README.md.
# usage: bench/run.sh BUILD_DIR [--quick] [--save] [--only calls,backends,idle,picks]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
command -v python3 >/dev/null || { echo "bench: python3 is missing; apt install python3" >&2; exit 1; }
exec python3 "$here/run.py" "$@"

#!/usr/bin/env bash
# run_lab.sh BUILD_DIR: runs the published experiments and the scenarios in the lab; what they expect must come.
set -euo pipefail
cd "$(dirname "$0")/.."
lab=${1:?usage: run_lab.sh BUILD_DIR}/lab/rondo-lab
printf '%s\n' lab/scenarios/[es][0-9]*.json |
  xargs -P "${JOBS:-2}" -I{} bash -c "$lab run --check {} >/dev/null 2>&1 || { $lab run --check {}; exit 1; }"
echo "lab: all as expected"

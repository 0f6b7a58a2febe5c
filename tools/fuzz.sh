#!/usr/bin/env bash
# fuzz.sh BUILD_DIR SECONDS: runs each fuzz target of a build with RONDO_FUZZ, two at a time; a finding is an error.
# So that no check fails by chance, each target tries the same inputs in the same order every time, a faster machine more
# of them (the fuzzer's choices hang on addresses, too, hence setarch). A differential target stops at a count: a
# difference to the oracle is a matter for judgement. To hunt for more, run the program in BUILD_DIR/tests by hand.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:?usage: fuzz.sh BUILD_DIR SECONDS} seconds=${2:-30}
work=$build/fuzz
mkdir -p "$work"
export work
run() {
  local name until
  name=$(basename "$1")
  until=-max_total_time=$2
  [[ $name == *_differential_fuzz ]] && until=-runs=30000
  if ! setarch -R "$1" -seed=1 "$until" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$work/$name-" \
      >"$work/$name.log" 2>&1; then
    tail -40 "$work/$name.log" >&2
    echo "fuzz: $name found something" >&2
    return 1
  fi
  echo "fuzz: $name $(grep -oE 'DONE.*|Done.*' "$work/$name.log" | tail -1)"
}
export -f run
find "$build/tests" -maxdepth 1 -name '*_fuzz' -type f | sort | xargs -P 2 -I{} bash -c "run {} $seconds"

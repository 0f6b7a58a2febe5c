#!/usr/bin/env bash
# fuzz.sh BUILD_DIR SECONDS: runs each fuzz target of a build with RONDO_FUZZ, two at a time; a finding is an error.
# A difference to the oracle is a matter for judgement, no crash: so that no check fails by chance, differential targets
# run the same inputs each time (the fuzzer's choices hang on addresses, too, hence setarch). To hunt for more, run the
# program in BUILD_DIR/tests by hand.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:?usage: fuzz.sh BUILD_DIR SECONDS} seconds=${2:-30}
work=$build/fuzz
export build work
run() {
  local name how run=()
  name=$(basename "$1")
  mkdir -p "$work/corpus/$name"
  how=("-max_total_time=$2" "$work/corpus/$name")
  if [[ $name == *_differential_fuzz ]]; then
    run=(setarch -R)
    how=(-seed=1 -runs=30000)
  fi
  if ! "${run[@]}" "$1" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$work/$name-" "${how[@]}" \
      >"$work/$name.log" 2>&1; then
    tail -40 "$work/$name.log" >&2
    echo "fuzz: $name found something" >&2
    return 1
  fi
  echo "fuzz: $name $(grep -oE 'DONE.*|Done.*' "$work/$name.log" | tail -1)"
}
export -f run
find "$build/tests" -maxdepth 1 -name '*_fuzz' -type f | sort | xargs -P 2 -I{} bash -c "run {} $seconds"

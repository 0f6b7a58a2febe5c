#!/usr/bin/env bash
# Builds the fuzz targets with clang and runs each for SECONDS, two at a time; a finding is an error.
# A difference to the oracle is a matter for judgement, no crash: so that no check fails by chance, differential targets
# run the same inputs each time (the fuzzer's choices hang on addresses, too, hence setarch). To hunt for more, run the
# program in build/fuzz/tests by hand.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-30}
cmake -S . -B build/fuzz -G Ninja -DCMAKE_CXX_COMPILER=clang++-19 -DCMAKE_BUILD_TYPE=Debug \
  -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" -DCMAKE_CXX_FLAGS=-fsanitize=fuzzer-no-link \
  -DRONDO_SANITIZE=address,undefined -DRONDO_FUZZ=ON -DRONDO_TESTS=OFF -DRONDO_EXAMPLES=OFF >/dev/null
cmake --build build/fuzz -j "${JOBS:-2}"
run() {
  local name how run=()
  name=$(basename "$1")
  mkdir -p "build/fuzz/corpus/$name"
  how=("-max_total_time=$2" "build/fuzz/corpus/$name")
  if [[ $name == *_differential_fuzz ]]; then
    run=(setarch -R)
    how=(-seed=1 -runs=30000)
  fi
  if ! "${run[@]}" "$1" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="build/fuzz/$name-" "${how[@]}" \
      >"build/fuzz/$name.log" 2>&1; then
    tail -40 "build/fuzz/$name.log" >&2
    echo "fuzz: $name found something" >&2
    return 1
  fi
  echo "fuzz: $name $(grep -oE 'DONE.*|Done.*' "build/fuzz/$name.log" | tail -1)"
}
export -f run
find build/fuzz/tests -maxdepth 1 -name '*_fuzz' -type f | sort | xargs -P 2 -I{} bash -c "run {} $seconds"

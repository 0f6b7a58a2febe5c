#!/usr/bin/env bash
# The closing line of all test runs together, from the logs that ctest leaves behind.
set -euo pipefail
cd "$(dirname "$0")/.."
passed=0 failed=0
for log in build/*/Testing/Temporary/LastTest.log; do
  [ -f "$log" ] || continue
  passed=$((passed + $(grep -c '^Test Passed\.' "$log" || true)))
  failed=$((failed + $(grep -c '^Test Failed\.' "$log" || true)))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

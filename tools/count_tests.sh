#!/usr/bin/env bash
# The closing line of all test runs together, from the logs that ctest leaves behind.
set -euo pipefail
cd "$(dirname "$0")/.."
# A ctest entry is one test, or many that GoogleTest counts.
find build -path '*/Testing/Temporary/LastTest.log' -maxdepth 4 -exec cat {} + | awk '
  /^\[  PASSED  \] [0-9]+ test/ { gtest_passed = $4; counted = 1 }
  /^\[  FAILED  \] [0-9]+ test/ { gtest_failed = $4; counted = 1 }
  /^Test Passed\.|^Test Failed\./ {
    ok = $2 == "Passed."
    passed += counted ? gtest_passed : ok
    failed += ok ? 0 : gtest_failed > 0 ? gtest_failed : 1
    gtest_passed = gtest_failed = counted = 0
  }
  END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 }'

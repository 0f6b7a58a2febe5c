#!/usr/bin/env bash
# Runs an example as its README says and compares what it prints.
#   run.sh EXPECTED_FILE PROGRAM [ARG...]                      a program that is its own server
#   run.sh EXPECTED_FILE --server PROGRAM PORTS... --client PROGRAM ARG...
# The expected output is the last ``` block of EXPECTED_FILE (a README).
set -euo pipefail
expected=$(awk '/^```/{ if (on) { last=text; on=0 } else { on=1; text="" } next } on { text = text $0 "\n" } END { printf "%s", last }' "$1")
shift
server_pid=
cleanup() {
  if [ -n "$server_pid" ]; then kill "$server_pid" 2>/dev/null || true; wait "$server_pid" 2>/dev/null || true; fi
}
trap cleanup EXIT
if [ "$1" = --server ]; then
  shift
  server=()
  while [ "$1" != --client ]; do server+=("$1"); shift; done
  shift
  coproc SERVER { exec "${server[@]}"; }
  server_pid=$SERVER_PID
  while read -r -u "${SERVER[0]}" line && [ "$line" != listening ]; do :; done
fi
actual=$("$@")
# Which backend comes first is chance where policies take turns: the lines of a block may be rotated.
if [ "${SORT:-}" = 1 ]; then
  diff <(sort <<<"$expected") <(sort <<<"$actual")
else
  diff <(printf '%s\n' "$expected") <(printf '%s\n' "$actual")
fi

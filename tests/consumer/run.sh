#!/usr/bin/env bash
# Installs this build, builds a project against what was installed (by CMake, and its main file by
# pkg-config), and runs it.  run.sh BUILD_DIR SOURCE_DIR WORK_DIR
set -euo pipefail
build=$1 source=$2 work=$3
rm -rf "$work"
mkdir -p "$work"
cmake --install "$build" --prefix "$work/installed" >"$work/install.log"
cmake -S "$source" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/installed" -DCMAKE_BUILD_TYPE=Debug \
  -DCMAKE_CXX_STANDARD=20 >"$work/configure.log"
cmake --build "$work/build" >"$work/build.log"
"$work/build/consumer"
"$work/build/consumer_policy_test"
export PKG_CONFIG_PATH=$work/installed/lib/pkgconfig:$(echo "$work"/installed/lib/*/pkgconfig)
plugin=$(pkg-config --variable=plugin rondo)
mkdir "$work/by_hand"
protoc -I"$source" --cpp_out="$work/by_hand" --rondo_out="$work/by_hand" \
  --plugin=protoc-gen-rondo="$plugin" shop.proto
# shellcheck disable=SC2046
g++ -std=c++20 -I"$work/by_hand" $(pkg-config --cflags rondo) "$source/main.cc" "$work"/by_hand/*.cc \
  $(pkg-config --libs rondo) -o "$work/by_hand/consumer"
"$work/by_hand/consumer"

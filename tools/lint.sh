#!/usr/bin/env bash
# Bans, each with its reason. Prints every hit; exit status 1 if there is one.
set -u
cd "$(dirname "$0")/.."
bad=0
ban() {  # ban REASON PATTERN PATH... [:(exclude)...]
  local reason=$1 pattern=$2
  shift 2
  local hits
  hits=$(git grep -nE "$pattern" -- "$@" 2>/dev/null)
  [ -z "$hits" ] && return
  printf '%s\n  -> %s\n' "$hits" "$reason"
  bad=1
}
ban "time is an argument: take it from the loop or the Control" \
  'steady_clock::now|system_clock::now' 'src/balance' 'src/http2' 'src/transport' 'src/resolve' 'src/wire'
ban "chance is an argument: take it from the caller" \
  'std::random_device|std::mt19937|[^A-Za-z_]s?rand\(' 'src' ':(exclude)src/channel/channel.cc' ':(exclude)src/server/server.cc' ':(exclude)src/observe/tracer.cc' ':(exclude)src/*_test.cc' ':(exclude)src/*fixture*'
ban "threads belong to src/event and the server's workers" \
  'std::j?thread[ (<{]' 'src' ':(exclude)src/event' ':(exclude)src/server/worker_pool*' ':(exclude)*_test.cc'
ban "tests don't sleep: wait for the event itself" \
  'sleep_for|sleep_until|usleep|nanosleep' 'src' 'tests/*.cc' 'tests/*.h' 'examples' 'include' \
  ':(exclude)tests/interop' ':(exclude)tests/conformance'  # Programs whose protocol says to wait.
ban "capture what you need by name" '\[=\]' 'src' 'include' 'examples' 'tests' 'codegen' 'cli'
ban "g++ 12 destroys captures twice: name the lambda before the co_await" \
  'co_await[^;]*\[[^]&]+\][ ]*\(' 'src' 'include' 'examples' 'tests' 'cli'
ban "g++ 12 makes an illegal instruction of it: while (auto value = co_await ...Read())" \
  'while \(co_await' 'src' 'include' 'examples' 'tests' 'cli'
ban "g++ 12 destroys twice: write if/else around the co_await" '\?[^;:]*co_await[^;]*:' 'src' 'include' 'examples' 'tests' 'cli'
ban "finish it, or say in the issue what is missing" 'TODO|FIXME|[^X]XXX[^X]|HACK' 'src' 'include' 'codegen' 'cli' 'examples' 'bench' 'tests'
ban "Debian's absl::Mutex carries a deadlock graph: std::mutex" 'absl::Mutex|absl/synchronization' 'src' 'include'
exit $bad

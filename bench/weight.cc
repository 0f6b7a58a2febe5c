// What channels, connections and backends weigh while nothing is called on them.
// weight channels=N              N channels that were never used
// weight connections=N port=P    N channels with one connection each
// weight backends=N port=P,...   one channel, round_robin over N backends, all connected
// The last two say `started NS` (CLOCK_MONOTONIC) when they begin to connect; a line on stdin tells
// them that all are READY. Then one line of JSON: KiB each by resident pages and by malloc's count,
// and the CPU it took.
#include <malloc.h>

#include <fstream>

#include "floor/harness.h"
#include "rondo/channel.h"

namespace bench {
namespace {

struct Weight {
  double resident_kib, heap_kib;
};
Weight Weigh() {
  long pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  const struct mallinfo2 heap = mallinfo2();
  return {static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024,
          static_cast<double>(heap.uordblks + heap.hblkhd) / 1024};
}

rondo::Channel Open(const std::string& target, const std::string& policy, rondo::LoopPool& loops) {
  absl::StatusOr<rondo::Channel> channel = rondo::Channel::Create(
      target, {.credentials = rondo::Insecure(),
               .default_service_config = R"({"loadBalancingConfig":[{")" + policy + R"(":{}}]})",
               .loops = &loops});
  if (!channel.ok()) {
    std::fprintf(stderr, "bench: %s\n", channel.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(channel);
}

// "a,b" as "ipv4:127.0.0.1:a,127.0.0.1:b".
std::string Target(const std::string& ports) {
  std::string target = "ipv4:127.0.0.1:";
  for (const char c : ports) target += c == ',' ? ",127.0.0.1:" : std::string(1, c);
  return target;
}

void WaitUntilReady() {
  std::printf("started %llu\n", static_cast<unsigned long long>(NowNs()));
  std::fflush(stdout);
}

int Main(const Arguments& arguments) {
  Prepare(arguments);
  rondo::LoopPool loops(1);
  const int channels = arguments.Int("channels", 0), connections = arguments.Int("connections", 0);
  const int backends = arguments.Int("backends", 0);
  const std::string target = Target(arguments.Text("port", "1"));
  // The first of its kind pays for what all share.
  std::vector<rondo::Channel> all{Open(target, "round_robin", loops)};
  all.reserve(static_cast<size_t>(channels + connections) + 1);

  const Weight before = Weigh();
  const uint64_t begin = NowNs(), cpu = CpuNs(0);
  for (int i = 0; i < channels + connections; ++i) all.push_back(Open(target, "pick_first", loops));
  const uint64_t created = NowNs() - begin;
  if (connections + backends > 0) {
    WaitUntilReady();
    for (size_t i = backends > 0 ? 0 : 1; i < all.size(); ++i) all[i].Connect();
    if (std::getchar() == EOF) return 1;
  }
  const Weight after = Weigh();
  const double each = channels + connections + backends;
  std::printf(
      "{\"resident_kib\": %.2f, \"heap_kib\": %.2f, \"cpu_ms\": %.2f, \"created_us\": %.2f}\n",
      (after.resident_kib - before.resident_kib) / each, (after.heap_kib - before.heap_kib) / each,
      static_cast<double>(CpuNs(0) - cpu) / 1e6, static_cast<double>(created) / 1000 / each);
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(bench::Arguments(argc, argv)); }

// What policies cost, through all of the contract: the channel's plan slots, a graceful switch as
// root, the policy's own picker. A pick, by 1, 2 and 4 threads; an update of which one endpoint is
// new; the memory of a backend. Beside them the naive way, a mutex and a vector. Google Benchmark's
// flags, e.g. --benchmark_filter=round_robin.
#include <benchmark/benchmark.h>

#include <mutex>
#include <vector>

#include "balance/builtin.h"
#include "balance/graceful_switch.h"
#include "balance/lb_config.h"
#include "base/text.h"
#include "count_new.h"
#include "floor/message.h"
#include "instant_control.h"

namespace bench {
namespace {

constexpr const char* kPolicies[] = {"pick_first",    "round_robin", "weighted_round_robin",
                                     "least_request", "p2c_ewma",    "locality_aware",
                                     "ring_hash",     "maglev"};

struct NoPost final : Post {
  void Deliver(NudgeRef) override {}
};

Update Backends(const char* policy, int64_t count) {
  const PolicyRegistry registry = BuiltinPolicies();
  ConfigIssues issues;
  const Json list = *Json::Parse(Cat(R"([{")", policy, R"(":{}}])"));
  std::vector<Endpoint> endpoints;
  for (int64_t i = 0; i < count; ++i) {
    endpoints.push_back(
        {.addresses = {Cat("10.", i / 62500, ".", i / 250 % 250, ".", i % 250, ":50051")}});
  }
  Update update{.endpoints = std::move(endpoints)};
  update.config =
      std::make_shared<SwitchConfig>(ReadPolicyList(list, "loadBalancingConfig", registry, issues));
  return update;
}

// A policy under a channel's plan slots.
class Balanced {
 public:
  Balanced(const char* policy, int64_t backends) : backends_(backends) {
    const Update update = Backends(policy, backends);
    const int64_t before = allocated_bytes;
    Take(update);
    bytes_ = allocated_bytes - before;
  }
  void Take(const Update& update) {
    if (!root_->OnUpdate(update, control_).ok()) Die("an update is refused");
    slots_.Publish({.picker = control_.MakePicker(backends_), .config = nullptr});
  }
  channel::PlanSlots& slots() { return slots_; }
  uint64_t opened() const { return control_.opened(); }
  double bytes_each() const { return static_cast<double>(bytes_) / static_cast<double>(backends_); }

 private:
  const int64_t backends_;
  InstantControl control_;
  const std::unique_ptr<Policy> root_ = GracefulSwitchPolicy().make();
  channel::PlanSlots slots_{1};
  int64_t bytes_ = 0;
};

// Around a loop of `n` steps: what this thread has spent on each.
class Spent {
 public:
  void Tell(benchmark::State& state) const {
    const auto n = static_cast<double>(state.iterations());
    const auto cpu = static_cast<double>(ReadClock(CLOCK_THREAD_CPUTIME_ID) - cpu_);
    state.counters["ns"] = {cpu / n, benchmark::Counter::kAvgThreads};
    state.counters["allocations"] = {static_cast<double>(allocations - allocations_) / n,
                                     benchmark::Counter::kAvgThreads};
  }

 private:
  const uint64_t allocations_ = allocations, cpu_ = ReadClock(CLOCK_THREAD_CPUTIME_ID);
};

void PickOne(benchmark::State& state, const char* policy) {
  static std::unique_ptr<Balanced> balanced;  // Made and ended while the other threads wait.
  const int64_t backends = state.range(0);
  if (state.thread_index() == 0) balanced = std::make_unique<Balanced>(policy, backends);
  NoPost post;
  uint64_t key = 0;
  std::optional<Spent> spent;
  for (auto step : state) {
    if (!spent) spent.emplace();
    key = key + 1 < Keys(backends) ? key + 1 : 0;
    channel::PlanSlots::Lease lease = balanced->slots().Take(false);
    const PickResult result = lease.plan().picker->Pick({.method = PathOf(Kind::kUnary),
                                                         .chance = &lease.chance(),
                                                         .post = &post,
                                                         .shard = lease.shard(),
                                                         .affinity = key});
    if (!result.picked()) Die("a pick failed");
    benchmark::DoNotOptimize(result.subchannel());
  }
  spent->Tell(state);
  if (state.thread_index() == 0) balanced.reset();
}

// What one writes first: turns under a mutex, and a share of the backend for the call.
class NaiveTurns {
 public:
  explicit NaiveTurns(int64_t backends) {
    for (int64_t i = 0; i < backends; ++i) all_.push_back(std::make_shared<Subchannel>("naive"));
  }
  SubchannelRef Pick() {
    const std::lock_guard lock(mutex_);
    next_ = next_ + 1 < all_.size() ? next_ + 1 : 0;
    return all_[next_];
  }

 private:
  std::mutex mutex_;
  std::vector<SubchannelRef> all_;
  size_t next_ = 0;
};

void PickNaively(benchmark::State& state) {
  static std::unique_ptr<NaiveTurns> turns;
  if (state.thread_index() == 0) turns = std::make_unique<NaiveTurns>(state.range(0));
  std::optional<Spent> spent;
  for (auto step : state) {
    if (!spent) spent.emplace();
    benchmark::DoNotOptimize(turns->Pick());
  }
  spent->Tell(state);
  if (state.thread_index() == 0) turns.reset();
}

void UpdateOne(benchmark::State& state, const char* policy) {
  const Update one = Backends(policy, state.range(0));
  std::vector<Endpoint> endpoints = one.endpoints;
  endpoints.back().addresses = {"192.0.2.1:50051"};
  Update other = one;
  other.endpoints = std::move(endpoints);
  Balanced balanced(policy, state.range(0));
  const uint64_t opened = balanced.opened();
  bool odd = false;
  for (auto step : state) balanced.Take((odd = !odd) ? other : one);
  state.counters["opened"] =
      static_cast<double>(balanced.opened() - opened) / static_cast<double>(state.iterations());
  state.counters["bytes_a_backend"] = balanced.bytes_each();
}

void Register() {
  const auto pick = [](const char* name, auto measure) {
    benchmark::RegisterBenchmark(Cat("pick/", name).c_str(), measure)
        ->ArgName("backends")
        ->Arg(1)
        ->Arg(10)
        ->Arg(1000)
        ->Arg(100'000)
        ->Threads(1)
        ->Threads(2)
        ->Threads(4);
  };
  pick("mutex_and_vector", &PickNaively);
  for (const char* policy : kPolicies) {
    pick(policy, [policy](benchmark::State& state) { PickOne(state, policy); });
    benchmark::RegisterBenchmark(Cat("update/", policy).c_str(),
                                 [policy](benchmark::State& state) { UpdateOne(state, policy); })
        ->ArgName("backends")
        ->Arg(1000)
        ->Arg(10'000)
        ->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::Register();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}

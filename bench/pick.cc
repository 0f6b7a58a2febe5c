// What a pick costs, through all of the contract: the channel's plan slots, a graceful switch as
// root, the policy's own picker. One line of JSON a case: ns of one thread, allocations a pick.
// pick [seconds=S of each run]
#include <pthread.h>

#include <algorithm>
#include <thread>

#include "balance/builtin.h"
#include "balance/graceful_switch.h"
#include "balance/lb_config.h"
#include "base/text.h"
#include "channel/plan_slots.h"
#include "count_new.h"
#include "floor/message.h"

namespace bench {
namespace {

using namespace rondo;  // NOLINT(google-build-using-namespace): a program about it.

constexpr int kRuns = 5;

// For policies that hash: enough to meet nearly every backend, and all of those are connected.
uint64_t Keys(int backends) { return 40 * static_cast<uint64_t>(backends); }

// Stands for the channel: whatever is told to connect is ready at once.
class InstantControl final : public Control, public Post {
 public:
  std::unique_ptr<SubchannelHandle> Open(const OpenOptions& options,
                                         OnSubchannelState on_state) override {
    auto ready = std::make_shared<OnSubchannelState>(std::move(on_state));
    return std::make_unique<Handle>(options.address, [this, ready] {
      todo_.push_back([this, ready] { (*ready)({.connectivity = Connectivity::kReady}, *this); });
    });
  }
  void Publish(Connectivity state, Recipe picker) override {
    state_ = state;
    recipe_ = std::move(picker);
  }
  void Reresolve() override {}
  std::unique_ptr<Timer> After(Duration, OnEvent) override { return std::make_unique<Timer>(); }
  std::unique_ptr<NudgeHandle> OnNudge(OnEvent raised) override {
    auto handle = std::make_unique<Nudges>();
    auto nudge = std::make_shared<KeptNudge>();
    nudge->reaction = std::make_shared<OnEvent>(std::move(raised));
    handle->nudge = std::move(nudge);
    return handle;
  }
  std::shared_ptr<Gauge> Shared(std::string_view) override { return std::make_shared<Gauge>(0); }
  Time Now() const override { return {}; }
  uint64_t Random(uint64_t bound) override { return chance_.Next() % bound; }
  uint32_t Shards() const override { return channel::PlanSlots::kSlots; }
  void Metric(const MetricPoint&) override {}

  void Deliver(NudgeRef nudge) override {
    todo_.push_back([this, nudge] { (*static_cast<const KeptNudge&>(*nudge).reaction)(*this); });
  }
  // Connects first, by picks with many keys, those that wait for a call.
  PickerRef MakePicker(int backends) {
    Settle();
    if (state_ == Connectivity::kIdle) {
      const PickerRef idle = Cook();
      for (uint64_t key = 0; key < Keys(backends); ++key) {
        static_cast<void>(idle->Pick(
            {.method = "/bench/Connect", .chance = &chance_, .post = this, .affinity = key}));
      }
      Settle();
    }
    if (state_ != Connectivity::kReady) Die("the policy isn't ready");
    return Cook();
  }

 private:
  struct Handle final : SubchannelHandle {
    Handle(std::string_view address, Function<void()> c)
        : subchannel(std::make_shared<Subchannel>(address)), connect(std::move(c)) {}
    SubchannelRef Ref() const override { return subchannel; }
    void Connect() override { connect(); }
    SubchannelRef subchannel;
    Function<void()> connect;
  };
  struct KeptNudge final : Nudge {
    std::shared_ptr<OnEvent> reaction;
  };
  struct Nudges final : NudgeHandle {
    NudgeRef Ref() const override { return nudge; }
    NudgeRef nudge;
  };
  void Settle() {
    for (size_t i = 0; i < todo_.size(); ++i) Function<void()>(std::move(todo_[i]))();
    todo_.clear();
  }
  PickerRef Cook() { return recipe_({.now = {}, .shards = Shards(), .chance = chance_}); }

  Chance chance_{1};
  Connectivity state_ = Connectivity::kIdle;
  Recipe recipe_;
  std::vector<Function<void()>> todo_;
};

struct NoPost final : Post {
  void Deliver(NudgeRef) override {}
};

struct Result {
  double ns, allocations;
};

// Picks for a while on a CPU of its own.
Result PickFor(channel::PlanSlots& slots, double seconds, uint64_t keys, std::atomic<int>& to_come,
               int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(cpu), &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
  NoPost post;
  uint64_t key = 0;
  const auto some = [&](int n) {
    for (int i = 0; i < n; ++i) {
      key = key + 1 < keys ? key + 1 : 0;
      channel::PlanSlots::Lease lease = slots.Take(false);
      const PickResult result = lease.plan().picker->Pick({.method = PathOf(Kind::kUnary),
                                                           .chance = &lease.chance(),
                                                           .post = &post,
                                                           .shard = lease.shard(),
                                                           .affinity = key});
      if (!result.picked()) Die("a pick failed");
      asm volatile("" : : "g"(result.subchannel()) : "memory");
    }
  };
  some(5000);
  for (--to_come; to_come > 0;) std::this_thread::yield();
  const uint64_t allocated = allocations, begin = NowNs(),
                 cpu_begin = ReadClock(CLOCK_THREAD_CPUTIME_ID);
  double picks = 0;
  while (static_cast<double>(NowNs() - begin) < seconds * 1e9) {
    some(5000);
    picks += 5000;
  }
  const double ns = static_cast<double>(ReadClock(CLOCK_THREAD_CPUTIME_ID) - cpu_begin) / picks;
  return {ns, static_cast<double>(allocations - allocated) / picks};
}

void Case(const char* name, int backends, double seconds) {
  InstantControl control;
  const PolicyRegistry registry = BuiltinPolicies();
  ConfigIssues issues;
  const Json list = *Json::Parse(Cat(R"([{")", name, R"(":{}}])"));
  Update update;
  for (int i = 0; i < backends; ++i) {
    update.endpoints.push_back({.addresses = {Cat("10.0.", i / 250, ".", i % 250, ":50051")}});
  }
  update.config =
      std::make_shared<SwitchConfig>(ReadPolicyList(list, "loadBalancingConfig", registry, issues));
  const std::unique_ptr<Policy> root = GracefulSwitchPolicy().make();
  root->OnUpdate(update, control).IgnoreError();
  channel::PlanSlots slots(1);
  slots.Publish({.picker = control.MakePicker(backends), .config = nullptr});

  const int cpus = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  for (const int threads : {1, 2, 4}) {
    std::vector<double> ns;
    double most_allocations = 0;
    for (int run = 0; run < kRuns; ++run) {
      std::vector<Result> each(static_cast<size_t>(threads));
      std::atomic<int> to_come{threads};
      std::vector<std::thread> all;
      for (int t = 0; t < threads; ++t) {
        all.emplace_back([&, t] {
          each[static_cast<size_t>(t)] = PickFor(slots, seconds, Keys(backends), to_come, t % cpus);
        });
      }
      for (std::thread& thread : all) thread.join();
      double slowest = 0;
      for (const Result& r : each) {
        slowest = std::max(slowest, r.ns);
        most_allocations = std::max(most_allocations, r.allocations);
      }
      ns.push_back(slowest);
    }
    std::sort(ns.begin(), ns.end());
    std::printf(
        "{\"policy\": \"%s\", \"backends\": %d, \"threads\": %d, \"ns\": [%.2f, %.2f, %.2f], "
        "\"allocations\": %.4f}\n",
        name, backends, threads, ns.front(), ns[kRuns / 2], ns.back(), most_allocations);
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const double seconds = bench::Arguments(argc, argv).Number("seconds", 0.02);
  for (const char* policy : {"pick_first", "round_robin", "weighted_round_robin", "least_request",
                             "p2c_ewma", "ring_hash", "maglev"}) {
    for (const int backends : {1, 10, 1000}) bench::Case(policy, backends, seconds);
  }
}

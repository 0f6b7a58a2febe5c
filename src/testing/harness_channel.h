#pragma once
// The harness' inside: a Control whose connections, timers and nudges are a few maps and a queue.
// Threads: the test's.
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "balance/registry.h"
#include "rondo/config.h"
#include "rondo/testing.h"

namespace rondo::testing {

class PolicyHarness::Channel final : public Control, public Post {
 public:
  explicit Channel(HarnessOptions options);
  ~Channel() override { root = nullptr; }

  absl::Status Configure(std::string_view policies);
  absl::Status Resolve(std::vector<Endpoint> endpoints);
  void Become(const Addresses& addresses, const SubchannelState& to);
  void AdvanceTo(Time when);
  std::optional<Time> NextTimer() const;
  std::string Leaks() const;
  PickerRef DropPolicy();
  Policy& Root();
  // `work`, then all that it leaves to be done, then a new picker if one was published.
  template <class F>
  void Turn(F work) {
    work();
    for (; !queue_.empty(); queue_.pop_front()) queue_.front()();
    if (!recipe_) return;
    picker = std::exchange(recipe_, nullptr)({now, Shards(), chance});
    ++pickers_made;
  }

  // Control and Post
  std::unique_ptr<SubchannelHandle> Open(const OpenOptions& options,
                                         OnSubchannelState told) override;
  void Publish(Connectivity to, Recipe recipe) override;
  void Reresolve() override { ++reresolutions; }
  std::unique_ptr<Timer> After(Duration delay, OnEvent fire) override;
  std::unique_ptr<NudgeHandle> OnNudge(OnEvent raised) override;
  void Deliver(NudgeRef nudge) override;
  std::shared_ptr<Gauge> Shared(std::string_view key) override;
  Time Now() const override { return now; }
  uint64_t Random(uint64_t bound) override { return draw(bound); }
  uint32_t Shards() const override { return 2; }
  void Metric(const MetricPoint& point) override;

  struct Handle;
  struct Core {
    std::shared_ptr<Subchannel> subchannel;
    SubchannelState state;
    std::vector<Handle*> handles;
  };
  Core& CoreOf(const std::string& address);  // Throws std::logic_error if it isn't open.

  PolicyRegistry registry;
  std::map<std::string, Core> cores;  // By Handle::key.
  std::function<std::optional<SubchannelState>(const std::string&)> answer;
  std::function<std::optional<LoadReport>(const std::string&)> answer_probe;
  std::map<std::string, int> dials, probes;
  Addresses dialled;
  std::map<std::string, Duration> report_period;
  std::map<std::string, double> metrics;
  std::map<std::string, std::vector<double>> samples;
  std::vector<std::string> warnings;
  Attributes settings;
  Connectivity state = Connectivity::kConnecting;
  std::vector<Connectivity> states;
  int reresolutions = 0, published = 0, pickers_made = 0;
  Time now{std::chrono::hours(1)};
  Chance chance;
  Chance control_chance;
  std::function<uint64_t(uint64_t)> draw;
  PickArgs args;
  PickerRef picker;
  std::unique_ptr<Policy> root;

 private:
  struct FakeTimer;
  struct FakeNudge;
  struct FakeNudgeHandle;
  void Report(Core& core, const SubchannelState& to);
  void Tell(Handle& handle, SubchannelState to);

  std::multimap<Time, std::weak_ptr<OnEvent>> timers_;
  std::deque<std::function<void()>> queue_;
  std::map<std::string, std::weak_ptr<Gauge>> gauges_;
  int nudges_ = 0;
  Recipe recipe_;
  ChildConfig child_;
};

}  // namespace rondo::testing

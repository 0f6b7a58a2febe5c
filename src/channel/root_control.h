#pragma once
// The Control of a channel's root policy: what policies ask for, done by the channel. Lives on the
// stack for one call into the tree.
// Threads: home.
#include "channel/core.h"

namespace rondo::channel {

class RootControl final : public Control {
 public:
  explicit RootControl(Core& core) : core_(core) {}

  std::unique_ptr<SubchannelHandle> Open(const OpenOptions& options,
                                         OnSubchannelState on_state) override;
  void Publish(Connectivity state, Recipe picker) override;
  void Reresolve() override;
  std::unique_ptr<Timer> After(Duration delay, OnEvent fire) override;
  std::unique_ptr<NudgeHandle> OnNudge(OnEvent raised) override;
  std::shared_ptr<Gauge> Shared(std::string_view key) override;
  Time Now() const override;
  uint64_t Random(uint64_t bound) override;
  uint32_t Shards() const override { return PlanSlots::kSlots; }
  void Metric(const MetricPoint& point) override {
    core_.Observe([&](ChannelObserver& o) { o.OnPolicyMetric(point); });
  }
  PolicyNode* Node() override { return &core_.policies(); }

 private:
  Core& core_;
};

// A nudge as this channel makes them: memory, with the ear of the policy as long as it listens.
struct ChannelNudge final : Nudge {
  struct Ear {
    OnEvent raised;
    bool gone = false;
  };
  mutable std::shared_ptr<Ear> ear;  // Home's. Null once the handle is gone.
};

}  // namespace rondo::channel

#pragma once
// A channel without connections, for measuring policies through all of the contract.
// Threads: one at a time.
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "channel/plan_slots.h"
#include "floor/harness.h"
#include "rondo/policy.h"

namespace bench {

using namespace rondo;  // NOLINT(google-build-using-namespace): for programs about it.

// For policies that hash: enough to meet nearly every backend, and all of those are connected.
inline uint64_t Keys(int64_t backends) { return 40 * static_cast<uint64_t>(backends); }

// Stands for the channel: whatever is told to connect is ready at once.
class InstantControl final : public Control, public Post {
 public:
  std::unique_ptr<SubchannelHandle> Open(const OpenOptions& options,
                                         OnSubchannelState on_state) override {
    ++opened_;
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
  uint64_t opened() const { return opened_; }  // How many subchannels.
  // Connects first, by picks with many keys, those that wait for a call.
  PickerRef MakePicker(int64_t backends) {
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
  uint64_t opened_ = 0;
  Connectivity state_ = Connectivity::kIdle;
  Recipe recipe_;
  std::vector<Function<void()>> todo_;
};

}  // namespace bench

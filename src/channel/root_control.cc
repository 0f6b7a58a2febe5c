#include "channel/root_control.h"

namespace rondo::channel {
namespace {

class Listening final : public NudgeHandle {
 public:
  explicit Listening(OnEvent raised) {
    nudge_->ear = std::make_shared<ChannelNudge::Ear>();
    nudge_->ear->raised = std::move(raised);
  }
  ~Listening() override {
    nudge_->ear->gone = true;
    nudge_->ear = nullptr;  // A picker that still has the nudge has memory only.
  }
  NudgeRef Ref() const override { return nudge_; }

 private:
  const std::shared_ptr<ChannelNudge> nudge_ = std::make_shared<ChannelNudge>();
};

}  // namespace

std::unique_ptr<SubchannelHandle> RootControl::Open(const OpenOptions& options,
                                                    OnSubchannelState on_state) {
  return core_.pool().Open(options, std::move(on_state));
}

void RootControl::Publish(Connectivity state, Recipe picker) {
  core_.OnPublish(state, std::move(picker));
}

void RootControl::Reresolve() { core_.WantReresolve(); }

std::unique_ptr<Timer> RootControl::After(Duration delay, OnEvent fire) {
  return core_.home().After(delay, [core = &core_, fire = std::move(fire)]() mutable {
    RootControl control(*core);
    fire(control);
  });
}

std::unique_ptr<NudgeHandle> RootControl::OnNudge(OnEvent raised) {
  return std::make_unique<Listening>(std::move(raised));
}

std::shared_ptr<Gauge> RootControl::Shared(std::string_view key) { return core_.SharedGauge(key); }
Time RootControl::Now() const { return core_.home().Now(); }

uint64_t RootControl::Random(uint64_t bound) {
  // Rejection keeps it uniform.
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  for (;;) {
    if (const uint64_t r = core_.chance().Next(); r < limit) return r % bound;
  }
}

}  // namespace rondo::channel

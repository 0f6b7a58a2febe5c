// pick_first (A61, A62, A113): one backend, the first that answers.
//
// A pass walks the list: an address that fails, or takes longer than the attempt delay, lets the
// next one begin beside it (Happy Eyeballs). A pass ends with a connection, or when all have
// failed: then TRANSIENT_FAILURE stays (is sticky) until one is ready, while each is retried by its
// own backoff.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "balance/address_list.h"
#include "balance/builtin.h"
#include "base/text.h"
#include "rondo/config.h"

namespace rondo {
namespace {

struct PickFirstConfig {
  bool shuffle = false;
  void Read(ConfigReader& r) { r.Bool("shuffleAddressList", shuffle); }
};

Duration AttemptDelay(const Attributes& settings) {
  const auto* set = settings.Get<ConnectionAttemptDelay>();
  return std::clamp<Duration>(set == nullptr ? ConnectionAttemptDelay().value : set->value,
                              std::chrono::milliseconds(100), std::chrono::seconds(2));
}

class PickFirst final : public Policy {
 public:
  absl::Status OnUpdate(const Update& update, Control& control) override;
  void OnResolverError(const absl::Status& why, Control& control) override;
  void OnIdleExit(Control& control) override;

 private:
  struct Backend {
    Address address;
    Connectivity seen = Connectivity::kIdle;
    absl::Status why;
    bool failed = false;  // In this pass.
    std::unique_ptr<SubchannelHandle> handle;
  };

  // ---- The pass
  void StartPass(Control& control);
  void TryNext(Control& control);
  void AwaitAttempt(Control& control);
  void EndPassIfAllFailed(Control& control);
  Backend& Open(const Address& address, Control& control);

  // ---- What subchannels report
  void OnState(Backend& backend, const SubchannelState& state, Control& control);
  void OnReady(Backend& backend, const SubchannelState& state, Control& control);
  void OnLost(Backend& backend, Control& control);
  void OnLostWhileScaling(Backend& backend, const SubchannelState& state, Control& control);
  void OnFailed(Backend& backend, Control& control);
  void KeepOnly(const Backend& backend);

  // ---- What it says
  void Say(Connectivity state, Control::Recipe picker, Control& control);
  void SayConnecting(Control& control) { Say(Connectivity::kConnecting, QueuePicker(), control); }
  absl::Status SayFailed(absl::Status why, Control& control);
  void SayUnreachable(Control& control);
  bool Is(Connectivity state) const { return said_ == state; }

  std::vector<Address> addresses_;
  size_t at_ = 0;  // Of the attempt that the timer belongs to; past the end: all have begun.
  std::vector<std::unique_ptr<Backend>> backends_;
  Backend* chosen_ = nullptr;        // The one whose connection is ready; the only one then.
  const Backend* latest_ = nullptr;  // That failed, for error text.
  bool in_pass_ = false, watch_health_ = false;
  bool suspect_ = false;  // The chosen one, as was said last.
  size_t failures_ = 0;   // Since the pass.
  Duration delay_{};
  std::optional<Connectivity> said_;
  std::unique_ptr<Timer> timer_;
  std::unique_ptr<NudgeHandle> nudge_;
};

// ---- From above --------------------------------------------------------------------------------

absl::Status PickFirst::OnUpdate(const Update& update, Control& control) {
  timer_ = nullptr;
  delay_ = AttemptDelay(update.settings);
  watch_health_ = update.watch_health;
  const bool had_none = addresses_.empty();
  std::vector<Endpoint> endpoints = update.endpoints;
  if (update.config != nullptr && ConfigAs<PickFirstConfig>(update.config).shuffle) {
    ShuffleByWeight(endpoints, control);
  }
  addresses_ = Interleave(Flatten(endpoints));
  const auto listed = [this](const Backend& b) {
    return std::find(addresses_.begin(), addresses_.end(), b.address) != addresses_.end();
  };
  if (chosen_ != nullptr && listed(*chosen_)) return absl::OkStatus();  // It serves on.

  const bool lost = std::exchange(chosen_, nullptr) != nullptr;
  latest_ = nullptr;
  std::erase_if(backends_, [&](const auto& b) { return !listed(*b); });
  if (addresses_.empty()) {
    in_pass_ = false;
    return SayFailed(
        absl::UnavailableError(Cat("pick_first: name resolver error: produced zero addresses",
                                   update.note.empty() ? "" : ": ", update.note)),
        control);
  }
  if (had_none || lost || Is(Connectivity::kConnecting)) SayConnecting(control);
  if (!Is(Connectivity::kIdle)) StartPass(control);
  return absl::OkStatus();
}

void PickFirst::OnResolverError(const absl::Status& why, Control& control) {
  // With a list it goes on with that, unless there is nothing to lose (A62).
  if (!addresses_.empty() && !Is(Connectivity::kTransientFailure)) return;
  SayFailed(absl::Status(why.code(), Cat("pick_first: ", why.message())), control).IgnoreError();
}

void PickFirst::OnIdleExit(Control& control) {
  if (!Is(Connectivity::kIdle)) return;
  SayConnecting(control);
  StartPass(control);
}

// ---- The pass ----------------------------------------------------------------------------------

void PickFirst::StartPass(Control& control) {
  in_pass_ = true;
  at_ = failures_ = 0;
  for (auto& b : backends_) b->failed = false;
  TryNext(control);
}

void PickFirst::TryNext(Control& control) {
  timer_ = nullptr;
  for (; at_ < addresses_.size(); ++at_) {
    Backend& b = Open(addresses_[at_], control);
    if (b.seen != Connectivity::kTransientFailure) {
      b.handle->Connect();  // Idle ones; a kept one may be on its way already.
      return AwaitAttempt(control);
    }
    b.failed = true;  // It failed before and is in its backoff.
    latest_ = &b;
  }
  EndPassIfAllFailed(control);
}

void PickFirst::AwaitAttempt(Control& control) {
  if (at_ + 1 == addresses_.size()) return;
  timer_ = control.After(delay_, [this](Control& c) {
    ++at_;
    TryNext(c);
  });
}

void PickFirst::EndPassIfAllFailed(Control& control) {
  if (!in_pass_ || at_ < addresses_.size()) return;
  if (!std::all_of(backends_.begin(), backends_.end(), [](auto& b) { return b->failed; })) return;
  in_pass_ = false;
  control.Reresolve();  // A61: once a pass.
  SayUnreachable(control);
  for (auto& b : backends_) {
    if (b->seen == Connectivity::kIdle) b->handle->Connect();
  }
}

PickFirst::Backend& PickFirst::Open(const Address& address, Control& control) {
  for (auto& b : backends_) {
    if (b->address == address) return *b;
  }
  Backend& b = *backends_.emplace_back(std::make_unique<Backend>());
  b.address = address;
  b.handle = control.Open(
      {.address = b.address.text, .watch_health = watch_health_, .transport = &b.address.transport},
      [this, &b](const SubchannelState& s, Control& c) { OnState(b, s, c); });
  return b;
}

// ---- What subchannels report -------------------------------------------------------------------

void PickFirst::OnState(Backend& b, const SubchannelState& state, Control& control) {
  const Connectivity before = std::exchange(b.seen, state.connectivity);
  if (state.connectivity == Connectivity::kReady) return OnReady(b, state, control);
  if (chosen_ == &b) {
    if (state.connectivity == Connectivity::kIdle) return OnLost(b, control);
    return OnLostWhileScaling(b, state, control);
  }
  // Waiting for a call: what the connections of others, which share the address, do meanwhile is of
  // no interest unless they get ready.
  if (Is(Connectivity::kIdle) || before == state.connectivity) return;
  switch (state.connectivity) {
    case Connectivity::kReady:
      return;
    case Connectivity::kConnecting:
      return;  // It has been said; or the failure is sticky (A62).
    case Connectivity::kTransientFailure:
      b.why = state.why;
      latest_ = &b;
      return OnFailed(b, control);
    case Connectivity::kIdle:
      // Straight from connecting: it was ready, and lost before it could be told.
      if (before == Connectivity::kConnecting) return OnLost(b, control);
      if (!in_pass_) b.handle->Connect();  // Its backoff is over.
      return;
  }
}

void PickFirst::OnReady(Backend& b, const SubchannelState& state, Control& control) {
  if (chosen_ == nullptr) {
    chosen_ = &b;
    in_pass_ = false;
    timer_ = nullptr;
    suspect_ = state.suspect;
    KeepOnly(b);
  }
  // A parent that spreads calls builds its set anew; alone, there is nowhere else to go.
  if (std::exchange(suspect_, state.suspect) != state.suspect && watch_health_) said_.reset();
  switch (state.health) {
    case Connectivity::kReady:
      return Say(Connectivity::kReady, OnePicker(b.handle->Ref()), control);
    case Connectivity::kTransientFailure:  // The connection is kept.
      SayFailed(absl::Status(state.why.code(),
                             Cat(b.address.text, ": health check failure: ", state.why.message())),
                control)
          .IgnoreError();
      return;
    case Connectivity::kIdle:
    case Connectivity::kConnecting:
      return SayConnecting(control);  // Also out of a sticky failure.
  }
}

void PickFirst::OnLost(Backend& b, Control& control) {
  chosen_ = nullptr;
  in_pass_ = false;
  timer_ = nullptr;
  KeepOnly(b);
  at_ = 0;
  control.Reresolve();
  if (nudge_ == nullptr) nudge_ = control.OnNudge([this](Control& c) { OnIdleExit(c); });
  Say(Connectivity::kIdle, NudgePicker(nudge_->Ref()), control);
}

// A105: its last connection went while one more was being made, or waited to be.
void PickFirst::OnLostWhileScaling(Backend& b, const SubchannelState& state, Control& control) {
  chosen_ = nullptr;
  timer_ = nullptr;
  b.why = state.why;
  KeepOnly(b);
  control.Reresolve();
  SayConnecting(control);
  StartPass(control);
}

void PickFirst::OnFailed(Backend& b, Control& control) {
  if (in_pass_) {
    b.failed = true;
    if (at_ == addresses_.size() || !(addresses_[at_] == b.address)) {
      return EndPassIfAllFailed(control);
    }
    ++at_;
    return TryNext(control);
  }
  // One new text, and one question to the resolver, for about each time around.
  if (++failures_ % backends_.size() != 0) return;
  control.Reresolve();
  SayUnreachable(control);
}

void PickFirst::KeepOnly(const Backend& one) {
  if (latest_ != &one) latest_ = nullptr;
  std::erase_if(backends_, [&](const auto& b) { return b.get() != &one; });
}

// ---- What it says ------------------------------------------------------------------------------

void PickFirst::Say(Connectivity state, Control::Recipe picker, Control& control) {
  if (Is(state) && state != Connectivity::kTransientFailure) return;
  said_ = state;
  control.Publish(state, std::move(picker));
}

absl::Status PickFirst::SayFailed(absl::Status why, Control& control) {
  Say(Connectivity::kTransientFailure, FailPicker(why), control);
  return why;
}

void PickFirst::SayUnreachable(Control& control) {
  std::string text = Cat(latest_->address.text, ": ", latest_->why.message());
  if (addresses_.size() > 1) {
    text =
        Cat("pick_first: none of ", addresses_.size(), " addresses can be reached; last: ", text);
  }
  SayFailed(absl::Status(latest_->why.code(), text), control).IgnoreError();
}

}  // namespace

PolicyFactory PickFirstPolicy() {
  return {.name = "pick_first", .parse = ParseInto<PickFirstConfig>, .make = [] {
            return std::make_unique<PickFirst>();
          }};
}

}  // namespace rondo

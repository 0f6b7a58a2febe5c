// What a subchannel says of itself, to policies and to people, and the watches that it keeps.
#include <algorithm>

#include "base/text.h"
#include "channel/core.h"
#include "channel/live_subchannel.h"

namespace rondo::channel {

void LiveSubchannel::Add(std::shared_ptr<Listener> listener) {
  listeners_.push_back(listener);
  ChooseHealthWatch();
  ChooseLoadWatch();
  const SubchannelState now = Report(*listener);
  if (now.connectivity == Connectivity::kIdle) return;
  core_.Tell([listener, now](Control& control) {
    if (!listener->gone) listener->on_state(now, control);
  });
}

void LiveSubchannel::Remove(const Listener& listener) {
  std::erase_if(listeners_, [&](const auto& l) { return l.get() == &listener; });
  std::erase_if(probes_, [&](const Probing& p) { return p.listener.get() == &listener; });
  ChooseHealthWatch();
  ChooseLoadWatch();
}

Connectivity LiveSubchannel::connectivity() const {
  return usable() ? Connectivity::kReady : subchannel::ConnectivityOf(state_);
}

SubchannelState LiveSubchannel::Report(const Listener& to) const {
  SubchannelState out;
  out.connectivity = connectivity();
  if (out.connectivity == Connectivity::kTransientFailure) {
    out.why = std::get<subchannel::Backoff>(state_).why;
  }
  out.suspect = usable() && backend_->load.suspect();
  if (to.watch_health && health_ != nullptr) {
    out.health = health_->health();
    out.why = health_->why();
  }
  return out;
}

// True: there is another word now, or none any more.
bool LiveSubchannel::ChooseHealthWatch() {
  const bool watched =
      usable() && std::ranges::any_of(listeners_, [](auto& l) { return l->watch_health; });
  const auto service = watched ? core_.HealthService() : std::nullopt;
  const auto now = health_ != nullptr ? std::optional(health_->service()) : std::nullopt;
  const bool same = service == now;
  if (same && (!service || &health_->carrier() == carriers_.front().get())) return false;
  HealthWatch::Word before;
  if (same) before = health_->word();
  health_ = nullptr;
  if (service) {
    health_ = std::make_unique<HealthWatch>(core_, *carriers_.front(), *service, address(),
                                            std::move(before), *this);
  }
  return !same;
}

// One watch for all who want reports, as often as the most eager of them.
void LiveSubchannel::ChooseLoadWatch() {
  Duration wanted{};
  for (const auto& l : listeners_) {
    if (!usable() || l->report_period <= Duration{}) continue;
    if (wanted == Duration{} || l->report_period < wanted) wanted = l->report_period;
  }
  if (wanted == (load_ != nullptr ? load_->period() : Duration{}) &&
      (load_ == nullptr || &load_->carrier() == carriers_.front().get())) {
    return;
  }
  load_ = nullptr;
  if (wanted != Duration{}) {
    load_ = std::make_unique<LoadWatch>(core_, *carriers_.front(), backend_, wanted);
  }
}

void LiveSubchannel::Probe(std::shared_ptr<Listener> listener, Duration timeout, OnProbe reply) {
  constexpr size_t kMostProbes = 16;  // At once.
  if (!usable() || probes_.size() >= kMostProbes || unprobed_ == &carrier()) return;
  auto probe = std::make_unique<LoadProbe>(core_, carrier(), *backend_, *this);
  if (!probe->Start(timeout)) return;
  probes_.push_back({std::move(listener), std::move(reply), std::move(probe)});
}

void LiveSubchannel::OnProbeEnd(LoadProbe& probe, bool unimplemented) {
  const auto at = std::ranges::find_if(probes_, [&](auto& p) { return p.probe.get() == &probe; });
  Probing over = std::move(*at);
  probes_.erase(at);
  if (unimplemented && unprobed_ != &probe.carrier()) {
    unprobed_ = &probe.carrier();
    core_.WarnOf(
        address(),
        "the policy asks for load probes, which the server doesn't offer; calls go to it at "
        "random");
  }
  if (!over.probe->report() || over.listener->gone) return;
  over.reply(*over.probe->report());  // It may end this subchannel.
}

void LiveSubchannel::UpdateHealth() {
  if (ChooseHealthWatch()) TellAll();
}

// Only those who asked: others have heard what there is to hear.
void LiveSubchannel::OnHealth() {
  for (const auto& listener : listeners_) {
    if (listener->watch_health) Tell(listener);
  }
}

void LiveSubchannel::TellAll() {
  for (const auto& listener : listeners_) Tell(listener);
}

void LiveSubchannel::Tell(const std::shared_ptr<Listener>& listener) {
  core_.Tell([listener, now = Report(*listener)](Control& control) {
    if (!listener->gone) listener->on_state(now, control);
  });
}

Explanation::Backend LiveSubchannel::Explain(Time now) const {
  const LoadCell& load = backend_->load;
  Explanation::Backend out{.address = address(),
                           .state = connectivity(),
                           .last_error = last_error_,
                           .in_flight = load.in_flight(),
                           .succeeded = load.succeeded(),
                           .failed = load.failed(),
                           .latency = load.latency(),
                           .waiting = static_cast<uint32_t>(waiting_.size()),
                           .connections = static_cast<uint32_t>(carriers_.size())};
  if (!last_error_.ok()) out.error_age = now - last_error_at_;
  if (usable() && load.free_streams() != UINT32_MAX) out.free_streams = slots();
  if (const auto* b = std::get_if<subchannel::Backoff>(&state_)) {
    out.tries = b->attempt;
    out.next_try = std::max(b->until - now, Duration{});
  } else if (const auto* w = std::get_if<subchannel::Waited>(&state_)) {
    out.tries = w->attempt;
  } else if (const auto* c = std::get_if<subchannel::Connecting>(&state_)) {
    out.tries = c->attempt;
  }
  if (health_ != nullptr && health_->health() != Connectivity::kReady) {
    out.state = health_->health();
    if (!health_->why().ok()) {
      out.last_error = health_->why();
      out.error_age = std::nullopt;
    }
  }
  return out;
}

std::string LiveSubchannel::Describe(Time now) const {
  if (usable()) {
    return Cat(address(), backend_->load.suspect() ? " silent though calls wait" : " ready");
  }
  if (const auto* b = std::get_if<subchannel::Backoff>(&state_)) {
    const Duration left = std::max(b->until - now, Duration{});
    return Cat(address(), " ", b->why.message(), " (", b->attempt,
               b->attempt == 1 ? " try" : " tries", ", next in ", ShortDuration(left), ")");
  }
  const bool connecting = std::holds_alternative<subchannel::Connecting>(state_);
  return Cat(address(), connecting ? " connecting" : " idle");
}

}  // namespace rondo::channel

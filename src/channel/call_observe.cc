// What those who measure are told of a call. Only where there is somebody.
#include "channel/call.h"
#include "channel/repeats.h"

namespace rondo::channel {

void Call::ObserveStart() {
  core_->Observe([this](ChannelObserver& o) { o.OnAttemptStart(method_); });
}

// The present attempt is over; what it sent and received is no longer counted.
void Call::ObserveEnd() {
  const Attempt& a = record_.now();
  const AttemptSeen seen{.code = a.code,
                         .latency = core_->home().Now() - a.began,
                         .sent = std::exchange(sent_bytes_, 0),
                         .received = std::exchange(received_bytes_, 0)};
  core_->Observe([&](ChannelObserver& o) { o.OnAttemptEnd(method_, seen); });
}

// A hedge is an attempt, not a call.
void Call::ObserveCall(Time now, const absl::Status& status) {
  if (retry_ != nullptr && retry_->part()) return;
  CallSeen seen{
      .code = status.code(), .latency = now - began_, .retry_delay = record_.now().backoff};
  for (const Attempt& a : record_.earlier()) {
    seen.retry_delay += a.backoff;
    if (a.sequel == Sequel::kRetried || a.sequel == Sequel::kPushedBack) ++seen.retries;
    if (a.transparent) ++seen.transparent_retries;
  }
  if (retry_ != nullptr) seen.hedges = retry_->hedges();
  core_->Observe([&](ChannelObserver& o) { o.OnCallEnd(method_, seen); });
}

}  // namespace rondo::channel

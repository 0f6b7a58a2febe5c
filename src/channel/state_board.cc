#include "channel/state_board.h"

namespace rondo {

std::string_view Name(ChannelState state) {
  switch (state) {
    case ChannelState::kIdle:
      return "IDLE";
    case ChannelState::kConnecting:
      return "CONNECTING";
    case ChannelState::kReady:
      return "READY";
    case ChannelState::kTransientFailure:
      return "TRANSIENT_FAILURE";
    case ChannelState::kShutdown:
      return "SHUTDOWN";
  }
  return "UNKNOWN";
}

namespace channel {

ChannelState StateBoard::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

bool StateBoard::WaitForChange(ChannelState from, Time deadline) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline, [&] { return state_ != from; });
}

void StateBoard::Publish(ChannelState state, const absl::Status& why) {
  {
    std::lock_guard lock(mutex_);
    if (state_ == state) return;
    if (state_ == ChannelState::kShutdown) return;  // Terminal.
    state_ = state;
  }
  why_ = why;
  changed_.notify_all();
  std::erase_if(subscribers_, [](const auto& s) { return s->dropped.load(); });
  const auto now = subscribers_;  // A callback may subscribe or drop.
  for (const auto& s : now) {
    if (!s->dropped.load()) s->on_state(state, why);
  }
}

void StateBoard::Add(std::shared_ptr<Subscriber> subscriber) {
  subscribers_.push_back(subscriber);
  if (!subscriber->dropped.load()) subscriber->on_state(state(), why_);
}

}  // namespace channel
}  // namespace rondo

#pragma once
// A channel's connectivity as its users see it: ask, wait, subscribe.
// Threads: Publish and the calls of subscribers: home. GetState and Wait: any.
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "rondo/channel.h"

namespace rondo::channel {

class StateBoard {
 public:
  // Lives until both the subscription object and the board have let go of it.
  struct Subscriber {
    std::atomic<bool> dropped{false};
    Channel::OnState on_state;
  };

  ChannelState state() const;
  bool WaitForChange(ChannelState from, Time deadline) const;
  // A state that goes on is not published again, whatever is new about its reason.
  void Publish(ChannelState state, const absl::Status& why);
  void Add(std::shared_ptr<Subscriber> subscriber);  // Tells it the present state.

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  ChannelState state_ = ChannelState::kIdle;  // Under mutex_.
  absl::Status why_;                          // Home's, as the rest.
  std::vector<std::shared_ptr<Subscriber>> subscribers_;
};

}  // namespace rondo::channel

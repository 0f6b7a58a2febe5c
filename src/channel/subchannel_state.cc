#include "channel/subchannel_state.h"

#include <algorithm>

#include "base/overload.h"

namespace rondo::channel::subchannel {

Step Next(const State& state, const Event& event, Time now, const Delay& delay) {
  using A = Action;
  const auto dial = [&](int attempt) {
    return Step{Connecting{attempt, now + delay(attempt)}, {A::kDial, A::kPublish}};
  };
  if (std::holds_alternative<Closed>(state)) return {state, {}};
  if (std::holds_alternative<CloseAsked>(event)) return {Closed{}, {A::kCancelTimer, A::kHangUp}};
  return std::visit(
      Overload{
          [&](const Idle&, const ConnectAsked&) { return dial(0); },
          [&](const Connecting&, const Connected&) { return Step{Ready{}, {A::kPublish}}; },
          [&](const Connecting& s, const ConnectFailed& e) {
            return Step{Backoff{s.attempt + 1, std::max(s.retry_not_before, now), e.why},
                        {A::kHangUp, A::kArmTimer, A::kPublish}};
          },
          [&](const Ready&, const ConnectionLost&) {
            return Step{Idle{}, {A::kHangUp, A::kPublish}};
          },
          // It never reconnects by itself: its policy asks again. The count of failures stays.
          [&](const Backoff& s, const BackoffOver&) {
            return Step{Waited{s.attempt}, {A::kCancelTimer, A::kPublish}};
          },
          [&](const Waited& s, const ConnectAsked&) { return dial(s.attempt); },
          [&](const Ready&, const MoreAsked&) { return dial(0); },
          [&](const Waited& s, const MoreAsked&) { return dial(s.attempt); },
          [&](const auto&, const auto&) { return Step{state, {}}; },
      },
      state, event);
}

Connectivity ConnectivityOf(const State& state) {
  return std::visit(Overload{
                        [](const Idle&) { return Connectivity::kIdle; },
                        [](const Connecting&) { return Connectivity::kConnecting; },
                        [](const Ready&) { return Connectivity::kReady; },
                        [](const Backoff&) { return Connectivity::kTransientFailure; },
                        [](const Waited&) { return Connectivity::kIdle; },
                        [](const Closed&) { return Connectivity::kIdle; },
                    },
                    state);
}

}  // namespace rondo::channel::subchannel

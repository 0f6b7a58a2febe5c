#pragma once
// A subchannel's life as a pure function: (state, event, now) -> (state, actions).
// Threads: none; it has no memory of its own.
#include <functional>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "rondo/balance.h"
#include "rondo/time.h"

namespace rondo::channel::subchannel {

// Each state holds exactly the data that is true in that state.
struct Idle {};
struct Connecting {
  int attempt;            // 0: the first since the last success.
  Time retry_not_before;  // Counted from the start of this attempt (connection-backoff.md).
};
struct Ready {};  // The last attempt has made a connection.
struct Backoff {
  int attempt;  // The next one.
  Time until;
  absl::Status why;
};
struct Waited {
  int attempt;
};  // Idle again after a failure: the backoff goes on counting.
struct Closed {};
using State = std::variant<Idle, Connecting, Ready, Backoff, Waited, Closed>;

struct ConnectAsked {};
struct Connected {};  // The server's SETTINGS came: nothing less makes a connection ready.
struct ConnectFailed {
  absl::Status why;
};
struct ConnectionLost {};  // Or GOAWAY: no new stream may go there. The last of them.
// Calls wait though connections are ready (A105), or one is old. As long as one is ready, the state
// is only that of the attempt to have another, and nobody is told.
struct MoreAsked {};
struct BackoffOver {};  // The timer, or somebody's wish (ResetConnectBackoff).
struct CloseAsked {};
using Event = std::variant<ConnectAsked, Connected, ConnectFailed, ConnectionLost, MoreAsked,
                           BackoffOver, CloseAsked>;

enum class Action { kDial, kArmTimer, kCancelTimer, kHangUp, kPublish };
struct Step {
  State next;
  std::vector<Action> actions;  // In this order.
};

// The wait after the failure of attempt n, jitter included.
using Delay = std::function<Duration(int attempt)>;

// The whole table. An event that means nothing in a state leaves it unchanged: it crossed the
// change on its way here.
Step Next(const State& state, const Event& event, Time now, const Delay& delay);

Connectivity ConnectivityOf(const State& state);  // Closed counts as idle: nobody is told of it.

}  // namespace rondo::channel::subchannel

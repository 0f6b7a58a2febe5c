#pragma once
// When a channel without calls may go idle. Pure: the counts, the time and the answers are values.
// Threads: one.
#include <cstdint>
#include <optional>

#include "rondo/time.h"

namespace rondo::channel {

class IdleTimer {
 public:
  explicit IdleTimer(Duration timeout) : timeout_(timeout) {}  // 0: never idle.

  bool enabled() const { return timeout_ > Duration{}; }
  // When to look next, after leaving idle at `now`.
  Time Start(Time now) {
    last_end_ = now;
    return now + timeout_;
  }
  void OnCallEnd(Time now) { last_end_ = now; }
  // Looked at, with `running` calls: nullopt: go idle now; else when to look again.
  std::optional<Time> Look(Time now, int64_t running) const {
    if (running > 0) return now + timeout_;
    const Time due = last_end_ + timeout_;
    if (due > now) return due;
    return std::nullopt;
  }

 private:
  const Duration timeout_;
  Time last_end_{};
};

}  // namespace rondo::channel

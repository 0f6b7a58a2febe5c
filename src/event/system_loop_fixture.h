#pragma once
// A loop of the real operating system that the test turns by hand, on its own thread.
// Threads: the test's.
#include <functional>
#include <memory>

#include "event/system_loop.h"
#include "gtest/gtest.h"

namespace rondo::event {

class HandLoop final : public SystemLoop {
 public:
  // Turns until `done`, or fails the test after ten seconds without an end.
  void Until(const std::function<bool()>& done) {
    const Time limit = Now() + std::chrono::seconds(10);
    while (!done()) {
      Turn(FallAsleep() ? std::min<Duration>(Longest(), std::chrono::seconds(1)) : Duration{});
      if (Now() > limit) {
        ADD_FAILURE() << "what the test waits for doesn't come";
        return;
      }
    }
  }
  // Everything that can happen without waiting.
  void Settle() {
    for (int quiet = 0; quiet < 3; ++quiet) Turn(Duration{});
  }
  void OneTurn() { Turn(Duration{}); }

 private:
  Duration Longest() const {
    const Duration wait = Patience();
    return wait < Duration{} ? Duration::max() : wait;
  }
};

}  // namespace rondo::event

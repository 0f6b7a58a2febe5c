#pragma once
// A server's patience with a client's PINGs (A8, A9). Pure: the times are arguments.
// Threads: one at a time.
#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "rondo/time.h"

namespace rondo::transport {

struct PingPatience {
  Duration min_time{};  // Between two PINGs; 0: none is too soon.
  bool permit_without_calls = false;
};

class PingStrikes {
 public:
  static constexpr int kMost = 2;
  static constexpr Duration kWithoutCalls = std::chrono::hours(2);

  explicit PingStrikes(const PingPatience& patience) : patience_(patience) {}
  // `spoke`: HEADERS or DATA went out since the last PING. False: one too many.
  bool OnPing(Time now, bool spoke, bool has_calls) {
    if (patience_.min_time == Duration{}) return true;
    const std::optional<Time> last = std::exchange(last_, now);
    if (spoke) {
      strikes_ = 0;
      return true;
    }
    const Duration least = has_calls || patience_.permit_without_calls
                               ? patience_.min_time
                               : std::max(patience_.min_time, kWithoutCalls);
    return !last || now - *last >= least || ++strikes_ <= kMost;
  }

 private:
  const PingPatience patience_;
  std::optional<Time> last_;
  int strikes_ = 0;
};

}  // namespace rondo::transport

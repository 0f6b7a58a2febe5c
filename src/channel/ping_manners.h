#pragma once
// How many PINGs the servers of a channel bear, as far as it has learnt. Remembered over
// reconnects.
// Threads: home.
#include <algorithm>
#include <string>

#include "base/text.h"
#include "channel/call_record.h"
#include "rondo/keepalive.h"

namespace rondo::channel {

class PingManners {
 public:
  explicit PingManners(const KeepaliveOptions& keepalive) : keepalive_time_(keepalive.time) {}

  Duration keepalive_time() const { return keepalive_time_; }  // Of later connections; 0: none.
  int stall_pings() const { return stall_pings_; }

  // A8: a connection that had this keepalive time got GOAWAY "too_many_pings". Returns what has
  // changed; empty: nothing, for others were told the same.
  std::string OnTooMany(Duration time_it_had) {
    if (time_it_had == Duration{}) {
      if (stall_pings_ == 1) return {};
      stall_pings_ = 1;
      return "the server said too_many_pings though keepalive is off: from now on a silence is "
             "asked after by one PING, not by two";
    }
    const Duration doubled = std::min(2 * time_it_had, kLongest);
    if (doubled <= keepalive_time_) return {};
    keepalive_time_ = doubled;
    return Cat("the server said too_many_pings: later connections have a keepalive time of ",
               ShortDuration(doubled), ", this one had ", ShortDuration(time_it_had));
  }

 private:
  static constexpr Duration kLongest = std::chrono::hours(24 * 365);

  Duration keepalive_time_;
  int stall_pings_ = 2;
};

}  // namespace rondo::channel

#pragma once
// The state of a parent from those of its children (behind gRPC's ConnectivityStateEvaluator).
// Threads: home.
#include <cstddef>

#include "rondo/balance.h"

namespace rondo {

// Any ready: READY; else any connecting, else any idle, else (none too) TRANSIENT_FAILURE. Counts,
// so that a change of one child among thousands costs nothing.
class StateTally {
 public:
  void Add(Connectivity state, int n = 1) { count_[static_cast<size_t>(state)] += n; }
  void Move(Connectivity from, Connectivity to) {
    Add(from, -1);
    Add(to);
  }
  int of(Connectivity state) const { return count_[static_cast<size_t>(state)]; }
  Connectivity Sum() const {
    for (auto s : {Connectivity::kReady, Connectivity::kConnecting, Connectivity::kIdle}) {
      if (of(s) > 0) return s;
    }
    return Connectivity::kTransientFailure;
  }

 private:
  int count_[4] = {};
};

}  // namespace rondo

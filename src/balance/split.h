#pragma once
// Children that share the calls by weight (A28's weighted_target): their state together, and the
// picker that draws one.
// Threads: home; the picker's any.
#include <cstdint>
#include <span>

#include "balance/seat.h"

namespace rondo {

// A child's state as its parent counts it: one that failed and tries again has failed until it is
// ready or idle.
class CountedState {
 public:
  Connectivity value() const { return value_; }
  void Follow(Connectivity now) {
    if (value_ == Connectivity::kTransientFailure && now == Connectivity::kConnecting) return;
    value_ = now;
  }

 private:
  Connectivity value_ = Connectivity::kConnecting;
};

struct Share {
  Seat* child;
  Connectivity counted;
  uint32_t weight;  // > 0; the sum of all is below 2^32.
};

// Of at least one.
Connectivity StateOf(std::span<const Share> all);
// Draws, in O(log n), among the children in the state that all are in together; idle ones too, so
// that a call wakes one. For a recipe.
PickerRef SplitPicker(std::span<const Share> all, const View& view);

}  // namespace rondo

#pragma once
// Turns by weight (A58's static stride); or, where one weight towers above the others so that turns
// would mostly be passed, draws in constant time.
// Threads: immutable once built.
#include <cstdint>
#include <vector>

#include "balance/select/draw.h"
#include "balance/select/stride.h"
#include "balance/turns.h"
#include "rondo/pick.h"

namespace rondo {

class WeightedTurns {
 public:
  // Weights above 0, at least one.
  explicit WeightedTurns(const std::vector<double>& weights);

  // All weigh the same: plain turns are cheaper.
  bool even() const { return stride_.even(); }
  // `turns` counts up for ever.
  uint32_t Next(const Turns& turns, const PickArgs& args) const {
    if (draw_.weighted()) return draw_(*args.chance);
    return stride_.Pick([&] { return turns.Next(args.shard); });
  }

 private:
  Stride stride_;
  Draw draw_;
};

}  // namespace rondo

#pragma once
// The power of few choices: draw some, take the cheapest (A48).
// Threads: any.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rondo/pick.h"

namespace rondo {

// Of `choices` (>= 1) draws with replacement the one with the least cost; of equals the first
// drawn. `draw` is uint32_t(), `cost` gives anything that compares.
template <class Draw, class Cost>
uint32_t BestOf(uint32_t choices, Draw draw, Cost cost) {
  uint32_t best = draw();
  auto least = cost(best);
  for (uint32_t i = 1; i < choices; ++i) {
    const uint32_t other = draw();
    const auto its = cost(other);
    if (its < least) {
      best = other;
      least = its;
    }
  }
  return best;
}

// `at`, or the first behind it that this call hasn't tried, if there is one.
inline uint32_t Untried(uint32_t at, const std::vector<const Subchannel*>& all,
                        const PickArgs& args) {
  for (size_t i = 0; i <= args.tried.size() && i < all.size(); ++i) {
    const size_t next = (at + i) % all.size();
    if (!args.Tried(all[next])) return static_cast<uint32_t>(next);
  }
  return at;
}

}  // namespace rondo

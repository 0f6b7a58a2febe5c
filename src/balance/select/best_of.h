#pragma once
// The power of few choices: draw some, take the cheapest (A48).
// Threads: any.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rondo/pick.h"

namespace rondo {

// Draws below `n` that differ from one another, each set of them equally likely: at most kMost, and
// no more than `n`. With replacement, the worst of n would still be the best of two in one of n^2.
class DifferentDraws {
 public:
  static constexpr uint32_t kMost = 16;
  DifferentDraws(uint32_t n, Chance& chance) : n_(n), chance_(chance) {}
  uint32_t operator()() {
    // A draw among those that are left, shifted past the smaller ones that are taken.
    uint32_t draw = chance_.Below(n_ - count_), at = 0;
    for (; at < count_ && taken_[at] <= draw; ++at) ++draw;
    std::copy_backward(taken_ + at, taken_ + count_, taken_ + count_ + 1);
    taken_[at] = draw;
    ++count_;
    return draw;
  }

 private:
  const uint32_t n_;
  Chance& chance_;
  uint32_t count_ = 0;
  uint32_t taken_[kMost];  // In order.
};

// Of `choices` (>= 1) draws the one with the least cost; of equals the first drawn. `draw` is
// uint32_t(), `cost` gives anything that compares.
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

#include "balance/select/weighted_turns.h"

#include <algorithm>

namespace rondo {

WeightedTurns::WeightedTurns(const std::vector<double>& weights) : stride_(weights) {
  constexpr double kMostTurns = 32;  // That a pick may cost on average.
  if (stride_.cost() <= kMostTurns) return;
  const double largest = *std::max_element(weights.begin(), weights.end());
  std::vector<uint32_t> scaled;
  scaled.reserve(weights.size());
  for (double w : weights) {
    scaled.push_back(std::max(1u, static_cast<uint32_t>(w / largest * UINT32_MAX)));
  }
  draw_ = Draw(scaled);
}

}  // namespace rondo

#include "balance/select/draw.h"

#include <algorithm>

namespace rondo {

Draw::Draw(const std::vector<uint32_t>& weights) : size_(static_cast<uint32_t>(weights.size())) {
  if (std::equal(weights.begin() + (weights.empty() ? 0 : 1), weights.end(), weights.begin())) {
    return;
  }
  double sum = 0;
  for (uint32_t w : weights) sum += std::max(w, 1u);
  // Each slot holds one share of 1: who has less fills up with a part of one who has more.
  std::vector<double> share;
  std::vector<uint32_t> small, large;
  for (uint32_t i = 0; i < size_; ++i) {
    share.push_back(std::max(weights[i], 1u) * static_cast<double>(size_) / sum);
    (share[i] < 1 ? small : large).push_back(i);
  }
  table_.resize(size_);
  while (!small.empty() && !large.empty()) {
    const uint32_t less = small.back(), more = large.back();
    small.pop_back();
    table_[less] = {static_cast<uint32_t>(share[less] * 4294967295.0), more};
    share[more] -= 1 - share[less];
    if (share[more] < 1) {
      large.pop_back();
      small.push_back(more);
    }
  }
  for (const auto& rest : {small, large}) {
    for (uint32_t i : rest) table_[i] = {UINT32_MAX, i};
  }
}

}  // namespace rondo

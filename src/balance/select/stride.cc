#include "balance/select/stride.h"

#include <algorithm>
#include <cmath>

namespace rondo {

Stride::Stride(const std::vector<double>& weights) {
  if (weights.empty()) return;
  const double largest = *std::max_element(weights.begin(), weights.end());
  double sum = 0;
  weights_.reserve(weights.size());
  for (double w : weights) {
    const double scaled = std::max(1.0, std::round(w * (kMost / largest)));
    weights_.push_back(static_cast<uint16_t>(scaled));
    sum += scaled;
    even_ = even_ && weights_.back() == weights_.front();
  }
  cost_ = static_cast<double>(kMost * weights.size()) / sum;
}

std::vector<double> FillIn(const std::vector<double>& reported) {
  double sum = 0;
  int known = 0;
  for (double w : reported) {
    sum += w;
    known += w > 0;
  }
  if (known < 2) return {};
  const double mean = sum / known;
  std::vector<double> out;
  out.reserve(reported.size());
  for (double w : reported) out.push_back(w > 0 ? std::clamp(w, mean / 100, mean * 10) : mean);
  return out;
}

}  // namespace rondo

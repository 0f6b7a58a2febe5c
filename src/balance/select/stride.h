#pragma once
// The static stride scheduler (A58): turns by weight, smooth, without a lock or a queue.
// Threads: immutable once built.
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rondo {

class Stride {
 public:
  // Weights above 0; they are scaled to 1..65535.
  explicit Stride(const std::vector<double>& weights);

  size_t size() const { return weights_.size(); }
  bool even() const { return even_; }
  uint16_t weight(size_t i) const { return weights_[i]; }
  // What a pick costs: turns on average, the largest weight divided by the mean.
  double cost() const { return cost_; }

  // Whose turn it is; `next` counts up by one each time it is asked. The heaviest is never passed,
  // so that at most size() - 1 are asked in vain.
  template <class Next>
  uint32_t Pick(Next next) const {
    const auto n = static_cast<uint32_t>(weights_.size());
    for (;;) {
      const uint32_t turn = next();
      const uint32_t i = turn % n;
      const uint64_t weight = weights_[i];
      // Each is passed in a share of its rounds; the offset spreads the rounds of different ones.
      if ((weight * (turn / n) + i * kOffset) % kMost >= kMost - weight) return i;
    }
  }

 private:
  static constexpr uint64_t kMost = UINT16_MAX, kOffset = kMost / 2;
  std::vector<uint16_t> weights_;
  bool even_ = true;
  double cost_ = 1;
};

// Weights that servers reported; 0: none that can be used. Unknown ones get the mean of the others,
// and each is held within a hundredth and ten times that mean (grpc C++ and Java). Empty if fewer
// than two are known: then all are alike.
std::vector<double> FillIn(const std::vector<double>& reported);

}  // namespace rondo

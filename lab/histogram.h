#pragma once
// Latencies in buckets of at most 1 % width. Threads: one at a time.
#include <bit>
#include <cstdint>
#include <vector>

namespace rondo::lab {

class Histogram {
 public:
  void Add(int64_t ns) {
    const size_t at = BucketOf(static_cast<uint64_t>(ns < 0 ? 0 : ns));
    if (at >= buckets_.size()) buckets_.resize(at + 1);
    ++buckets_[at];
    ++count_;
    sum_ += static_cast<double>(ns);
  }
  void Merge(const Histogram& other) {
    if (buckets_.size() < other.buckets_.size()) buckets_.resize(other.buckets_.size());
    for (size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    sum_ += other.sum_;
  }
  uint64_t count() const { return count_; }
  double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }
  // The upper edge of the bucket in which the share `q` (0..1) of all is reached; 0 if empty.
  int64_t Quantile(double q) const {
    const double wanted = q * static_cast<double>(count_);
    uint64_t seen = 0;
    for (size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen > 0 && static_cast<double>(seen) >= wanted) return UpperEdge(i);
    }
    return 0;
  }

 private:
  static constexpr int kBits = 7;  // 128 buckets for each doubling.
  static size_t BucketOf(uint64_t v) {
    if (v < (1u << kBits)) return v;
    const int shift = std::bit_width(v) - 1 - kBits;
    return (static_cast<size_t>(shift) << kBits) + (v >> shift);
  }
  static int64_t UpperEdge(size_t bucket) {
    if (bucket < (2u << kBits)) return static_cast<int64_t>(bucket);
    const size_t shift = (bucket >> kBits) - 1;
    const uint64_t mantissa = bucket - (shift << kBits);
    return static_cast<int64_t>(((mantissa + 1) << shift) - 1);
  }
  std::vector<uint64_t> buckets_;
  uint64_t count_ = 0;
  double sum_ = 0;
};

}  // namespace rondo::lab

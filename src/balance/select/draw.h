#pragma once
// Draws one of n by weight, in constant time (Walker's alias table, Vose's way to build it).
// Threads: immutable once built.
#include <cstdint>
#include <vector>

#include "rondo/pick.h"

namespace rondo {

class Draw {
 public:
  Draw() = default;
  // Of 0..size-1, all alike.
  explicit Draw(uint32_t size) : size_(size) {}
  // By weight; 0 counts as 1. O(n). Without a table if all are alike.
  explicit Draw(const std::vector<uint32_t>& weights);

  uint32_t size() const { return size_; }
  bool weighted() const { return !table_.empty(); }
  uint32_t operator()(Chance& chance) const {
    if (table_.empty()) return chance.Below(size_);
    const uint64_t random = chance.Next();
    const auto at = static_cast<uint32_t>(((random >> 32) * size_) >> 32);
    const Slot& slot = table_[at];
    return static_cast<uint32_t>(random) < slot.keep ? at : slot.other;
  }

 private:
  struct Slot {
    uint32_t keep;  // Of 2^32; whoever keeps all has itself for the other.
    uint32_t other;
  };
  uint32_t size_ = 0;
  std::vector<Slot> table_;
};

}  // namespace rondo

#pragma once
// How many calls are in flight on all backends of a policy: a counter for each shard, so that a
// pick writes nothing that another shard writes often.
// Threads: any, but for Settle: home.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

namespace rondo {

class TotalInFlight {
 public:
  explicit TotalInFlight(uint32_t shards) : slots_(shards) {}

  // `shard`: that in which the call was picked, at its end too.
  void Begin(uint32_t shard) { slots_[shard].count.fetch_add(1, std::memory_order_relaxed); }
  void End(uint32_t shard) { slots_[shard].count.fetch_sub(1, std::memory_order_relaxed); }
  // Never negative. O(shards).
  int64_t Get() const {
    return std::max<int64_t>(0, Sum() + correction_.load(std::memory_order_relaxed));
  }
  // What it is in truth, by the load cells: a parent may throw a pick away, whose end is never
  // told, and calls of an earlier policy were never begun here.
  void Settle(int64_t truth) { correction_.store(truth - Sum(), std::memory_order_relaxed); }

 private:
  struct alignas(64) Slot {
    std::atomic<int64_t> count{0};
  };
  int64_t Sum() const {
    int64_t sum = 0;
    for (const Slot& slot : slots_) sum += slot.count.load(std::memory_order_relaxed);
    return sum;
  }
  std::vector<Slot> slots_;
  std::atomic<int64_t> correction_{0};
};

}  // namespace rondo

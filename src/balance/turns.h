#pragma once
// Whose turn it is: a counter for each shard, on a cache line of its own, so that a pick writes
// nothing that another shard reads.
// Threads: any. Two threads on one shard may lose a step: harmless, and cheaper than an atomic add.
#include <atomic>
#include <cstdint>
#include <vector>

namespace rondo {

class Turns {
 public:
  explicit Turns(uint32_t shards) : slots_(shards) {}
  uint32_t shards() const { return static_cast<uint32_t>(slots_.size()); }

  // Counts up for ever, wrapping at 2^32.
  uint32_t Next(uint32_t shard) const {
    std::atomic<uint32_t>& turn = slots_[shard].turn;
    const uint32_t mine = turn.load(std::memory_order_relaxed);
    turn.store(mine + 1, std::memory_order_relaxed);
    return mine;
  }
  // Goes round 0..n-1, by a comparison and no division. Use one of the two forms.
  uint32_t Next(uint32_t shard, uint32_t n) const {
    std::atomic<uint32_t>& turn = slots_[shard].turn;
    uint32_t mine = turn.load(std::memory_order_relaxed);
    if (mine >= n) [[unlikely]]
      mine %= n;
    turn.store(mine + 1, std::memory_order_relaxed);
    return mine;
  }
  // What the next Next returns, before it is wrapped.
  uint32_t Peek(uint32_t shard) const { return slots_[shard].turn.load(std::memory_order_relaxed); }
  void Set(uint32_t shard, uint32_t turn) const {
    slots_[shard].turn.store(turn, std::memory_order_relaxed);
  }

 private:
  struct alignas(64) Slot {
    std::atomic<uint32_t> turn{0};
  };
  // Pickers are const; a turn isn't part of what they mean.
  mutable std::vector<Slot> slots_;
};

}  // namespace rondo

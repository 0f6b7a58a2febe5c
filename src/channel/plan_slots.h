#pragma once
// Publishes a channel's plan to the threads that pick, without a lock and without a shared count.
//
// Each thread that picks leases a slot: the home loop has slot 0 for itself, other threads take the
// slot that they last had, or the next free one. A slot holds its own copy of the plan and the
// version it came from; as long as that is the published version, a pick touches nothing else.
// The price: a slot keeps its last plan until somebody leases it again, so plans own memory only.
// Threads: Publish: home. Lease: any; one lease at a time a thread and channel.
#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>

#include "channel/plan.h"

namespace rondo::channel {

class PlanSlots {
 public:
  static constexpr uint32_t kSlots = 9;  // Home and eight others.

  explicit PlanSlots(uint64_t seed);
  PlanSlots(const PlanSlots&) = delete;
  PlanSlots& operator=(const PlanSlots&) = delete;

  void Publish(Plan plan);
  uint64_t version() const { return version_.load(std::memory_order_relaxed); }

 private:
  struct alignas(64) Slot {
    std::atomic<bool> leased{false};
    uint64_t version = 0;
    PlanRef plan;  // Its own control block, so that a call may pin it without sharing a count.
    Chance chance{0};
    std::atomic<int64_t> begun{0};  // Calls begun through this slot; read by home.
  };

 public:
  class Lease {
   public:
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
      if (shard_ != 0) slot_.leased.store(false, std::memory_order_release);
    }
    const Plan& plan() const { return *slot_.plan; }
    const PlanRef& Pin() const { return slot_.plan; }
    Chance& chance() { return slot_.chance; }
    uint32_t shard() const { return shard_; }
    uint64_t version() const { return slot_.version; }
    void CountCall() {
      slot_.begun.store(slot_.begun.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

   private:
    friend class PlanSlots;
    Lease(Slot& slot, uint32_t shard) : slot_(slot), shard_(shard) {}
    Slot& slot_;
    const uint32_t shard_;
  };
  // `home`: the caller is on the home loop.
  Lease Take(bool home);
  int64_t begun() const;  // Calls counted by all leases.

 private:
  void Refresh(Slot& slot);

  std::atomic<uint64_t> version_{1};
  std::array<Slot, kSlots> slots_;
  std::mutex mutex_;  // Guards published_.
  Plan published_;
};

}  // namespace rondo::channel

#include "channel/plan_slots.h"

#include <utility>

namespace rondo::channel {
namespace {

// A small number for each thread, so that threads start from different slots.
uint32_t ThreadNumber() {
  static std::atomic<uint32_t> next{0};
  thread_local const uint32_t mine = next.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

}  // namespace

PlanSlots::PlanSlots(uint64_t seed) {
  Chance chance(seed);
  for (Slot& slot : slots_) slot.chance = Chance(chance.Next());
}

void PlanSlots::Publish(Plan plan) {
  Plan old;  // Dies after the lock is gone: its destructor is the user's code.
  {
    std::lock_guard lock(mutex_);
    old = std::exchange(published_, std::move(plan));
    version_.store(version_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  // Slots that nobody is using let go of what is out of date.
  for (uint32_t i = 0; i < kSlots; ++i) {
    Slot& slot = slots_[i];
    if (i != 0 && slot.leased.exchange(true, std::memory_order_acquire)) continue;
    PlanRef stale = std::exchange(slot.plan, nullptr);
    slot.version = 0;
    if (i != 0) slot.leased.store(false, std::memory_order_release);
  }
}

PlanSlots::Lease PlanSlots::Take(bool home) {
  uint32_t shard = 0;
  if (!home) {
    const uint32_t first = ThreadNumber() % (kSlots - 1);
    for (uint32_t i = first;; ++i) {
      shard = 1 + i % (kSlots - 1);
      if (!slots_[shard].leased.exchange(true, std::memory_order_acquire)) break;
    }
  }
  Slot& slot = slots_[shard];
  if (slot.version != version_.load(std::memory_order_acquire)) Refresh(slot);
  return Lease(slot, shard);
}

void PlanSlots::Refresh(Slot& slot) {
  PlanRef old = std::move(slot.plan);
  std::lock_guard lock(mutex_);
  slot.plan = std::make_shared<const Plan>(published_);
  slot.version = version_.load(std::memory_order_relaxed);
}

int64_t PlanSlots::begun() const {
  int64_t sum = 0;
  for (const Slot& slot : slots_) sum += slot.begun.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace rondo::channel

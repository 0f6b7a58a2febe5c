#pragma once
// A loop's timers. Nearly all of them never fire: they are the deadlines of calls that end in time.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "rondo/loop.h"

namespace rondo::event {

// Something that happens once at a time, unless it is disarmed before. Lives in what it belongs to.
class TimerNode {
 public:
  TimerNode() = default;
  TimerNode(const TimerNode&) = delete;
  TimerNode& operator=(const TimerNode&) = delete;
  bool armed() const { return queue_ != nullptr; }
  Time at() const { return at_; }
  void Disarm();

 protected:
  ~TimerNode() { Disarm(); }

 private:
  friend class TimerQueue;
  friend class TimerWheel;
  virtual void OnTimer() = 0;  // May destroy or arm this node again.
  class TimerQueue* queue_ = nullptr;
  size_t index_ = 0;
  uint64_t sequence_ = 0;  // Timers of one instant fire in the order in which they were armed.
  Time at_{};
  TimerNode** before_ = nullptr;  // What points here in the wheel; null outside it.
  TimerNode* after_ = nullptr;
};

// Where nodes wait whose time is not near: a list for each tick of 34 ms, for the next 69 s. A node
// comes and goes without a look at others; the order within a tick is for others to make.
class TimerWheel {
 public:
  bool empty() const { return count_ == 0; }
  // False, and nothing happens, if the node's time is in a tick gone by, the present one, or
  // beyond.
  bool Add(TimerNode& node);
  void Remove(TimerNode& node);
  // The start of the first tick that has a node. Requires: not empty.
  Time next() const;
  // Moves on to the tick of `now`; what waited until then leaves, in no order, as one list.
  TimerNode* Advance(Time now);

 private:
  static constexpr int kTickBits = 25;  // Nanoseconds.
  static constexpr int64_t kSlots = 2048, kWordBits = 64;
  static_assert(kSlots / kWordBits == 32, "used_words_ has a bit for each word");

  static int64_t TickOf(Time at) { return at.time_since_epoch().count() >> kTickBits; }
  static size_t SlotOf(int64_t tick) { return static_cast<size_t>(tick & (kSlots - 1)); }
  int64_t FirstTick() const;  // Requires: not empty.

  int64_t now_ = 0;  // The present tick. A node's is one of the kSlots - 1 that follow.
  size_t count_ = 0;
  std::unique_ptr<std::array<TimerNode*, kSlots>> slots_;  // Made by the first node.
  std::array<uint64_t, kSlots / kWordBits> used_{};        // A bit for each slot with a node.
  uint32_t used_words_ = 0;                                // And for each of these that isn't 0.
};

// All of a loop's timers: a binary heap of what is near, where each node knows its place, and a
// wheel for the rest. The heap makes the order, to the nanosecond; the wheel makes it cheap: a
// deadline that is disarmed in time has never been in the heap.
class TimerQueue {
 public:
  TimerQueue() = default;
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;
  ~TimerQueue();  // Disarms what is left.

  void Arm(TimerNode& node, Time at);  // Moves an armed one.
  void Disarm(TimerNode& node);
  bool empty() const { return heap_.empty() && wheel_.empty(); }
  // When to call Run: when the first timer is due, or up to a tick of the wheel before, so that the
  // queue can look closer. Requires: not empty.
  Time next() const;
  // Fires what is due at `now`, oldest first; a node armed meanwhile for `now` or before waits for
  // the next call, so this ends.
  void Run(Time now);

 private:
  static bool Before(const TimerNode& a, const TimerNode& b) {
    return a.at_ != b.at_ ? a.at_ < b.at_ : a.sequence_ < b.sequence_;
  }
  static constexpr size_t kDue = ~(SIZE_MAX >> 1);  // In index_: the node stands in due_.

  void Spill(Time now) noexcept;  // From the wheel into the heap.
  void Push(TimerNode& node);
  TimerNode& PopFirst();
  void Place(TimerNode& node, size_t index);
  void Up(size_t index);
  void Down(size_t index);

  std::vector<TimerNode*> heap_;
  std::vector<TimerNode*> due_;  // What Run is about to fire; null where one was disarmed.
  TimerWheel wheel_;
  uint64_t sequence_ = 0;
};

}  // namespace rondo::event

#pragma once
// What the library's own layers need of a loop beyond rondo::Loop: timers and end-of-turn work that
// cost no allocation, one read buffer, and news of the loop's end.
// Threads: everything here belongs to the loop's thread, except where it says "any".
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <vector>

#include "base/free_list.h"
#include "event/timer_queue.h"
#include "rondo/loop.h"

namespace rondo::event {

// Work for the end of the turn: after all events and posts that were ready, before the loop waits.
// Pickers are cooked and callbacks told here, once, however much happened in the turn; when no such
// work is left, connections flush what all of it has brought.
class TurnNode {
 public:
  enum class Phase : uint8_t { kWork, kFlush };
  explicit TurnNode(Phase phase = Phase::kWork) : phase_(phase) {}
  TurnNode(const TurnNode&) = delete;
  TurnNode& operator=(const TurnNode&) = delete;
  void Cancel();

 protected:
  ~TurnNode() { Cancel(); }

 private:
  friend class EventLoop;
  // May destroy this node, or schedule it or another: that runs in the same turn end, except
  // after many rounds of it, so that a turn ends.
  virtual void OnTurnEnd() = 0;
  const Phase phase_;
  class EventLoop* loop_ = nullptr;
  size_t index_ = 0;
};

// Told once, on the loop's thread, that the loop is about to stop: the last chance to end what
// lives on it. Destroying it unregisters it.
class StopNode {
 public:
  StopNode() = default;
  StopNode(const StopNode&) = delete;
  StopNode& operator=(const StopNode&) = delete;
  void Unwatch();

 protected:
  ~StopNode() { Unwatch(); }

 private:
  friend class EventLoop;
  virtual void OnLoopStop() = 0;  // May destroy this node and others.
  class EventLoop* loop_ = nullptr;
  StopNode *before_ = nullptr, *after_ = nullptr;
};

class EventLoop : public Loop, public std::enable_shared_from_this<EventLoop> {
 public:
  std::unique_ptr<Timer> After(Duration delay, Work fire) final;
  void Arm(TimerNode& node, Time at);
  void AtTurnEnd(TurnNode& node);  // No-op if it is scheduled already.
  void WatchStop(StopNode& node);
  // One a loop, lent until the event at hand ends: 64 KiB.
  std::span<uint8_t> read_buffer();
  // The tasks that run here and that nobody awaits (loop_guests.cc); null before the first.
  std::shared_ptr<StopNode>& guests() { return guests_; }
  // For records of what lives on this loop: freed blocks are kept and used again.
  std::pmr::memory_resource& memory() { return memory_; }

 protected:
  // The driver calls these: RunTimers and RunTurnEnd once a turn.
  void RunTimers(Time now) { timers_.Run(now); }
  void RunTurnEnd();
  void TellStop();
  bool has_turn_work() const { return !work_.empty() || !flush_.empty(); }
  const TimerQueue& timers() const { return timers_; }
  virtual void OnTimersChanged() {}  // timers().next() may have moved.
  virtual void OnTurnWork() {}       // has_turn_work() has become true.

 private:
  friend class TurnNode;
  friend class StopNode;
  FreeList memory_;
  TimerQueue timers_;
  using TurnNodes = std::vector<TurnNode*>;  // Null where one was cancelled.
  TurnNodes& NodesOf(TurnNode::Phase phase) {
    return phase == TurnNode::Phase::kWork ? work_ : flush_;
  }
  static void RunRound(TurnNodes& nodes);
  TurnNodes work_, flush_;
  StopNode *first_stop_ = nullptr, *last_stop_ = nullptr;
  std::unique_ptr<uint8_t[]> read_buffer_;
  std::shared_ptr<StopNode> guests_;
};

}  // namespace rondo::event

#include "event/manual_loop.h"

#include <algorithm>
#include <utility>

namespace rondo::event {

bool ManualLoop::Post(Work work) {
  std::lock_guard lock(mutex_);
  if (stopped_) return false;
  posted_.push_back(std::move(work));
  return true;
}

bool ManualLoop::RunTurn() {
  std::deque<Work> work;
  {
    std::lock_guard lock(mutex_);
    work.swap(posted_);
  }
  const bool due = has_timers() && next_timer() <= now_;
  if (work.empty() && !due && !has_turn_work()) return false;
  for (Work& w : work) w();
  RunTimers(now_);
  RunTurnEnd();
  return true;
}

void ManualLoop::RunUntilIdle() {
  while (RunTurn()) {
  }
}

void ManualLoop::Advance(Duration by) {
  const Time end = now_ + by;
  RunUntilIdle();
  while (has_timers() && next_timer() <= end) {
    now_ = std::max(now_, next_timer());
    RunUntilIdle();
  }
  now_ = end;
  RunUntilIdle();
}

void ManualLoop::Stop() {
  TellStop();
  std::deque<Work> left;
  std::lock_guard lock(mutex_);
  stopped_ = true;
  left.swap(posted_);  // Destroyed unrun.
}

}  // namespace rondo::event

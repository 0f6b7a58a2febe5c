#include "event/system_loop.h"

#include <algorithm>
#include <utility>

namespace rondo::event {
namespace {

// The loop whose Run is on this thread's stack.
thread_local const SystemLoop* running_here = nullptr;

// Goodbyes lead to posts, which lead to more; beyond this somebody doesn't mean to end.
constexpr int kLastRounds = 1000;
constexpr Duration kForEver{-1};
// Blocks that nobody needs are given back after one or two of these, if the loop turns.
constexpr Duration kTrim = std::chrono::seconds(1);

}  // namespace

SystemLoop::SystemLoop(Runner runner) : runner_(runner), now_(std::chrono::steady_clock::now()) {}

bool SystemLoop::IsHere() const { return running_here == this; }

bool SystemLoop::Post(Work work) {
  {
    std::lock_guard lock(mutex_);
    if (closed_) return false;
    posted_.push_back(std::move(work));
  }
  // Only the first post after the loop has fallen asleep pays for a system call.
  if (asleep_.load(std::memory_order_relaxed) && asleep_.exchange(false)) poller_.Wake();
  return true;
}

void SystemLoop::AskToStop() {
  stop_asked_.store(true);
  poller_.Wake();
}

void SystemLoop::Run() {
  const SystemLoop* outer = std::exchange(running_here, this);
  while (!stop_asked_.load(std::memory_order_relaxed)) {
    Turn(FallAsleep() ? Patience() : Duration{});
  }
  Finish();
  running_here = outer;
}

// ---- Without a thread.

void SystemLoop::RunUntil(const std::function<bool()>& over, Time until) {
  if (HasThread()) return;
  std::unique_lock lock(runs_mutex_);
  while (!over() && (until == Time::max() || std::chrono::steady_clock::now() < until)) {
    if (runs_ || stop_asked_.load()) {
      ++parked_;
      if (until == Time::max()) {
        news_.wait(lock);
      } else {
        news_.wait_until(lock, until);
      }
      --parked_;
      continue;
    }
    runs_ = true;
    lock.unlock();
    TurnUntil(over, until);
    lock.lock();
    runs_ = false;
    news_.notify_all();
  }
}

void SystemLoop::TurnUntil(const std::function<bool()>& over, Time until) {
  const SystemLoop* outer = std::exchange(running_here, this);
  while (!over() && !stop_asked_.load()) {
    Duration patience = FallAsleep() ? Patience() : Duration{};
    if (until != Time::max()) {
      const Duration left = until - std::chrono::steady_clock::now();
      if (left <= Duration{}) break;
      patience = patience < Duration{} ? left : std::min(patience, left);
    }
    Turn(patience);
    if (parked_.load() == 0) continue;
    const std::lock_guard lock(runs_mutex_);  // Between a parked one's look and its sleep.
    news_.notify_all();
  }
  asleep_.store(false);
  running_here = outer;
}

void SystemLoop::StopHere() {
  AskToStop();
  std::unique_lock lock(runs_mutex_);
  news_.wait(lock, [this] { return !runs_; });
  const SystemLoop* outer = std::exchange(running_here, this);
  Finish();  // Nobody else runs it any more; what waits looks once this is over.
  running_here = outer;
  news_.notify_all();
}

// A post either is seen here, under the mutex, or comes later and then sees asleep_.
bool SystemLoop::FallAsleep() {
  if (has_turn_work()) return false;
  std::lock_guard lock(mutex_);
  if (!posted_.empty()) return false;
  asleep_.store(true, std::memory_order_relaxed);
  return true;
}

Duration SystemLoop::Patience() const {
  if (timers().empty()) return kForEver;
  // The time of this turn's start is too old: the turn may have been a long one.
  return std::max(timers().next() - std::chrono::steady_clock::now(), Duration{});
}

void SystemLoop::Turn(Duration patience) {
  const BlockCache::Use blocks(blocks_);
  poller_.Wait(patience);
  asleep_.store(false, std::memory_order_relaxed);
  now_ = std::chrono::steady_clock::now();
  in_turn_ = true;
  poller_.Dispatch();
  TakePosts();
  RunTimers(now_);
  RunTurnEnd();
  if (blocks_.kept() > 0 && !trimmer_.armed()) Arm(trimmer_, now_ + kTrim);
  in_turn_ = false;
}

void SystemLoop::TakePosts() {
  {
    std::lock_guard lock(mutex_);
    running_.swap(posted_);
  }
  for (Work& work : running_) {
    work();
    work = nullptr;  // What it owns goes now, on this thread.
  }
  running_.clear();
}

void SystemLoop::Finish() {
  const BlockCache::Use blocks(blocks_);
  TellStop();
  // Farewells are written, and what was posted before the end still runs.
  for (int round = 0; round < kLastRounds && !FallAsleep(); ++round) {
    TakePosts();
    RunTurnEnd();
    TellStop();
  }
  std::vector<Work> left;
  std::lock_guard lock(mutex_);
  closed_ = true;
  left.swap(posted_);
}

}  // namespace rondo::event

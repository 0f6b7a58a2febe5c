#include "event/asio_loop.h"

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <utility>

namespace rondo::event {
namespace {

// The loop whose Run is on this thread's stack.
thread_local const AsioLoop* running_here = nullptr;

}  // namespace

AsioLoop::AsioLoop() : now_(std::chrono::steady_clock::now()) {}

bool AsioLoop::IsHere() const { return running_here == this; }

bool AsioLoop::Post(Work work) {
  {
    std::lock_guard lock(mutex_);
    if (closed_) return false;
    posted_.push_back(std::move(work));
    // Only the first of a batch wakes the loop: it takes them all.
    if (posted_.size() > 1) return true;
  }
  if (!IsHere()) asio::post(io_, [] {});
  return true;
}

void AsioLoop::AskToStop() {
  stop_asked_.store(true);
  asio::post(io_, [] {});
}

void AsioLoop::Run() {
  const AsioLoop* outer = std::exchange(running_here, this);
  const auto work = asio::make_work_guard(io_);
  TurnTheClock();
  while (!stop_asked_.load()) {
    TakePosts();
    RunTimers(now_);
    RunTurnEnd();
    SetTimer();
    bool more = has_turn_work();
    {
      std::lock_guard lock(mutex_);
      more = more || !posted_.empty();
    }
    if (!more) io_.run_one();
    TurnTheClock();
    io_.poll();
  }
  Finish();
  running_here = outer;
}

void AsioLoop::TakePosts() {
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

void AsioLoop::TurnTheClock() { now_ = std::chrono::steady_clock::now(); }

// One system timer for all of ours. It may be set too early, never too late: most deadlines are
// disarmed before they come, and setting it anew for each would cost a system call a call.
void AsioLoop::SetTimer() {
  if (timers().empty() || timer_at_ <= timers().next()) return;
  timer_at_ = timers().next();
  timer_.expires_at(timer_at_);
  timer_.async_wait([this](const asio::error_code& error) {
    if (!error) timer_at_ = Time::max();
  });
}

void AsioLoop::Finish() {
  TellStop();
  // Farewells are written, and what was posted before the end still runs.
  TakePosts();
  RunTurnEnd();
  std::vector<Work> left;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    left.swap(posted_);
  }
}

asio::io_context* IoContextOf(Loop& loop) {
  auto* mine = dynamic_cast<AsioLoop*>(&loop);
  return mine == nullptr ? nullptr : &mine->io();
}

}  // namespace rondo::event

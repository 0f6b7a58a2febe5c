#pragma once
// A loop for tests: time moves only when the test says so, and nothing runs by itself.
// Threads: Post: any. The rest: the test's, which is the loop's thread while it runs.
#include <deque>
#include <mutex>
#include <thread>

#include "event/event_loop.h"

namespace rondo::event {

class ManualLoop final : public EventLoop {
 public:
  static std::shared_ptr<ManualLoop> Make() { return std::make_shared<ManualLoop>(); }
  ManualLoop() : thread_(std::this_thread::get_id()) {}
  ~ManualLoop() override {
    if (!stopped_) Stop();
  }

  bool Post(Work work) override;
  Time Now() const override { return now_; }
  bool IsHere() const override { return std::this_thread::get_id() == thread_; }

  // One turn: what was posted, the timers that are due, the end of the turn. False: nothing to do.
  bool RunTurn();
  // Turns until there is nothing to do. Time stands still.
  void RunUntilIdle();
  // Moves the time, stopping at each timer on the way.
  void Advance(Duration by);
  // As a loop's end: tells the StopNodes, then takes no more posts.
  void Stop();
  bool stopped() const { return stopped_; }
  Time next_timer() const { return timers().next(); }  // Requires: has_timers().
  bool has_timers() const { return !timers().empty(); }

 private:
  const std::thread::id thread_;
  Time now_{};
  std::mutex mutex_;
  std::deque<Work> posted_;  // Under mutex_.
  bool stopped_ = false;     // Under mutex_ where other threads look.
};

}  // namespace rondo::event

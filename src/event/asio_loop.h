#pragma once
// A loop over asio::io_context, run by one thread. A turn: every handler and post that is ready,
// the timers that are due, the end of the turn; then it waits. Threads: Post, IsHere and AskToStop:
// any. The rest: the loop's.
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <mutex>
#include <vector>

#include "event/event_loop.h"

namespace rondo::event {

class AsioLoop final : public EventLoop {
 public:
  AsioLoop();

  bool Post(Work work) override;
  Time Now() const override { return now_; }
  bool IsHere() const override;

  // Runs turns on the calling thread until AskToStop. Ends with TellStop.
  void Run();
  void AskToStop();
  asio::io_context& io() { return io_; }

 private:
  void TakePosts();
  void TurnTheClock();
  void SetTimer();
  void Finish();

  asio::io_context io_{1};
  asio::steady_timer timer_{io_};
  Time timer_at_ = Time::max();  // What timer_ waits for.
  Time now_;
  std::atomic<bool> stop_asked_{false};
  std::mutex mutex_;
  std::vector<Work> posted_;  // Under mutex_, as closed_.
  bool closed_ = false;
  std::vector<Work> running_;  // What was posted, being run: keeps its memory.
};

// The io_context of a loop of ours; null for other kinds.
asio::io_context* IoContextOf(Loop& loop);

}  // namespace rondo::event

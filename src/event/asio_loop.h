#pragma once
// A loop that is a guest on a user's asio::io_context, run by exactly one thread: it has its turn
// when asio finds something for it to do, behind the handlers that are ready.
// Threads: as SystemLoop. Made and destroyed on the thread that runs the io_context, or while none
// does.
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <memory>

#include "event/system_loop.h"

namespace rondo::event {

class AsioLoop final : public SystemLoop {
 public:
  // `io` must outlive it. As long as the loop hasn't stopped, io.run() has work and stays.
  static std::shared_ptr<AsioLoop> Make(asio::io_context& io);
  ~AsioLoop() override;

  bool IsHere() const override;
  Time Now() const override;
  // Instead of AskToStop and Run: ends with TellStop, now. Threads: the loop's.
  void Stop();
  asio::io_context& context() const { return io_; }

 private:
  explicit AsioLoop(asio::io_context& io);
  void OnTurnWork() override { TurnSoon(); }
  void OnTimersChanged() override;
  void Wait();      // For the poller: asio watches its descriptor.
  void TurnSoon();  // Behind what is ready.
  void OneTurn();

  asio::io_context& io_;
  asio::posix::stream_descriptor poller_ready_;
  asio::steady_timer timer_;
  Time timer_at_ = Time::max();  // What timer_ waits for.
  bool turn_is_near_ = false, stopped_ = false;
};

}  // namespace rondo::event

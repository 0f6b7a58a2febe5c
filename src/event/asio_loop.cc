#include "event/asio_loop.h"

#include <asio/post.hpp>
#include <utility>

namespace rondo::event {

AsioLoop::AsioLoop(asio::io_context& io) : io_(io), poller_ready_(io, poller().fd()), timer_(io) {}

std::shared_ptr<AsioLoop> AsioLoop::Make(asio::io_context& io) {
  std::shared_ptr<AsioLoop> loop(new AsioLoop(io));
  loop->TurnSoon();
  loop->Wait();
  return loop;
}

AsioLoop::~AsioLoop() {
  poller_ready_.release();  // The poller's own to close.
}

bool AsioLoop::IsHere() const { return io_.get_executor().running_in_this_thread(); }

// Between its turns others use the thread, and the time of the last turn is long past.
Time AsioLoop::Now() const {
  return in_turn() ? SystemLoop::Now() : std::chrono::steady_clock::now();
}

void AsioLoop::Wait() {
  poller_ready_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [weak = weak_from_this()](const asio::error_code& error) {
                             const auto self = std::static_pointer_cast<AsioLoop>(weak.lock());
                             if (self == nullptr || self->stopped_ || error) return;
                             self->OneTurn();
                             if (!self->stopped_) self->Wait();
                           });
}

void AsioLoop::TurnSoon() {
  if (in_turn() || std::exchange(turn_is_near_, true)) return;
  asio::post(io_, [weak = weak_from_this()] {
    const auto self = std::static_pointer_cast<AsioLoop>(weak.lock());
    if (self != nullptr && !self->stopped_) self->OneTurn();
  });
}

void AsioLoop::OneTurn() {
  turn_is_near_ = false;
  Turn(Duration{});
  if (stopped_) return;
  if (!FallAsleep()) TurnSoon();
  OnTimersChanged();
}

// The system's timer may be set too early, never too late: setting it costs a system call.
void AsioLoop::OnTimersChanged() {
  if (in_turn() || timers().empty() || timer_at_ <= timers().next()) return;
  timer_at_ = timers().next();
  timer_.expires_at(timer_at_);
  timer_.async_wait([weak = weak_from_this()](const asio::error_code& error) {
    const auto self = std::static_pointer_cast<AsioLoop>(weak.lock());
    if (error || self == nullptr || self->stopped_) return;
    self->timer_at_ = Time::max();
    self->OneTurn();
  });
}

void AsioLoop::Stop() {
  if (in_turn()) {  // The turn ends first.
    asio::post(io_, [weak = weak_from_this()] {
      if (const auto self = std::static_pointer_cast<AsioLoop>(weak.lock())) self->Stop();
    });
    return;
  }
  if (std::exchange(stopped_, true)) return;
  Finish();
  timer_.cancel();
  poller_ready_.cancel();
}

}  // namespace rondo::event

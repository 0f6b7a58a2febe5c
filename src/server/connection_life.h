#pragma once
// How long a server's connection may live (A9): so long without calls, so long at all, and so long
// for the calls that run then. Made only for connections that have such an end.
// Threads: its loop's.
#include <string_view>

#include "event/event_loop.h"
#include "rondo/pick.h"
#include "rondo/server.h"

namespace rondo::server {

class ConnectionLife final {
 public:
  class Owner {
   public:
    virtual bool IsBusy() const = 0;                   // Calls are open.
    virtual void Drain(std::string_view why) = 0;      // Takes no more calls.
    virtual void CloseHard(std::string_view why) = 0;  // May destroy this.

   protected:
    ~Owner() = default;
  };

  static bool HasEnd(const ServerOptions& options) {
    return options.max_connection_idle > Duration{} || options.max_connection_age > Duration{};
  }
  // Begins now. Loop, options and owner outlive it.
  ConnectionLife(event::EventLoop& loop, const ServerOptions& options, Chance& chance,
                 Owner& owner);
  ConnectionLife(const ConnectionLife&) = delete;
  ConnectionLife& operator=(const ConnectionLife&) = delete;

  void OnQuiet();  // The last open call has ended.

 private:
  template <void (ConnectionLife::*kMethod)()>
  struct TimerOf final : event::TimerNode {
    explicit TimerOf(ConnectionLife& l) : life(l) {}
    void OnTimer() override { (life.*kMethod)(); }
    ConnectionLife& life;
  };
  void Arm(event::TimerNode& timer, Duration after);  // Not at all if that is beyond all time.
  void OnIdle();
  void OnAge();
  void OnGraceOver() { owner_.CloseHard("max_age: the time of grace is over"); }

  event::EventLoop& loop_;
  const ServerOptions& options_;
  Owner& owner_;
  Time quiet_since_;
  TimerOf<&ConnectionLife::OnIdle> idle_{*this};
  TimerOf<&ConnectionLife::OnAge> age_{*this};
  TimerOf<&ConnectionLife::OnGraceOver> grace_{*this};
};

}  // namespace rondo::server

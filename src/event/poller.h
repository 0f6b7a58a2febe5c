#pragma once
// Which descriptors can be read or written, asked of epoll: one system call a turn.
// Threads: all of it belongs to the loop, except Wake: any.
#include <sys/epoll.h>

#include <array>
#include <cstdint>

#include "rondo/time.h"

namespace rondo::event {

// Interest in one descriptor, which must stay open as long as this watches it. Destroying it ends
// the watch, also inside OnEvents: no event that was on its way arrives.
class Watch {
 public:
  Watch() = default;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // `events`: EPOLLIN and so on; with EPOLLET an event comes once for each change, otherwise as
  // long as it is true. 0, or why the descriptor can't be watched (errno).
  int Begin(class Poller& poller, int fd, uint32_t events);
  int Change(uint32_t events);  // Requires: it watches.
  void End();
  bool watching() const { return poller_ != nullptr; }

 protected:
  ~Watch() { End(); }

 private:
  friend class Poller;
  virtual void OnEvents(uint32_t events) = 0;
  class Poller* poller_ = nullptr;
  int fd_ = -1;
};

class Poller {
 public:
  Poller();  // Ends the program with a message if there is no descriptor left for it.
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();

  // Waits for events, but no longer than `patience` (negative: for ever) nor beyond a Wake.
  void Wait(Duration patience);
  void Dispatch();                   // Tells the watches what Wait found.
  void Wake();                       // Threads: any. Ends this Wait, or the next.
  int fd() const { return epoll_; }  // Readable when Wait would find something.

 private:
  friend class Watch;
  int Control(int operation, int fd, uint32_t events, Watch* watch);
  void Forget(const Watch& watch);

  int epoll_ = -1, wake_ = -1;
  std::array<epoll_event, 256> found_;  // What comes beyond it comes in the next turn.
  int next_ = 0, count_ = 0;
};

}  // namespace rondo::event

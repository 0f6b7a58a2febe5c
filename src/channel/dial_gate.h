#pragma once
// How many connections a channel may be making at once; further attempts wait in order.
// Threads: home.
#include <cstddef>
#include <utility>

#include "channel/wait_queue.h"

namespace rondo::channel {

class DialGate {
 public:
  // One who dials. Asks for each attempt, and returns the leave when that is over.
  class Ticket : public Waiter<Ticket> {
   public:
    explicit Ticket(DialGate& gate) : gate_(gate) {}
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

    void Ask() {  // OnMayDial comes in here, or later.
      if (gate_.IsFull()) return gate_.waiting_.Push(*this);
      Enter();
    }
    void Return() {  // Also of one that waits, and of one that has none.
      LeaveQueue();
      if (!std::exchange(inside_, false)) return;
      --gate_.inside_;
      if (!gate_.waiting_.empty() && !gate_.IsFull()) gate_.waiting_.Pop().Enter();
    }

   protected:
    ~Ticket() { Return(); }

   private:
    virtual void OnMayDial() = 0;  // Ends or returns no ticket.
    void Enter() {
      inside_ = true;
      ++gate_.inside_;
      OnMayDial();
    }
    DialGate& gate_;
    bool inside_ = false;
  };

  explicit DialGate(size_t most) : most_(most) {}  // 0: no limit.

 private:
  bool IsFull() const { return most_ > 0 && inside_ >= most_; }
  const size_t most_;
  size_t inside_ = 0;
  WaitQueue<Ticket> waiting_;
};

}  // namespace rondo::channel

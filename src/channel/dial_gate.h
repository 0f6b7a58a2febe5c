#pragma once
// How many connections a channel may be making at once; further attempts wait in order. Who has
// waited begins at the end of the turn, so that several who leave together let nobody in for
// nothing.
// Threads: home.
#include <cstddef>
#include <utility>

#include "channel/wait_queue.h"
#include "event/event_loop.h"

namespace rondo::channel {

class DialGate final : private event::TurnNode {
 public:
  // One who dials. Asks for each attempt, and returns the leave when that is over.
  class Ticket : public Waiter<Ticket> {
   public:
    explicit Ticket(DialGate& gate) : gate_(gate) {}
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

    void Ask() {  // OnMayDial comes in here, or later.
      if (gate_.IsFull() || !gate_.waiting_.empty()) return gate_.waiting_.Push(*this);
      Enter();
    }
    bool limited() const { return gate_.most_ > 0; }
    void Return() {  // Also of one that waits, and of one that has none.
      LeaveQueue();
      if (!std::exchange(inside_, false)) return;
      --gate_.inside_;
      if (!gate_.waiting_.empty()) gate_.loop_.AtTurnEnd(gate_);
    }

   protected:
    ~Ticket() { Return(); }

   private:
    friend class DialGate;
    virtual void OnMayDial() = 0;  // Ends or returns no ticket.
    void Enter() {
      inside_ = true;
      ++gate_.inside_;
      OnMayDial();
    }
    DialGate& gate_;
    bool inside_ = false;
  };

  // `most` 0: no limit. The loop outlives the gate.
  DialGate(event::EventLoop& loop, size_t most) : loop_(loop), most_(most) {}
  // When all tickets are gone: nothing of the loop's points here any more.
  void Stop() { Cancel(); }

 private:
  bool IsFull() const { return most_ > 0 && inside_ >= most_; }
  void OnTurnEnd() override {
    while (!waiting_.empty() && !IsFull()) waiting_.Pop().Enter();
  }
  event::EventLoop& loop_;
  const size_t most_;
  size_t inside_ = 0;
  WaitQueue<Ticket> waiting_;
};

}  // namespace rondo::channel

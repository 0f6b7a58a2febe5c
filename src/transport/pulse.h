#pragma once
// Whether the peer still lives, judged by what comes from it. Two questions, each asked by a PING
// that any byte answers:
// - stall (client): calls wait and nothing comes. Without an answer the peer is suspect until a
//   byte comes; the connection stays.
// - keepalive (A8, A9): nothing came for long. Without an answer the connection is dead.
// A call costs it a comparison, a read three stores; timers are armed only when something waits.
// Threads: its loop's.
#include "event/event_loop.h"
#include "rondo/keepalive.h"

namespace rondo::transport {

class Pulse final {
 public:
  struct Options {
    StallOptions stall{.enabled = false};
    int stall_pings = 2;        // While the peer sends no HEADERS and no DATA.
    Duration keepalive_time{};  // 0: off.
    Duration keepalive_timeout = std::chrono::seconds(20);
    bool permit_without_calls = false;
  };
  // Told from timers and from OnBytes only.
  class Owner {
   public:
    virtual void SendPing() = 0;
    virtual void OnSuspect(bool suspect) = 0;
    virtual void OnDead() = 0;  // May destroy the pulse.
    virtual bool HasStreams() const = 0;
    // Whether HEADERS or DATA have come since this was last asked.
    virtual bool TakeAnswered() = 0;

   protected:
    ~Owner() = default;
  };

  Pulse(event::EventLoop& loop, const Options& options, Owner& owner)
      : loop_(loop), options_(options), owner_(owner) {}
  Pulse(const Pulse&) = delete;
  Pulse& operator=(const Pulse&) = delete;

  void Start(Duration round_trip);  // The connection is ready; what is known of its round trip.
  void Stop();                      // Asks nothing any more.
  // A stream was opened from this side.
  void OnOpened() {
    if (!awake_) Wake();
  }
  void OnBytes(Time now) {
    awake_ = false;
    waiting_since_ = kNever;
    heard_ = now;
    if (asked_) OnAnswer(now);
  }
  void OnPong(Time now);                         // Of SendPing.
  uint64_t pings() const { return all_pings_; }  // Sent, ever.

 private:
  static constexpr Time kNever = Time::max();
  template <void (Pulse::*kMethod)()>
  struct TimerOf final : event::TimerNode {
    explicit TimerOf(Pulse& p) : pulse(p) {}
    void OnTimer() override { (pulse.*kMethod)(); }
    Pulse& pulse;
  };

  void Wake();
  void OnAnswer(Time now);
  void LookForStall();
  void LookForLife();
  void Ping(Time now);
  bool MayAsk(Time now);
  bool LooksTwice(event::TimerNode& timer, Time now);
  bool keeps_alive() const { return options_.keepalive_time > Duration{}; }
  Duration Silence(Time now) const;
  Duration AnswerTime() const;

  event::EventLoop& loop_;
  const Options options_;
  Owner& owner_;
  bool awake_ = true;   // OnOpened has nothing to do: before Start, and while a call waits.
  bool asked_ = false;  // A PING of ours is open, or the peer is suspect.
  bool suspect_ = false;
  bool looked_ = false;  // The time is over; what could be read then has its turn first.
  Time heard_{};
  Time waiting_since_ = kNever;  // Of the first stream opened since a byte came.
  Time slept_{};                 // When no stream was open although one had waited long enough.
  Time stall_asked_ = kNever, life_asked_ = kNever;  // By a PING that is open.
  Time last_ping_{};
  uint64_t all_pings_ = 0;
  int pings_ = 0;  // For stalls, since HEADERS or DATA came.
  Duration round_trip_{};
  bool measured_ = false;  // round_trip_ is one of a PING.
  int doublings_ = 0;      // Of the silence: PINGs that were answered in time.
  Time last_false_{};
  TimerOf<&Pulse::LookForStall> stall_{*this};
  TimerOf<&Pulse::LookForLife> life_{*this};
};

}  // namespace rondo::transport

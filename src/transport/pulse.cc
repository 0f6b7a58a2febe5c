#include "transport/pulse.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace rondo::transport {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// A PING so much later is no server's strike (A8), even if the way to it takes longer this time.
constexpr Duration kRest = minutes(5) + seconds(10);
constexpr Duration kForget = minutes(1);  // PINGs and waits for nothing are remembered so long.
constexpr int kMostDoublings = 3;
constexpr Duration kLongestTrip = seconds(1);
constexpr Duration kLookAgain = seconds(1);  // When no PING is left.

}  // namespace

void Pulse::Start(Duration round_trip) {
  heard_ = loop_.Now();
  round_trip_ = std::min(round_trip, kLongestTrip);
  if (!options_.stall.enabled && !keeps_alive()) return;  // Nothing ever wakes it.
  awake_ = false;
  if (keeps_alive() && options_.permit_without_calls) {
    loop_.Arm(life_, heard_ + options_.keepalive_time);
  }
}

void Pulse::Stop() {
  awake_ = true;
  asked_ = false;
  stall_.Disarm();
  life_.Disarm();
}

void Pulse::Wake() {
  const Time now = loop_.Now();
  awake_ = true;
  if (options_.stall.enabled) {
    const bool forgotten = slept_ >= waiting_since_ && now - slept_ >= kForget;
    if (waiting_since_ == kNever || forgotten) waiting_since_ = now;
    if (!stall_.armed()) loop_.Arm(stall_, std::max(now, waiting_since_ + Silence(now)));
  }
  if (keeps_alive() && !life_.armed()) {
    loop_.Arm(life_, std::max(now, heard_ + options_.keepalive_time));
  }
}

void Pulse::OnAnswer(Time now) {
  asked_ = looked_ = false;
  if (std::exchange(stall_asked_, kNever) != kNever) {
    stall_.Disarm();
    if (suspect_ || now - last_false_ >= kForget) doublings_ = 0;
    if (!suspect_) {  // It was alive all the time.
      doublings_ = std::min(doublings_ + 1, kMostDoublings);
      last_false_ = now;
    }
  }
  if (std::exchange(life_asked_, kNever) != kNever) {
    loop_.Arm(life_, now + options_.keepalive_time);
  }
  if (std::exchange(suspect_, false)) owner_.OnSuspect(false);
}

void Pulse::OnPong(Time now) {
  const Duration trip = std::min(now - last_ping_, kLongestTrip);
  if (trip > AnswerTime()) return;  // A stall held it up.
  round_trip_ = std::exchange(measured_, true) ? round_trip_ + (trip - round_trip_) / 4 : trip;
}

Duration Pulse::Silence(Time now) const {
  const int doublings = now - last_false_ < kForget ? doublings_ : 0;
  return std::max(options_.stall.silence * (1 << doublings), 2 * round_trip_);
}

Duration Pulse::AnswerTime() const { return std::max(options_.stall.answer, 4 * round_trip_); }

void Pulse::Ping(Time now) {
  asked_ = true;
  looked_ = false;
  last_ping_ = now;
  ++all_pings_;
  owner_.SendPing();
}

// A8: a server may count PINGs that come while it sends nothing, and end the connection at the
// third.
bool Pulse::MayAsk(Time now) {
  if (owner_.TakeAnswered()) pings_ = 0;
  return pings_ < options_.stall_pings || now - last_ping_ >= kRest;
}

// True: not yet. This loop may have been held up, and the answer may wait to be read.
bool Pulse::LooksTwice(event::TimerNode& timer, Time now) {
  if (std::exchange(looked_, true)) return false;
  loop_.Arm(timer, now);
  return true;
}

void Pulse::LookForStall() {
  const Time now = loop_.Now();
  if (suspect_) return;  // Until a byte comes.
  if (stall_asked_ != kNever) {
    const Time due = stall_asked_ + AnswerTime();
    if (now < due) return loop_.Arm(stall_, due);
    if (LooksTwice(stall_, now)) return;
    suspect_ = true;
    looked_ = false;
    return owner_.OnSuspect(true);
  }
  if (waiting_since_ == kNever) return;  // The next stream wakes it.
  if (const Time due = waiting_since_ + Silence(now); now < due) return loop_.Arm(stall_, due);
  if (!owner_.HasStreams()) {  // They have given up. What they waited counts for the next one, if
    awake_ = false;            // that comes soon.
    slept_ = now;
    return;
  }
  if (!MayAsk(now)) return loop_.Arm(stall_, now + kLookAgain);
  ++pings_;
  stall_asked_ = now;
  Ping(now);
  loop_.Arm(stall_, now + AnswerTime());
}

void Pulse::LookForLife() {
  const Time now = loop_.Now();
  if (life_asked_ != kNever) {
    const Time due = life_asked_ + options_.keepalive_timeout;
    if (now < due) return loop_.Arm(life_, due);
    if (LooksTwice(life_, now)) return;
    return owner_.OnDead();
  }
  if (!options_.permit_without_calls && !owner_.HasStreams()) {
    awake_ = false;
    return;
  }
  if (const Time due = heard_ + options_.keepalive_time; now < due) return loop_.Arm(life_, due);
  life_asked_ = now;
  Ping(now);
  loop_.Arm(life_, now + options_.keepalive_timeout);
}

}  // namespace rondo::transport

#pragma once
// Where a call's time went: one Attempt for each try, kept from the start, and the text of
// failures. Threads: home.
#include <array>
#include <string>
#include <vector>

#include "base/text.h"
#include "rondo/attempt.h"

namespace rondo::channel {

class CallRecord {
 public:
  enum class Wait : uint8_t { kNone, kBackoff, kResolver, kQueue, kCredentials, kSlot, kServer };

  // The time since the last change belongs to what was waited for until now.
  void Turn(Wait next, Time now) {
    if (Duration* d = Of(wait_)) *d += now - since_;
    wait_ = next;
    since_ = now;
  }
  void Settle(Time now) { Turn(wait_, now); }  // Counts the present wait up to now.
  Attempt& now() { return current_; }
  const Attempt& now() const { return current_; }
  const std::vector<Attempt>& earlier() const { return earlier_; }
  size_t count() const { return earlier_.size() + 1; }
  // How it ended, for one that another follows.
  void NoteEnd(const absl::Status& status, Sequel sequel) {
    current_.code = status.code();
    current_.message = MessageOf(status);
    current_.sequel = sequel;
  }
  // It waits for a stream of a connection that has so many, all in use.
  void NoteSlots(size_t used, size_t all) {
    slots_used_ = used;
    slots_ = all;
  }
  void NextAttempt() {
    earlier_.push_back(std::move(current_));
    const std::string_view policy = current_.policy;
    current_ = {};
    current_.policy = policy;
  }
  // Attempts that others made for the call.
  void Keep(std::vector<Attempt> attempts) {
    for (Attempt& a : attempts) earlier_.push_back(std::move(a));
  }
  // The last of `attempts` is the present one.
  void Adopt(std::vector<Attempt> attempts) {
    if (attempts.empty()) return;
    current_ = std::move(attempts.back());
    attempts.pop_back();
    Keep(std::move(attempts));
    wait_ = Wait::kNone;
  }
  // Of the request, when the attempt was ended here.
  void NoteUnsent(size_t bytes) { unsent_ = bytes; }
  void MoveInto(CallReport& report);
  std::vector<Attempt> All() const;
  // "attempt 1 to 10.0.0.2:80 ended with UNAVAILABLE, attempt 2 to 10.0.0.1:80: 3ms waiting for a
  // ready backend, 181ms waiting for a stream slot (100 of 100 in use), 16ms waiting for the
  // server"
  std::string Text() const;

 private:
  Duration* Of(Wait wait);
  Attempt current_;
  std::vector<Attempt> earlier_;  // Empty for nearly every call: no allocation.
  Wait wait_ = Wait::kNone;
  Time since_{};
  size_t unsent_ = 0;
  size_t slots_used_ = 0, slots_ = 0;
};

std::string ShortDuration(Duration d);  // "250ms", "1.5s", "12us"

}  // namespace rondo::channel

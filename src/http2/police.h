#pragma once
// Turns frames into offences: what a peer may do for nothing, and what it must have been paid for.
// Threads: one at a time.
#include <algorithm>
#include <cstddef>
#include <utility>

#include "http2/session.h"

namespace rondo::http2 {

// WINDOW_UPDATE and PING are paid for by DATA and HEADERS of ours: an honest peer sends at most two
// for each frame it got, tens of thousands a second when it is fast, so only the surplus counts.
class Police {
 public:
  static constexpr int kEmptyRun = 100;       // DATA frames without a byte, in a row.
  static constexpr int kFree = 100;           // Before anything was sent.
  static constexpr int kMostSaved = 100'000;  // So that an old connection has no licence to flood.

  explicit Police(Visitor& visitor) : visitor_(visitor) {}
  void Sent() {
    credit_ = std::min(credit_ + 2, kMostSaved);
    spoke_ = true;
  }
  bool TakeSpoke() { return std::exchange(spoke_, false); }  // Sent since this was last asked.
  bool Paid(Offence what) { return credit_ > 0 ? (--credit_, true) : Report(what); }
  bool Data(size_t bytes, bool end) {
    if (bytes > 0 || end) {
      empty_run_ = 0;
      return true;
    }
    return ++empty_run_ <= kEmptyRun || Report(Offence::kEmptyData);
  }
  bool Report(Offence what, const Stream* stream = nullptr) {
    return visitor_.OnOffence(what, stream);
  }

 private:
  Visitor& visitor_;
  int credit_ = kFree;
  int empty_run_ = 0;
  bool spoke_ = false;
};

}  // namespace rondo::http2

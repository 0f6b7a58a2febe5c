#pragma once
// What happened to every call, on both sides, in one order; and whether that may happen.
// Threads: one.
#include <array>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rondo/attempt.h"
#include "stack/script.h"

namespace rondo::stack {

// One run of a call's handler.
struct Execution {
  int backend = 0;
  Time began{};
  size_t requests = 0, replies = 0;  // Received, written.
  bool cancelled = false;            // It was told before it had finished.
  bool finished = false;
  absl::StatusCode code = absl::StatusCode::kOk;
};

// Why a call may end otherwise than its script says.
struct Excuses {
  bool breaks = false;     // Connections break: UNAVAILABLE.
  bool unready = false;    // Calls that do not wait for ready meet a channel that is not.
  bool closes = false;     // Its channel closed: CANCELLED.
  bool goes_away = false;  // Servers refuse what they have not looked at.
};

struct CallHistory {
  Script script;
  int channel = 0;
  Time began{}, ended{}, deadline = Time::max();
  bool cancelled = false, dropped = false;
  bool closed = false;  // Its channel or loop ended before it did.
  int ends = 0;
  absl::Status status;
  size_t written = 0, replies = 0;
  CallReport report;
  std::vector<Execution> executions;
};

class History {
 public:
  // One thing that happened; `call` 0: to no call.
  void Note(Time now, const char* what, int call, int64_t detail = 0);
  void NoteText(Time now, const char* what, int call, std::string_view text);
  void Blame(Time now, int call, std::string_view what);  // A rule was broken.

  CallHistory& Add(int channel, Time now, const Script& script);
  CallHistory& call(int id) { return *calls_[static_cast<size_t>(id) - 1]; }
  size_t size() const { return calls_.size(); }
  // The addresses that a channel was told of. Not `strict`: older ones may be picked for a while,
  // since another policy takes over.
  void NoteAddresses(Time now, int channel, std::set<std::string> addresses, bool strict);
  // Judges all calls, which must have ended by now.
  void Judge(Time now, const Excuses& excuses);

  uint64_t hash() const { return hash_; }
  bool clean() const { return blames_.empty(); }
  std::string Tail() const;  // Violations, and the last that happened before the first of them.
  // Held by every callback that is given away.
  std::shared_ptr<int> token() const { return token_; }
  long callbacks() const { return token_.use_count() - 1; }

 private:
  struct Line {
    Time at;
    const char* what;
    int call;
    int64_t detail;
    std::string text;
  };
  struct Addresses {
    Time since;
    std::set<std::string> all;
    bool strict;
  };

  void Mix(uint64_t word) { hash_ = (hash_ ^ word) * 0x100000001b3; }
  void JudgeCall(Time now, const CallHistory& call, const Excuses& excuses);
  void JudgeOk(Time now, const CallHistory& call);
  void JudgeAnswer(Time now, const CallHistory& call);
  void JudgeFailure(Time now, const CallHistory& call, const Excuses& excuses);
  void JudgeTime(Time now, const CallHistory& call);
  void JudgePicks(Time now, const CallHistory& call);

  uint64_t hash_ = 0xcbf29ce484222325;
  std::deque<Line> lines_;
  std::vector<std::string> blames_;
  std::vector<std::unique_ptr<CallHistory>> calls_;
  std::vector<std::vector<Addresses>> addresses_;  // By channel.
  const std::shared_ptr<int> token_ = std::make_shared<int>(0);
};

}  // namespace rondo::stack

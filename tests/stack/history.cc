#include "stack/history.h"

#include <algorithm>

#include "base/text.h"

namespace rondo::stack {
namespace {

constexpr size_t kTail = 60;
constexpr size_t kBlamesTold = 5;

int64_t Microseconds(Time at) {
  return std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
}
std::string Text(const absl::Status& status) {
  std::string out = absl::StatusCodeToString(status.code());
  Append(out, " \"");
  Append(out, status.message());
  return out + "\"";
}
bool Says(const absl::Status& status, std::string_view words) {
  const auto message = status.message();
  return std::string_view(message.data(), message.size()).find(words) != std::string_view::npos;
}
bool IsFromServer(const CallHistory& call) {
  const auto message = call.status.message();
  return std::string_view(message.data(), message.size()) == call.script.Words();
}

}  // namespace

void History::Note(Time now, const char* what, int call, int64_t detail) {
  NoteText(now, what, call, {});
  lines_.back().detail = detail;
  Mix(static_cast<uint64_t>(detail));
}

void History::NoteText(Time now, const char* what, int call, std::string_view text) {
  Mix(static_cast<uint64_t>(Microseconds(now)));
  Mix(static_cast<uint64_t>(call));
  for (const char* c = what; *c != 0; ++c) Mix(static_cast<uint8_t>(*c));
  for (const char c : text) Mix(static_cast<uint8_t>(c));
  lines_.push_back({now, what, call, 0, std::string(text)});
  if (lines_.size() > kTail) lines_.pop_front();
}

void History::Blame(Time now, int call, std::string_view what) {
  NoteText(now, "VIOLATION", call, what);
  std::string text = Cat(Microseconds(now), " us, call ", call, ": ", what);
  if (call > 0) {
    const CallHistory& c = this->call(call);
    Append(text,
           Cat(" [", c.script.method().path, " script ", absl::StatusCodeToString(c.script.code),
               ", status ", Text(c.status), ", ends ", c.ends, ", runs ", c.executions.size(),
               ", replies ", c.replies, " of ", c.script.replies.size(), ", attempts ",
               c.report.attempts.size(), c.script.wait_for_ready ? ", waits for ready" : "",
               c.cancelled ? ", cancelled" : "", c.dropped ? ", dropped" : "", "]"));
  }
  if (blames_.empty()) text += "\n" + Tail();
  blames_.push_back(std::move(text));
}

CallHistory& History::Add(int channel, Time now, const Script& script) {
  auto call = std::make_unique<CallHistory>();
  call->script = script;
  call->channel = channel;
  call->began = now;
  if (script.timeout > Duration{}) call->deadline = now + script.timeout;
  calls_.push_back(std::move(call));
  return *calls_.back();
}

void History::NoteAddresses(Time now, int channel, std::set<std::string> addresses, bool strict) {
  const auto i = static_cast<size_t>(channel);
  if (addresses_.size() <= i) addresses_.resize(i + 1);
  addresses_[i].push_back({now, std::move(addresses), strict});
}

std::string History::Tail() const {
  std::string out;
  for (const std::string& blame : blames_) {
    if (&blame - blames_.data() == kBlamesTold) break;
    Append(out, Cat(blame, "\n"));
  }
  if (!blames_.empty()) return out;
  for (const Line& line : lines_) {
    Append(out, Cat("  ", Microseconds(line.at), " us  ", line.what));
    if (line.call > 0) Append(out, Cat("  call ", line.call));
    if (line.detail != 0) Append(out, Cat("  ", line.detail));
    Append(out, Cat("  ", line.text, "\n"));
  }
  return out;
}

// ---- What may be.

void History::Judge(Time now, const Excuses& excuses) {
  for (const auto& call : calls_) JudgeCall(now, *call, excuses);
}

void History::JudgeCall(Time now, const CallHistory& call, const Excuses& excuses) {
  const int id = call.script.id;
  if (call.executions.size() > 1) Blame(now, id, "it was run twice");
  for (const Execution& run : call.executions) {
    if (!run.finished) Blame(now, id, "its handler was left waiting");
  }
  if (call.dropped) {
    if (call.ends != 0) Blame(now, id, "its end was told although it had been dropped");
    return;
  }
  if (call.ends != 1) return Blame(now, id, call.ends == 0 ? "it never ended" : "it ended twice");
  JudgeTime(now, call);
  JudgePicks(now, call);
  if (call.status.ok()) {
    JudgeOk(now, call);
  } else if (IsFromServer(call)) {
    JudgeAnswer(now, call);
  } else {
    JudgeFailure(now, call, excuses);
  }
}

void History::JudgeOk(Time now, const CallHistory& call) {
  const Script& s = call.script;
  if (!s.answers_ok()) Blame(now, s.id, "it ended OK, the server said otherwise");
  if (call.written != s.requests.size()) Blame(now, s.id, "it ended OK without its requests");
  JudgeAnswer(now, call);
}

// The server's own words have come.
void History::JudgeAnswer(Time now, const CallHistory& call) {
  const Script& s = call.script;
  if (call.executions.size() != 1) return Blame(now, s.id, "it was answered without being run");
  const Execution& run = call.executions.front();
  if (!run.finished || run.cancelled || run.code != call.status.code()) {
    Blame(now, s.id, "its status is not what the server said");
  }
  const bool reads_all = !s.finish_first || s.kind == Kind::kUnary;
  const bool shown = call.status.ok() || s.method().server_streams;
  if (reads_all && shown && call.replies != run.replies) {
    Blame(now, s.id, Cat("replies are missing: the server wrote ", run.replies));
  }
  const std::string text = std::to_string(s.id);
  if (call.report.trailers.Find("x-end") != text) Blame(now, s.id, "its trailers are missing");
  if (call.report.headers.Find("x-begin") != text) Blame(now, s.id, "its headers are missing");
}

void History::JudgeFailure(Time now, const CallHistory& call, const Excuses& excuses) {
  const int id = call.script.id;
  switch (call.status.code()) {
    case absl::StatusCode::kCancelled:
      if (call.cancelled || (call.closed && excuses.closes)) return;
      return Blame(now, id, "nobody has cancelled it");
    case absl::StatusCode::kDeadlineExceeded:
      if (call.began + call.report.total >= call.deadline) return;
      return Blame(now, id, "its deadline has not passed");
    case absl::StatusCode::kUnavailable: {
      if (excuses.breaks || (excuses.unready && !call.script.wait_for_ready)) return;
      const bool refused = Says(call.status, "REFUSED_STREAM") ||
                           Says(call.status, "is going away and did not look");
      if (excuses.goes_away && refused && call.report.attempts.size() > 1) return;
      return Blame(now, id, "nothing has made it unavailable");
    }
    default:
      return Blame(now, id, "nobody has said that");
  }
}

void History::JudgeTime(Time now, const CallHistory& call) {
  if (call.began + call.report.total > call.deadline)
    Blame(now, call.script.id, "it ended after its deadline");
}

// Attempts don't overlap, and their waits are told: so the time at which each went to its backend
// is known.
void History::JudgePicks(Time now, const CallHistory& call) {
  const auto channel = static_cast<size_t>(call.channel);
  if (addresses_.size() <= channel) return;
  Time at = call.began;
  for (const Attempt& attempt : call.report.attempts) {
    const Time opened = at + attempt.resolver + attempt.queued + attempt.slot;
    at = opened + attempt.server;
    if (attempt.backend == nullptr || !attempt.sent) continue;
    bool listed = false, strict = true;
    for (const Addresses& a : addresses_[channel]) {
      if (a.since > opened) break;
      // What was told in that very moment may have come before or after the pick.
      if (a.since < opened) listed = false, strict = a.strict;
      strict = strict && a.strict;
      listed = listed || a.all.contains(attempt.backend->address);
    }
    if (strict && !listed) {
      Blame(now, call.script.id,
            Cat("it went to ", attempt.backend->address, " after that had been removed"));
    }
  }
}

}  // namespace rondo::stack

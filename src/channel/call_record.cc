#include "channel/call_record.h"

#include "base/text.h"
#include "wire/status_codec.h"

namespace rondo::channel {

namespace {

// "3ms waiting for a ready backend, 16ms waiting for the server". `slots`: behind the stream slot.
std::string WaitsOf(const Attempt& a, std::string_view slots) {
  std::string out;
  const auto part = [&](Duration d, std::string_view what, std::string_view more = {}) {
    if (d < std::chrono::microseconds(1)) return;
    Append(out, Cat(out.empty() ? "" : ", ", ShortDuration(d), " ", what, more));
  };
  part(a.backoff, "waiting to try again");
  part(a.resolver, "waiting for the resolver");
  part(a.queued, "waiting for a ready backend");
  part(a.credentials, "waiting for call credentials");
  part(a.slot, "waiting for a stream slot", slots);
  part(a.server, "waiting for the server");
  return out;
}

}  // namespace

std::string ShortDuration(Duration d) {
  const int64_t us = std::chrono::duration_cast<std::chrono::microseconds>(d).count();
  if (us < 1000) return Cat(us, "us");
  if (us < 1'000'000) return Cat(us / 1000, "ms");
  return Cat(us / 1'000'000, ".", us / 100'000 % 10, "s");
}

Duration* CallRecord::Of(Wait wait) {
  switch (wait) {
    case Wait::kNone:
      return nullptr;
    case Wait::kBackoff:
      return &current_.backoff;
    case Wait::kResolver:
      return &current_.resolver;
    case Wait::kQueue:
      return &current_.queued;
    case Wait::kCredentials:
      return &current_.credentials;
    case Wait::kSlot:
      return &current_.slot;
    case Wait::kServer:
      return &current_.server;
  }
  return nullptr;
}

void CallRecord::MoveInto(CallReport& report) {
  report.peer = current_.backend == nullptr ? "" : current_.backend->address;
  report.attempts = std::move(earlier_);
  report.attempts.push_back(std::move(current_));
}

std::vector<Attempt> CallRecord::All() const {
  std::vector<Attempt> all = earlier_;
  all.push_back(current_);
  return all;
}

std::string CallRecord::Text() const {
  std::string out;
  size_t n = 0;
  for (const Attempt& a : earlier_) {
    Append(out, Cat("attempt ", ++n));
    if (a.backend != nullptr) Append(out, Cat(" to ", a.backend->address));
    Append(out, Cat(" ended with ", wire::CodeName(a.code), ", "));
  }
  Append(out, Cat("attempt ", count()));
  if (current_.backend != nullptr) Append(out, Cat(" to ", current_.backend->address));
  std::string slots;
  if (slots_ > 0) slots = Cat(" (", slots_used_, " of ", slots_, " in use)");
  const std::string waits = WaitsOf(current_, slots);
  if (!waits.empty()) Append(out, Cat(": ", waits));
  if (unsent_ > 0) {
    Append(out, Cat(waits.empty() ? ": " : ", ", unsent_,
                    " bytes of the request wait for its flow control"));
  }
  return out;
}

}  // namespace rondo::channel

namespace rondo {

std::string_view Name(Sequel sequel) {
  switch (sequel) {
    case Sequel::kNone:
      return "";
    case Sequel::kNotSent:
      return "repeated: nothing of it had been written";
    case Sequel::kNotProcessed:
      return "repeated: the server hasn't looked at it";
    case Sequel::kRetried:
      return "retried";
    case Sequel::kPushedBack:
      return "retried when the server said";
    case Sequel::kHedged:
      return "others ran beside it";
    case Sequel::kNoPolicy:
      return "not retried: the method has no policy that says so";
    case Sequel::kBadCode:
      return "not retried: the policy doesn't name this code";
    case Sequel::kCommitted:
      return "not retried: an answer had begun, or what was written is no longer kept";
    case Sequel::kToldNotTo:
      return "not retried: the server says so";
    case Sequel::kThrottled:
      return "not retried: too many of the channel's calls fail";
    case Sequel::kExhausted:
      return "not retried: no more attempts are allowed";
    case Sequel::kCallOver:
      return "not retried: the call is over";
  }
  return "";
}

std::string CallReport::Text() const {
  std::string out;
  size_t n = 0;
  for (const Attempt& a : attempts) {
    Duration took = a.resolver + a.queued + a.credentials + a.slot + a.server;
    Append(out, Cat(++n, ": ", a.backend == nullptr ? "no backend" : a.backend->address, " ",
                    wire::CodeName(a.code), " after ", channel::ShortDuration(took)));
    const std::string waits = channel::WaitsOf(a, {});
    if (!waits.empty()) Append(out, Cat(" (", waits, ")"));
    if (!a.message.empty()) Append(out, Cat(": ", a.message));
    if (a.sequel != Sequel::kNone) Append(out, Cat("; ", Name(a.sequel)));
    Append(out, "\n");
  }
  return out;
}

}  // namespace rondo

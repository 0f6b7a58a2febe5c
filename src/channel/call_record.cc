#include "channel/call_record.h"

#include "base/text.h"
#include "wire/status_codec.h"

namespace rondo::channel {

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
  std::string_view separator = ": ";
  const auto part = [&](Duration d, std::string_view what) {
    if (d < std::chrono::microseconds(1)) return;
    Append(out, Cat(separator, ShortDuration(d), " ", what));
    separator = ", ";
  };
  part(current_.backoff, "waiting to try again");
  part(current_.resolver, "waiting for the resolver");
  part(current_.queued, "waiting for a ready backend");
  part(current_.credentials, "waiting for call credentials");
  part(current_.slot, "waiting for a stream slot");
  part(current_.server, "waiting for the server");
  if (unsent_ > 0) {
    Append(out, Cat(separator, unsent_, " bytes of the request wait for its flow control"));
  }
  return out;
}

}  // namespace rondo::channel

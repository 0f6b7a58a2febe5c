#include "channel/retry.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "channel/call.h"
#include "channel/core.h"
#include "wire/status_codec.h"

namespace rondo::channel {
namespace {

constexpr int kMaxAttempts = 5;  // gRPC's own limit (A6).

// The server's details stay with the status.
void AddWords(absl::Status& status, std::string_view words) {
  absl::Status longer(status.code(), Cat(status.message(), words));
  status.ForEachPayload(
      [&](absl::string_view type, const absl::Cord& payload) { longer.SetPayload(type, payload); });
  status = std::move(longer);
}

Sequel SequelOf(const retry::Step& step, bool committed) {
  switch (step.verdict) {
    case retry::Verdict::kRetry:
      return step.next.backoffs == 0 ? Sequel::kPushedBack : Sequel::kRetried;
    case retry::Verdict::kFinal:
      return committed ? Sequel::kCommitted : Sequel::kBadCode;
    case retry::Verdict::kTold:
      return Sequel::kToldNotTo;
    case retry::Verdict::kThrottled:
      return Sequel::kThrottled;
    case retry::Verdict::kExhausted:
      return Sequel::kExhausted;
  }
  return Sequel::kNone;
}

}  // namespace

// One value, a whole number of milliseconds. All else means: don't.
retry::PushbackSeen PushbackOf(const http2::Headers* trailers) {
  retry::PushbackSeen seen;
  if (trailers == nullptr) return seen;
  for (const http2::Header& field : trailers->fields) {
    if (field.name != "grpc-retry-pushback-ms") continue;
    if (seen.kind != retry::Pushback::kNone) return {retry::Pushback::kStop};
    int32_t ms = -1;
    const char* const end = field.value.data() + field.value.size();
    const auto [stop, error] = std::from_chars(field.value.data(), end, ms);
    if (error != std::errc() || stop != end || ms < 0) return {retry::Pushback::kStop};
    seen = {retry::Pushback::kDelay, std::chrono::milliseconds(ms)};
  }
  return seen;
}

int AttemptLimit(const Core& core) {
  const int asked = core.options().retry.max_attempts;
  return asked < 2 ? kMaxAttempts : asked;
}

Time After(Time now, Duration delay) {
  return delay < Time::max() - now ? now + delay : Time::max();
}

bool Retry::Decide(absl::Status& status, bool committed, const http2::Headers* trailers) {
  const double chance = static_cast<double>(core_.chance().Next() >> 11) * 0x1p-53;
  const retry::Step step =
      retry::Next(&policy_, state_,
                  {.code = status.code(), .committed = committed, .pushback = PushbackOf(trailers)},
                  AttemptLimit(core_), core_.retry_budget(), chance);
  call_.NoteSequel(SequelOf(step, committed));
  switch (step.verdict) {
    case retry::Verdict::kRetry:
      break;
    case retry::Verdict::kExhausted:
      AddWords(status, Cat("; retries exhausted after ", state_.attempts, " attempts"));
      return false;
    case retry::Verdict::kThrottled:
      AddWords(status, "; not retried: too many of the channel's calls fail (retryThrottling)");
      return false;
    case retry::Verdict::kFinal:
    case retry::Verdict::kTold:
      return false;
  }
  state_ = step.next;
  previous_ = Cat(state_.attempts - 1);
  last_ = wire::CodeName(status.code());
  if (trailers != nullptr) {
    last_ += Cat(": ", MessageOf(status));
  }
  core_.home().Arm(*this, After(core_.home().Now(), step.delay));
  return true;
}

void Retry::OnTimer() { call_.TryAgain(); }

void Retry::AddHeader(std::vector<http2::Header>& fields) const {
  if (state_.attempts > 1) fields.push_back({"grpc-previous-rpc-attempts", previous_});
}

std::string Retry::WhyItWaits() const { return Cat("the retry waits after ", last_); }

}  // namespace rondo::channel

#pragma once
// Whether a call is sent again, as a pure function: (state, how an attempt ended) -> (state, what
// to do). gRFC A6. Threads: none; it has no memory of its own.
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "rondo/time.h"

namespace rondo::channel::retry {

// A set of gRPC codes, a bit each.
struct Codes {
  uint32_t bits = 0;
  bool Has(absl::StatusCode code) const { return (bits >> static_cast<int>(code) & 1) != 0; }
};

// A method's retryPolicy.
struct Policy {
  int max_attempts = 0;  // Of the config: 2 or more. The channel's limit is applied by Next.
  Duration initial_backoff{}, max_backoff{};
  double multiplier = 0;
  Codes codes;
};

// What the service config's retryThrottling says; in thousandths of a token.
struct Throttling {
  int64_t max = 0, ratio = 0;
  friend bool operator==(const Throttling&, const Throttling&) = default;
};

// A channel's budget. Failures that ask for a retry cost a token, successes give `ratio` back; at
// or below half of `max` nothing is retried. Without a Throttling all is allowed.
class Budget {
 public:
  // New parameters keep the filled fraction; the same ones change nothing.
  void Configure(const std::optional<Throttling>& throttling);
  bool on() const { return on_; }
  void OnSuccess() {
    if (on_) tokens_ = tokens_ + now_.ratio < now_.max ? tokens_ + now_.ratio : now_.max;
  }
  // Takes a token. True: a retry may be sent.
  bool OnFailure();
  bool allows() const { return !on_ || tokens_ > now_.max / 2; }
  int64_t tokens() const { return tokens_; }  // In thousandths.

 private:
  Throttling now_;
  int64_t tokens_ = 0;
  bool on_ = false;
};

// The server's own word, in the trailer grpc-retry-pushback-ms.
enum class Pushback : uint8_t { kNone, kDelay, kStop };
struct PushbackSeen {
  Pushback kind = Pushback::kNone;
  Duration delay{};  // With kDelay.
};

struct State {
  int attempts = 1;  // Begun and counted; transparent repeats aren't.
  int backoffs = 0;  // Since the start, or the last pushback.
};
// An attempt ended with an error, and no transparent repeat is to be made.
struct Failed {
  absl::StatusCode code = absl::StatusCode::kUnknown;
  bool committed = false;  // An answer has begun, or what would be sent again isn't kept any more.
  PushbackSeen pushback{};
};

enum class Verdict : uint8_t {
  kRetry,      // After `delay`.
  kFinal,      // The code isn't retried, the call is committed, or there is no policy.
  kTold,       // The server says not to.
  kThrottled,  // The channel has spent its budget.
  kExhausted,  // It was the last attempt.
};
struct Step {
  Verdict verdict;
  State next;
  Duration delay{};
};

// `limit`: the channel's greatest number of attempts. `chance`: in [0, 1), for the jitter.
// May take a token from `budget`.
Step Next(const Policy* policy, const State& state, const Failed& failed, int limit, Budget& budget,
          double chance);

// A method's hedgingPolicy.
struct Hedging {
  int max_attempts = 0;
  Duration delay{};  // Between two; 0: all at once.
  Codes non_fatal;
};
struct HedgeState {
  int begun = 1, running = 1;  // Attempts.
  bool stopped = false;        // The server said to send no more.
};
enum class HedgeVerdict : uint8_t {
  kDeliver,  // The call ends with this; what runs is cancelled.
  kWait,     // For those that run, and for the timer as it stands.
  kNextNow,  // Send one more, and begin the delay anew.
  kNextIn,   // Send one more after `delay`.
};
struct HedgeStep {
  HedgeVerdict verdict;
  HedgeState next;
  Duration delay{};
};
// An attempt ended with an error. May take a token from `budget`.
HedgeStep NextHedge(const Hedging& policy, const HedgeState& state, const Failed& failed, int limit,
                    Budget& budget);

}  // namespace rondo::channel::retry

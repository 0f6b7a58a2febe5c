#pragma once
// What became of a call: one record for each attempt, always kept, and the report that shows them.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "rondo/backend.h"
#include "rondo/metadata.h"
#include "rondo/time.h"

namespace rondo {

// Why an attempt was followed by another, or was the last of its call (A6).
enum class Sequel : uint8_t {
  kNone,          // It was answered with OK, or it still runs.
  kNotSent,       // Repeated at once: nothing of it had been written.
  kNotProcessed,  // Repeated at once: the server says that it hasn't looked at it.
  kRetried,       // Repeated after a backoff, as the retryPolicy says.
  kPushedBack,    // Repeated when the server said (grpc-retry-pushback-ms).
  kHedged,        // Others ran beside it (hedgingPolicy).
  kNoPolicy,      // The last: the method has no policy that repeats it.
  kBadCode,       // The last: its code is none of those that the policy repeats.
  kCommitted,     // The last: an answer had begun, or what was written is no longer kept.
  kToldNotTo,     // The last: the server says so.
  kThrottled,     // The last: too many of the channel's calls fail (retryThrottling).
  kExhausted,     // The last: policy or channel allow no more.
  kCallOver,      // The last: deadline, cancellation or the channel's end.
};
// In words: "retried", "not retried: the call has no policy that says so", ...; "" for kNone.
std::string_view Name(Sequel sequel);

// One attempt to reach a backend. The waits don't overlap; their sum is the attempt's time.
struct Attempt {
  SubchannelRef backend;    // Null if no backend was picked.
  std::string_view policy;  // Name of the top policy; static or kept by the channel's config.
  std::string_view reason;  // What the picker said of its choice; empty if nothing.
  Time began{};             // When it began: after the backoff.
  Duration backoff{};       // Before it, by the retry policy or the server's word.
  Duration resolver{};      // Waiting for the resolver's first answer.
  Duration queued{};        // Waiting for a picker that picks.
  Duration credentials{};   // Waiting for call credentials.
  Duration slot{};          // Waiting for a free stream on the chosen connection.
  Duration server{};        // From the first byte sent to the end.
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string message{};  // Of its status.
  Sequel sequel = Sequel::kNone;
  bool sent = false;         // Some of it was written to a connection.
  bool transparent = false;  // It was repeated by gRPC itself (A6): kNotSent or kNotProcessed.
};

// Filled in before a call completes, for whoever asked by CallOptions::report.
struct CallReport {
  std::vector<Attempt> attempts;
  std::string peer;   // Address of the last attempt's backend; empty if none was picked.
  Metadata headers;   // The server's initial metadata.
  Metadata trailers;  // The server's trailing metadata, without gRPC's own keys.
  Duration total{};   // From the start of the call to its end.

  // A line for each attempt: "1: a:1 UNAVAILABLE after 12ms (2ms waiting for a ready backend, 10ms
  // waiting for the server): connection reset by peer; retried".
  std::string Text() const;
};

}  // namespace rondo

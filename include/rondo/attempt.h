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

// One attempt to reach a backend. The waits don't overlap; their sum is the attempt's time.
struct Attempt {
  SubchannelRef backend;    // Null if no backend was picked.
  std::string_view policy;  // Name of the top policy; static or kept by the channel's config.
  std::string_view reason;  // What the picker said of its choice; empty if nothing.
  Duration backoff{};       // Before it, by the retry policy or the server's word.
  Duration resolver{};      // Waiting for the resolver's first answer.
  Duration queued{};        // Waiting for a picker that picks.
  Duration credentials{};   // Waiting for call credentials.
  Duration slot{};          // Waiting for a free stream on the chosen connection.
  Duration server{};        // From the first byte sent to the end.
  absl::StatusCode code = absl::StatusCode::kOk;
  bool sent = false;         // Some of it was written to a connection.
  bool transparent = false;  // A repeat that gRPC makes by itself (A6).
};

// Filled in before a call completes, for whoever asked by CallOptions::report.
struct CallReport {
  std::vector<Attempt> attempts;
  std::string peer;   // Address of the last attempt's backend; empty if none was picked.
  Metadata headers;   // The server's initial metadata.
  Metadata trailers;  // The server's trailing metadata, without gRPC's own keys.
  Duration total{};   // From the start of the call to its end.
};

}  // namespace rondo

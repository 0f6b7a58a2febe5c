#pragma once
// What happens to calls and connections, told to whoever measures it. Metrics (metrics.h) is one;
// others may be written. A channel or server that has none pays one test a call.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "rondo/balance.h"
#include "rondo/call.h"
#include "rondo/time.h"

namespace rondo {

// How an attempt of a client's call, or a call on a server, ended.
struct AttemptSeen {
  absl::StatusCode code = absl::StatusCode::kOk;
  Duration latency{};     // Client: from its beginning, the pick included. Server: of the call.
  uint64_t sent = 0;      // Bytes of messages, as compressed; no prefixes, no metadata.
  uint64_t received = 0;  // Likewise.
};

// How a client's call ended.
struct CallSeen {
  absl::StatusCode code = absl::StatusCode::kOk;
  Duration latency{};
  int retries = 0;              // By policy or by the server's word.
  int transparent_retries = 0;  // By gRPC itself (A6).
  int hedges = 0;
  Duration retry_delay{};  // Without any attempt at work: backoffs.
};

// One channel's. What isn't overridden is not looked at.
// Threads: the channel's loop, one call at a time; destroyed on any, after the last one.
class ChannelObserver {
 public:
  virtual ~ChannelObserver() = default;
  virtual void OnAttemptStart(const Method& /*method*/) {}
  virtual void OnAttemptEnd(const Method& /*method*/, const AttemptSeen& /*end*/) {}
  virtual void OnCallEnd(const Method& /*method*/, const CallSeen& /*end*/) {}
  // A connection to a backend is ready for calls, or an attempt to make one has failed (A94).
  virtual void OnConnected(std::string_view /*address*/) {}
  virtual void OnConnectFailed(std::string_view /*address*/) {}
  // It takes no more calls. `why` is A94's disconnect_error: "GOAWAY NO_ERROR", "subchannel
  // shutdown", "connection reset", "connection timed out", "connection aborted", "socket error",
  // "unknown"; or ours, "connection age".
  virtual void OnDisconnected(std::string_view /*address*/, std::string_view /*why*/) {}
  virtual void OnPolicyMetric(const MetricPoint& /*point*/) {}  // Control::Metric.
};

// One loop's of a server.
// Threads: that loop, one call at a time.
class ServerObserver {
 public:
  virtual ~ServerObserver() = default;
  // `path`: "/package.Service/Method", as long-lived as the method; empty: no such method is known,
  // and the name that the caller sent is not passed on.
  virtual void OnCallStart(std::string_view /*path*/) {}
  virtual void OnCallEnd(std::string_view /*path*/, const AttemptSeen& /*end*/) {}
  // A client ran into a limit; on the connection's loop, in the middle of its work: it must not
  // stop or destroy the server. `limit` is static, one of those of docs/howto/limits.md: "resets",
  // "message_bytes". "protocol": the connection is closed, since it broke HTTP/2's rules.
  virtual void OnLimit(std::string_view /*limit*/) {}
};

// In ChannelOptions::observers and ServerOptions::observers.
// Threads: any.
class Observer {
 public:
  virtual ~Observer() = default;
  // Null: not interested. `security` is A94's security_level of the channel's connections: "none"
  // (plaintext) or "privacy_and_integrity".
  virtual std::unique_ptr<ChannelObserver> ForChannel(std::string_view /*target*/,
                                                      std::string_view /*security*/) {
    return nullptr;
  }
  virtual std::unique_ptr<ServerObserver> ForServer() { return nullptr; }
};

}  // namespace rondo

#pragma once
// A channel: a target, its backends, and the policy that chooses among them.
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rondo/balance.h"
#include "rondo/call.h"
#include "rondo/credentials.h"
#include "rondo/explain.h"
#include "rondo/keepalive.h"
#include "rondo/loop.h"
#include "rondo/resolve.h"
#include "rondo/task.h"

namespace rondo {

class Observer;
class ClientCall;
template <class C>
class NextOf;
// See interceptor.h, which who writes one includes.
using ClientInterceptor = std::function<Task<absl::Status>(ClientCall&, NextOf<ClientCall>)>;

// Connection backoff: doc/connection-backoff.md of gRPC. The wait counts from the attempt's start.
struct BackoffOptions {
  Duration base = std::chrono::seconds(1);                  // After the first failure. > 0
  double multiplier = 1.6;                                  // >= 1
  double jitter = 0.2;                                      // Each wait is times 1 +- this. [0, 1)
  Duration max = std::chrono::seconds(120);                 // >= base
  Duration min_connect_timeout = std::chrono::seconds(20);  // Least time an attempt gets. > 0
};

// What retries may cost (gRFC A6). The policies themselves are of the service config.
struct RetryOptions {
  // False: retry policies of the service config are not acted on. What no server has looked at is
  // still sent again.
  bool enabled = true;
  int max_attempts = 5;  // A call's greatest number of attempts, the first included; below 2: 5.
  // Bytes of a streaming call's messages that are kept to be sent again. Beyond, the call goes on
  // and is not retried any more. (A unary request lies in its call's memory and costs nothing.)
  size_t call_buffer = 256 << 10;
  size_t channel_buffer = 16 << 20;  // Likewise, of all calls of the channel.
};

struct ChannelOptions {
  Credentials credentials{};                 // Required: Tls(), or Insecure() for plaintext.
  std::string default_service_config{};      // JSON; used when the resolver gives none (A21).
  bool use_resolver_service_config = true;   // False: what the resolver sends is not looked at.
  std::vector<PolicyFactory> policies{};     // Besides the built-in ones; a same name replaces.
  std::vector<ResolverFactory> resolvers{};  // Likewise, by scheme.
  std::string default_scheme = "dns";        // For targets that name none.
  std::string authority{};                   // :authority of calls; empty: from the target.
  std::string user_agent{};                  // Put before "grpc-c++-rondo/VERSION".
  Duration idle_timeout = std::chrono::minutes(30);  // Without calls, back to IDLE; 0: never.
  BackoffOptions backoff{};
  // Connections that the channel makes at once, handshakes included; further attempts wait in
  // order. 0: no limit. A dead backend holds its place for backoff.min_connect_timeout.
  size_t max_concurrent_dials = 0;
  RetryOptions retry{};
  StallOptions stall{};
  KeepaliveOptions keepalive{};
  // The most connections to one backend. Beyond the first they are opened when all are full
  // (SETTINGS_MAX_CONCURRENT_STREAMS) and calls wait, as far as the service config's
  // connectionScaling.maxConnectionsPerSubchannel allows, whose default is 1 (A105). At least 1.
  size_t max_connections_per_subchannel = 10;
  // A connection that has been ready for so long, times 0.9 to 1.1 by chance, is replaced: another
  // is made, and then no new call goes to the old one, which closes when its last call has ended.
  // For balancers of layer 4, which choose a server only when a connection is made. 0: never; else
  // 1 s to 10 years.
  Duration max_connection_age{};
  // Whether the environment may name an HTTP proxy (A1), through which backends are then reached by
  // CONNECT: docs/howto/proxies.md.
  bool enable_http_proxy = true;
  // False: a service config's healthCheckConfig is read and not acted on (A17).
  bool health_checks = true;
  // What policies heed besides their config: ConnectionAttemptDelay, StartupWait, RingSizeCap
  // (balance.h).
  Attributes policy_settings{};
  size_t max_receive_message = 4 << 20;  // Bytes, uncompressed; RESOURCE_EXHAUSTED beyond.
  size_t max_send_message = INT32_MAX;   // Bytes, uncompressed; likewise.
  // Of requests, unless the call says otherwise. A server that doesn't know it answers
  // UNIMPLEMENTED.
  Compression compression = Compression::kIdentity;
  // Hears what a service config asks for in vain (unknown fields, what this version can't do, one
  // of the resolver's that is wrong), one text each: inside Create and on the channel's loop. Null:
  // they are written to stderr.
  std::function<void(std::string_view)> on_warning{};
  // Keys of a call's parent (CallOptions::parent) that are sent on with it, unless it has them
  // itself. The default: trace context, W3C's and gRPC's.
  std::vector<std::string> forward_metadata{"traceparent", "tracestate", "grpc-trace-bin"};
  std::vector<ClientInterceptor> interceptors{};       // Of every call; the first is the outermost.
  std::vector<std::shared_ptr<Observer>> observers{};  // Metrics and the like; none costs nothing.
  LoopPool* loops = nullptr;  // Null: LoopPool::Default(). Must not die in Create.
};

class Channel;
namespace channel {
struct Environment;
absl::StatusOr<Channel> MakeChannel(std::string_view target, ChannelOptions options,
                                    Environment env);
}  // namespace channel

enum class ChannelState : uint8_t { kIdle, kConnecting, kReady, kTransientFailure, kShutdown };
std::string_view Name(ChannelState state);  // "IDLE", "CONNECTING", ...

// A handle; copies share one channel, which closes with the last of them or with Close(). Calls in
// flight end with CANCELLED then. Creating one does no I/O: the first call, or Connect(), does.
// Threads: any, all methods.
class Channel {
 public:
  // Fails at once on a target that can't be read, a default service config that is wrong
  // (line and column are told), or missing credentials: INVALID_ARGUMENT.
  static absl::StatusOr<Channel> Create(std::string_view target, ChannelOptions options);

  Channel(const Channel&) = default;
  Channel(Channel&&) noexcept = default;
  Channel& operator=(const Channel&) = default;
  Channel& operator=(Channel&&) noexcept = default;
  ~Channel() = default;

  // ---- Calls. `method` must outlive the channel (generated code's are static). A method's headers
  // are encoded once a channel.
  UnaryCall Unary(const Method& method, const CallOptions& options, size_t request_size) const;
  StreamCall Stream(const Method& method, const CallOptions& options) const;
  // Whether waiting here would block the loop that the call needs.
  bool WouldBlock() const;

  // ---- Connectivity (gRPC's connectivity-semantics-and-api).
  ChannelState GetState(bool try_to_connect = false) const;
  // Leaves IDLE, also of the policy, but for those that connect only when a call comes (ring_hash,
  // maglev: A42).
  void Connect() const;
  // True as soon as the state is another than `from`; false at the deadline. Blocks.
  bool WaitForStateChange(ChannelState from, Time deadline) const;
  // Every state from now on, in order, none left out; on the channel's loop. The first call tells
  // the present state. `why` is not OK in TRANSIENT_FAILURE, in the words that a call would have
  // failed with at that moment, and in SHUTDOWN. Dropping the subscription ends it (on another
  // thread than the loop's, a call that is already running may still finish).
  class Subscription {
   public:
    virtual ~Subscription() = default;
  };
  using OnState = std::function<void(ChannelState, const absl::Status& why)>;
  [[nodiscard]] std::unique_ptr<Subscription> Subscribe(OnState on_state) const;
  void ResetConnectBackoff() const;  // Backends that wait to be tried again are free at once.
  void EnterIdle() const;            // As if the idle timeout had passed, unless calls are running.

  // ---- Service config. Live: takes the place of the resolver's and of the default one, until
  // ClearServiceConfig. An invalid one changes nothing. Returns the warnings, such as unknown
  // fields, one text each.
  absl::StatusOr<std::vector<std::string>> SetServiceConfig(std::string_view json) const;
  void ClearServiceConfig() const;

  // ---- What it is doing, and why. The first form waits for the channel's loop, unless it is
  // there; of a channel whose loop has stopped it tells the target and SHUTDOWN. The second one is
  // for loops, which may not wait: `done` is called on the channel's loop, never inline; not at all
  // if that has stopped.
  Explanation Explain() const;
  void Explain(Function<void(Explanation)> done) const;

  const std::string& target() const;  // As it was read: "dns:///a:1".
  const std::string& authority() const;
  Loop& loop() const;  // Home: where its callbacks run.
  void Close() const;

 private:
  struct Open;
  friend absl::StatusOr<Channel> channel::MakeChannel(std::string_view, ChannelOptions,
                                                      channel::Environment);
  explicit Channel(std::shared_ptr<Open> open) : open_(std::move(open)) {}
  std::shared_ptr<Open> open_;
};

}  // namespace rondo

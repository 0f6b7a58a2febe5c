#pragma once
// A server: addresses, loops, and the methods that are called on it.
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rondo/backend.h"
#include "rondo/call.h"
#include "rondo/compression.h"
#include "rondo/credentials.h"
#include "rondo/function.h"
#include "rondo/keepalive.h"
#include "rondo/limits.h"
#include "rondo/loop.h"
#include "rondo/metadata.h"
#include "rondo/slice.h"
#include "rondo/task.h"
#include "rondo/time.h"

namespace rondo {

class CancelSignal;
class Observer;
class ServerCall;
template <class C>
class NextOf;
// See interceptor.h, which who writes one includes.
using ServerInterceptor = std::function<Task<absl::Status>(ServerCall&, NextOf<ServerCall>)>;

// One call as its handler sees it. It lives until Finish or Reply was called and returned; the
// handler owes it exactly one of them. Typed services (service.h) wrap the untyped half.
// Threads: its loop's, except where it says "any".
class ServerCall {
 public:
  virtual ~ServerCall() = default;

  // ---- What came.
  std::string_view method() const { return method_; }     // "/package.Service/Method"
  const Metadata& metadata() const { return metadata_; }  // Without gRPC's own keys.
  const std::string& peer() const { return *peer_; }      // "127.0.0.1:4711"
  // Who the caller has proven to be: by its TLS certificate, or by the kernel of a unix socket.
  // Null: nobody. Any thread, until the end of the call.
  const PeerIdentity* peer_identity() const { return identity_; }
  std::optional<Time> deadline() const { return deadline_; }  // The caller's.
  // Any thread: the caller has gone, cancelled, or its deadline has passed.
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }
  // Sent with calls that are made for this one (CallOptions::parent), in place of what came under
  // this key.
  void Forward(std::string_view key, std::string_view value) { forwarded_.Add(key, value); }
  const Metadata& forwarded() const { return forwarded_; }
  // Fires when that happens. For CallOptions::parent. Any thread.
  std::shared_ptr<CancelSignal> cancel_signal() const;
  // Called once on the loop when that happens (in a later turn if it has already); not after
  // Finish.
  virtual void OnCancel(Function<void()> on_cancel) = 0;
  Loop& loop() const { return *loop_; }  // Any thread.

  // ---- What goes, besides messages. Keys as in metadata.h; a wrong one fails the call INTERNAL.
  void AddHeader(std::string_view key, std::string_view value) { headers_.Add(key, value); }
  void AddTrailer(std::string_view key, std::string_view value) { trailers_.Add(key, value); }
  virtual void SendHeaders() = 0;  // Now, and not with the first message. At most once.
  // What this call says of the load with its trailers (ORCA, A51), over what Server::ReportLoad
  // says of every call: the figures of the server that this backend is, or what this very call has
  // cost. In the place of an earlier report.
  void ReportLoad(LoadReport report) {
    load_report_ = std::make_unique<LoadReport>(std::move(report));
  }
  // How replies are compressed from now on, instead of ServerOptions::compression. False, and
  // nothing has changed: the caller doesn't take that (grpc-accept-encoding), or headers have gone.
  virtual bool SetCompression(Compression compression) = 0;
  // Whether the request that was read last had come compressed.
  bool request_was_compressed() const { return request_was_compressed_; }

  // ---- Messages. One Read and one Write may be open at a time.
  // The next request, lent until the callback returns; nullopt: no more.
  virtual void Read(Function<void(std::optional<Bytes>)> done) = 0;
  // A framed message. done(true): there is room for the next; false: the call is over.
  virtual void Write(Slice framed, Function<void(bool)> done, WriteOptions options) = 0;
  void Write(Slice framed, Function<void(bool)> done) {
    Write(std::move(framed), std::move(done), WriteOptions());
  }
  // The end: trailers with this status. The object is gone when this returns.
  virtual void Finish(const absl::Status& status) = 0;
  // Headers, one framed message and OK in one go. The object is gone when this returns.
  virtual void Reply(Slice framed) = 0;

  // Any thread. Runs `work` on one of the server's worker threads (Server::RunOnWorker), for
  // handlers that block; false: too many wait already, `work` was destroyed without being run.
  virtual bool RunOnWorker(Function<void()> work) = 0;

 protected:
  std::string_view method_;
  Metadata metadata_, headers_, trailers_, forwarded_;
  const std::string* peer_ = nullptr;
  const PeerIdentity* identity_ = nullptr;
  std::optional<Time> deadline_;
  Loop* loop_ = nullptr;
  std::atomic<bool> cancelled_{false};
  void SetCancelled();
  void ForgetSignal() {  // For the next call in this object.
    if (signal_ != nullptr) signal_ = nullptr;
  }
  bool request_was_compressed_ = false;
  std::unique_ptr<LoadReport> load_report_;

 private:
  mutable std::mutex signal_mutex_;
  mutable std::shared_ptr<CancelSignal> signal_;  // Made for the first that asks.
};

// A method's handler: called on the connection's loop when the request headers have come. For unary
// and server-streaming methods `request` holds the one message (lent until `start` returns) and
// Read is not used; other kinds get an empty one.
struct ServerMethod {
  const Method* method;
  std::function<void(ServerCall&, Bytes request)> start;
  // Neither counted nor refused by ServerOptions::admission: for health checks and the like.
  bool always_admitted = false;
};
// What a server serves, as its services are told.
struct ServedServices {
  std::vector<std::string> names;             // "package.Service", sorted.
  std::vector<std::string_view> proto_files;  // What they say of themselves; lent for the call.
};
class Service {  // Generated services derive from it. It outlives the server.
 public:
  virtual ~Service() = default;
  virtual std::vector<ServerMethod> Methods() = 0;  // Lent pointers.
  // The .proto file that it comes from, a serialised FileDescriptorProto that lives as long as the
  // service, for reflection. Empty: unknown.
  virtual std::string_view ProtoFile() const { return {}; }
  // The server is about to listen. A status that isn't OK is Start's.
  virtual absl::Status OnStart(const ServedServices& /*served*/) { return absl::OkStatus(); }
  // The server begins to drain: before any client hears of it. Any thread, once.
  virtual void OnDrain() {}
};

// How many calls a server works on at once, so that what it takes it can do in time. A call too
// many is refused before its request is read, with RESOURCE_EXHAUSTED and grpc-retry-pushback-ms
// (gRFC A6). Fair among connections: while there are several, an eighth is kept for those that have
// less than their share, so that one which asks for everything keeps nobody out.
struct AdmissionOptions {
  size_t max_calls = 0;  // Of the whole server, from the request's headers until the handler is
                         // done; streams count like others. 0: no limit.
  // How long a refused caller's retry policy is to wait: each is told a time between this and twice
  // this, evenly spread. 0 to 1 h; 0: nothing is told.
  Duration pushback = std::chrono::milliseconds(500);
};

struct ServerOptions {
  Credentials credentials{};  // Required: Tls(), or Insecure() for plaintext.
  std::vector<std::string>
      listen{};  // "0.0.0.0:50051", "[::]:0", "unix:/run/echo.sock". At least one.
  LoopPool* loops =
      nullptr;         // Null: LoopPool::Default(). Connections are dealt round all its loops.
  size_t workers = 4;  // Threads for blocking handlers; started at the first use.
  size_t max_waiting = 1000;  // Calls waiting for a worker; RESOURCE_EXHAUSTED beyond.
  AdmissionOptions admission{};
  uint32_t max_concurrent_streams =
      100;  // Of each connection; a slot is free when its handler is done.
  uint32_t max_header_bytes =
      8 << 10;  // RESOURCE_EXHAUSTED beyond; the stream is reset at twice this.
  size_t max_receive_message = 4 << 20;  // Bytes, uncompressed; RESOURCE_EXHAUSTED beyond.
  size_t max_send_message = INT32_MAX;   // Bytes, uncompressed; likewise.
  // Of replies to callers who take it, unless the handler says otherwise (SetCompression).
  Compression compression = Compression::kIdentity;
  std::vector<ServerInterceptor> interceptors{};       // Of calls that reach a handler (see there).
  std::vector<std::shared_ptr<Observer>> observers{};  // Metrics and the like; none costs nothing.
  size_t max_connections = 10'000;  // Of the whole server; more are closed at once.
  Duration handshake_timeout =
      std::chrono::seconds(10);  // Until the client's preface and SETTINGS, TLS included.
  ServerKeepaliveOptions keepalive{};
  ConnectionLimits limits{};
  // Hears why a connection was closed or a stream reset by a limit, one line each, with the peer
  // and the limit's name; in a later turn of a loop, on several loops perhaps at a time. No more
  // than ten at once and one a second for each loop: how many were left out is told with the next.
  // Null: they are written to stderr.
  std::function<void(std::string_view)> on_warning{};
  // The lives of connections (gRFC A9). 0: without end; else at least 1 ms. Each end is a graceful
  // GOAWAY: clients go on elsewhere, or come back, and lose no call.
  Duration max_connection_idle{};  // Without an open call. "max_idle"
  // Each connection's own is longer or shorter by up to a tenth, by chance, so that those made
  // together don't end together. "max_age"
  Duration max_connection_age{};
  // That calls may still run then; afterwards they end with the connection.
  Duration max_connection_age_grace{};
};

class Server;
class ServerLoad;
namespace server {
class Core;
struct Environment;
Server MakeServer(ServerOptions options, Environment env);
}  // namespace server

// Threads: any, all methods; Drain and the destructor not on one of its loops.
class Server {
 public:
  explicit Server(ServerOptions options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();  // Stop().

  // Before Start. A path that is there already: ALREADY_EXISTS at Start.
  void Add(Service& service);
  void Handle(ServerMethod method);
  // For every path that nothing else handles (a proxy); `method` in the entry is not looked at.
  void HandleUnknown(std::function<void(ServerCall&)> start);

  // Before Start. From then on every call's trailers carry the load's figures (rondo/orca.h),
  // whatever its status, unless no handler took it.
  void ReportLoad(const ServerLoad& load);

  // Listens on every address, or on none: the error names the one that failed.
  absl::Status Start();
  const std::vector<std::string>& addresses()
      const;                            // With the ports that were chosen. After Start.
  size_t connections_accepted() const;  // Since Start; refused ones are not counted.
  size_t calls_refused() const;         // By ServerOptions::admission, since the server exists.
  int port() const;                     // Of the first TCP address; 0 if there is none.

  // Takes no more calls (GOAWAY in two steps), waits for those that run, at most `grace`, ends the
  // rest with a reset. OK, or DEADLINE_EXCEEDED with how many were cut off. Blocks.
  absl::Status Drain(Duration grace);
  void DrainAsync(Duration grace,
                  Function<void(absl::Status)> done);  // `done` on a loop of its pool.
  void
  Stop();  // At once: connections are closed; returns when no handler will be started any more.
  // Runs `work` on a worker thread; false: too many wait already.
  bool RunOnWorker(Function<void()> work);

 private:
  friend Server server::MakeServer(ServerOptions options, server::Environment env);
  explicit Server(std::shared_ptr<server::Core> core);
  std::shared_ptr<server::Core> core_;
};

}  // namespace rondo

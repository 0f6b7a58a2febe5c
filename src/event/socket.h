#pragma once
// Byte streams without blocking, behind an interface, so that everything above runs the same over
// sockets, over TLS, and over memory in tests.
// Threads: all of it belongs to the loop it was made for.
#include <sys/uio.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "event/event_loop.h"
#include "rondo/credentials.h"

namespace rondo::event {

// What one read or write did.
struct Io {
  enum class Kind : uint8_t { kMoved, kWouldBlock, kEnd, kError };
  Kind kind = Kind::kMoved;
  size_t bytes = 0;    // Only with kMoved.
  absl::Status why{};  // Only with kError: "connection reset by peer (ECONNRESET)".
};

class SocketEvents {
 public:
  // Something can be read (bytes, the end or an error). Comes once after each Read that said
  // kWouldBlock, and once at the start; not while reading is paused.
  virtual void OnReadable() = 0;
  // Comes once after each Write that said kWouldBlock.
  virtual void OnWritable() = 0;

 protected:
  ~SocketEvents() = default;
};

// A connected byte stream. Destroying it closes it, also inside one of its own events; no event
// comes inside one of its methods.
class Socket {
 public:
  virtual ~Socket() = default;
  virtual void Start(SocketEvents& events) = 0;  // Once. Events begin in a later turn.
  virtual Io Read(std::span<uint8_t> into) = 0;
  virtual Io Write(std::span<const iovec> from) = 0;
  // A pause stops OnReadable; ending it brings one OnReadable.
  virtual void PauseReading(bool pause) = 0;
  // How long bytes may lie unacknowledged before the connection is lost (TCP_USER_TIMEOUT, A18); at
  // first 20 s. Nothing for what isn't TCP.
  virtual void SetUserTimeout(Duration /*timeout*/) {}
  virtual std::string peer() const = 0;  // "10.0.0.1:50051", "unix:/run/x", for texts and logs.
  virtual std::string local() const = 0;
  // TLS: the handshake is not over, or has failed.
  virtual bool opening() const { return false; }
  // TLS: bytes that Write has taken have not left. OnWritable comes when they have.
  virtual bool pending() const { return false; }
  // Null: nothing is proven. Once something has been read.
  virtual std::shared_ptr<const PeerIdentity> identity() const { return nullptr; }
  // Client: whether the server has proven that it answers for this host. Without TLS nobody asks.
  virtual bool SpeaksFor(std::string_view /*host*/) const { return true; }
};

// An attempt to connect. Destroying it ends the attempt: `done` is not called afterwards.
class Dial {
 public:
  virtual ~Dial() = default;
};
using DialDone = Function<void(absl::StatusOr<std::unique_ptr<Socket>>)>;

class Listener {  // Destroying it closes it.
 public:
  virtual ~Listener() = default;
  virtual std::string address() const = 0;  // With the port that was chosen for port 0.
};

// Where sockets come from. Addresses are texts: "1.2.3.4:80", "[::1]:80", "unix:/path/or/relative",
// "unix-abstract:name". No names are looked up here.
class Network {
 public:
  virtual ~Network() = default;
  // `done` is called once, in a later turn of `loop`. It has no time limit of its own. The error
  // names the address: "connect to 127.0.0.1:1: connection refused (ECONNREFUSED)", UNAVAILABLE.
  virtual std::unique_ptr<Dial> Connect(EventLoop& loop, std::string_view address,
                                        DialDone done) = 0;
  // `pick` chooses the loop of the next connection; `accept` then runs on that loop with a socket
  // that belongs to it. Both are called from later turns only.
  using PickLoop = std::function<EventLoop&()>;
  using Accept = std::function<void(EventLoop&, std::unique_ptr<Socket>)>;
  virtual absl::StatusOr<std::unique_ptr<Listener>> Listen(EventLoop& loop,
                                                           std::string_view address, PickLoop pick,
                                                           Accept accept) = 0;
};
Network& SystemNetwork();  // The operating system's.

}  // namespace rondo::event

#pragma once
// A connection with its socket on one loop: reads, flushes once a turn, holds the peer to its time
// limits, drains and closes. Both roles.
// Threads: all of it belongs to the loop.
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "event/event_loop.h"
#include "event/socket.h"
#include "http2/session.h"
#include "transport/connection.h"

namespace rondo::transport {

struct LinkOptions {
  http2::Options session;
  Limits limits;
  // Client: when the peer's SETTINGS must have come (the connect deadline, behaviour: subchannel).
  Time ready_by = Time::max();
  // Server: how long a peer may take for preface and SETTINGS.
  Duration handshake = std::chrono::seconds(10);
  Duration drain_ping = std::chrono::seconds(5);  // Drain: the longest wait for the ping's answer.
  Duration farewell = std::chrono::seconds(1);    // The longest wait for last words to be taken.
  size_t read_budget = 256 << 10;                 // Bytes read in one turn, so that all get theirs.
  http2::MakeSession make = &http2::MakeNghttp2Session;
};

// The owner of a link. Each event comes from the loop, never inside a method of Link or inside an
// event of a stream; any of them may destroy the link.
class LinkEvents {
 public:
  virtual void OnReady() = 0;                      // The peer's first SETTINGS: slots() is known.
  virtual void OnDraining(const GoAway& why) = 0;  // Open no more streams here; those up to
                                                   // why.last_id go on. Also when ids run out.
  virtual void OnSlots() = 0;                      // slots() went from 0 to more.
  // The last event: socket gone or connection fault; all streams have ended. The text names peer
  // and cause: "127.0.0.1:50051: connection reset by peer (ECONNRESET)",
  // "127.0.0.1:50051: GOAWAY ENHANCE_YOUR_CALM: too_many_pings". Always UNAVAILABLE.
  virtual void OnClosed(const absl::Status& why) = 0;

 protected:
  ~LinkEvents() = default;
};

class Link final : private event::SocketEvents, private ConnectionOwner {
 public:
  // `acceptor` only with Role::kServer; it may ask this link anything. All three references outlive
  // the link. Events begin in a later turn.
  Link(event::EventLoop& loop, std::unique_ptr<event::Socket> socket, http2::Role role,
       const LinkOptions& options, LinkEvents& events, Acceptor* acceptor = nullptr);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  // As Close(kNoError, ""), at once and without OnClosed. May be destroyed in events of its own and
  // of its streams; then the streams end when that event is over.
  ~Link();

  // Start and everything else a call needs. Good as long as the link; after OnClosed it has no
  // slots.
  Connection& connection() { return *connection_; }
  uint32_t slots() const;  // 0 before OnReady and after OnDraining.
  size_t open_streams() const { return connection_->open_streams(); }
  bool ready() const { return ready_; }
  const std::string& peer() const { return peer_; }
  const std::string& local() const { return local_; }

  // Server: the two-step graceful GOAWAY (2^31-1; the true last id after a ping's round trip or
  // drain_ping). OnClosed comes when the last stream has ended and its last bytes are out. No-op
  // when called again. Client: opens no more, and closes when the last stream has ended.
  void Drain(std::string_view debug = {});
  // At once: GOAWAY, as far as the socket takes it; streams end with Cause::kConnection before this
  // returns, or, inside an event of a stream, when that event is over. Then OnClosed.
  void Close(http2::Code code, std::string_view debug);

 private:
};

}  // namespace rondo::transport

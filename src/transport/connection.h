#pragma once
// One HTTP/2 connection's gRPC streams, without a socket: windows, limits and budgets of both roles.
// Threads: all of it belongs to one loop.
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http2/session.h"
#include "transport/stream.h"

namespace rondo::transport {

// Server side: who takes a new stream.
class Acceptor {
 public:
  // Null refuses it unprocessed (REFUSED_STREAM): too many handlers still running, draining.
  // The stream may be pulled before it is returned; its events begin afterwards.
  virtual Stream* OnCall(const http2::Headers& headers, StreamHandler** handler) = 0;

 protected:
  ~Acceptor() = default;
};

// What a connection may cost. All bytes.
struct Limits {
  size_t max_message = 4 << 20;  // Received, unless the stream says otherwise.
  // Windows of all streams together, as far as they were grown: what the peer may make us hold. One
  // message that fits nowhere else may exceed it, so that none is stuck for ever.
  size_t max_held = 16 << 20;
  size_t max_stream_window = 4 << 20;  // That a busy stream's window grows to.
  size_t max_replies = 2000;           // Unwritten frames that only the peer caused.
  // Resets of young streams and resets that the peer made us send: so many at once, and a second.
  double reset_burst = 2000, reset_rate = 200;
  // PING, SETTINGS, WINDOW_UPDATE, PRIORITY and unknown frames beyond what our traffic explains.
  double glitch_burst = 1000, glitch_rate = 100;
  Duration young = std::chrono::seconds(1);   // Resetting an older stream is honest.
  Duration stall = std::chrono::seconds(60);  // A stream whose bytes nobody takes is reset.
};

struct GoAway {
  uint32_t last_id = 0;  // Streams above it were not looked at.
  http2::Code code = http2::Code::kNoError;
  std::string debug;     // The peer's words.
};

// The owner of a connection: told at any time, also inside the methods below; note it, act later.
class ConnectionOwner {
 public:
  virtual void OnDirty() = 0;  // There may be something to Gather: call it once a turn.
  virtual void OnSettings() {}                // The peer's: slots() is known.
  virtual void OnGoAway(const GoAway&) {}     // The peer wants no more streams.
  virtual void OnPong(uint64_t /*payload*/) {}
  virtual void OnStreamOpened() {}            // And open_streams() has counted it.
  virtual void OnStreamEnded() {}

 protected:
  ~ConnectionOwner() = default;
};

class Connection final : private http2::Visitor {
 public:
  struct Destroy {  // May be used inside any event: then the connection dies when the event is over.
    void operator()(Connection* connection) const;
  };
  using Pointer = std::unique_ptr<Connection, Destroy>;

  // `acceptor`: of a server, else null. Owner, acceptor and memory outlive the pointer.
  static Pointer Make(http2::MakeSession make, http2::Role role, const http2::Options& options,
                      const Limits& limits, ConnectionOwner& owner, Acceptor* acceptor,
                      std::pmr::memory_resource& memory);

  // ---- The loop's side. None of these three may be called inside an event (see busy()).
  // False: the connection is over; Gather and write what is left, then close. Streams have ended.
  bool Receive(Bytes bytes, Time now);
  std::span<const iovec> Gather(Time now);
  void Lost();  // Ends all streams: OnEnd(kWire, kConnection).
  void Wrote(size_t n) { session_->Wrote(n); }
  bool busy() const { return busy_; }
  // False: leave the socket unread until more has been written, or until read_after(). Counts only
  // what the peer caused, so two honest peers can never wait for each other.
  bool may_read(Time now) const;
  Time read_after() const { return read_after_; }
  size_t unsent() const { return session_->unsent(); }
  const http2::Fault& fault() const { return session_->fault(); }
  // Resets what has stalled. Call it every Limits::stall / 4 while streams are open; false: none is.
  bool Tick(Time now);

  // ---- The calls' side.
  // Everything a unary call needs, in one go. False: no free slot; nothing has been kept.
  // Counts `pulls` as Pull(pulls) does. Delivers nothing and writes nothing.
  bool Start(Stream& stream, StreamHandler& handler, const http2::HeaderTemplate& head,
             http2::ExtraHeaders extra, Slice&& first, bool end, int pulls = 1);
  uint32_t slots() const { return session_->slots(); }
  size_t open_streams() const { return open_streams_; }
  bool went_away() const { return went_away_; }  // A GOAWAY has come.
  bool exhausted() const { return session_->exhausted(); }

  void Ping(uint64_t payload);
  void Drain();  // First step: GOAWAY(2^31-1).
  void SendGoAway(http2::Code code, std::string_view debug);  // Second step: the true last id.
  void RefuseFurther() { refuse_ = true; }  // Server: streams that still come are refused.

 private:
  friend class Stream;
  friend struct Destroy;
};

}  // namespace rondo::transport

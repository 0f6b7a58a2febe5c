#pragma once
// One HTTP/2 connection's gRPC streams, without a socket: windows, limits and budgets of both
// roles. Threads: all of it belongs to one loop.
#include <chrono>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http2/session.h"
#include "transport/ping_strikes.h"
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
  // To this sum the streams' windows grow: what the peer may make us hold. One message at a time
  // may exceed it, so that none is stuck for ever.
  size_t max_held = 16 << 20;
  size_t max_stream_window = 4 << 20;  // That a busy stream's window grows to.
  size_t max_replies = 2000;           // Unwritten frames that only the peer caused.
  // Resets of young streams and resets that the peer made us send: so many at once, and a second.
  double reset_burst = 2000, reset_rate = 200;
  // PING, SETTINGS, WINDOW_UPDATE, PRIORITY and unknown frames beyond what our traffic explains.
  double glitch_burst = 1000, glitch_rate = 100;
  PingPatience pings{};                       // Server; by default any are borne.
  Duration young = std::chrono::seconds(1);   // Resetting an older stream is honest.
  Duration stall = std::chrono::seconds(60);  // A stream whose bytes nobody takes is reset.
};

struct GoAway {
  uint32_t last_id = 0;  // Streams above it were not looked at.
  http2::Code code = http2::Code::kNoError;
  std::string debug;  // The peer's words.
};

// The owner of a connection: told at any time, also inside the methods below; note it, act later.
class ConnectionOwner {
 public:
  virtual void OnDirty() = 0;              // There may be something to Gather: call it once a turn.
  virtual void OnSettings() {}             // The peer's: slots() is known.
  virtual void OnGoAway(const GoAway&) {}  // The peer wants no more streams.
  virtual void OnPong(uint64_t /*payload*/) {}
  virtual void OnStreamOpened() {}  // And open_streams() has counted it.
  virtual void OnStreamEnded() {}
  // A stream ended by a limit of which its call hears nothing: "header_bytes", "stalled_stream".
  virtual void OnLimit(std::string_view /*limit*/) {}

 protected:
  ~ConnectionOwner() = default;
};

class Connection final : private http2::Visitor {
 public:
  struct Destroy {  // May be used inside any event: then the connection dies when the event is
                    // over.
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
  // The socket is gone: streams end by OnEnd(kWire, kConnection). A client's streams that are
  // complete, but for messages unread, stay: go on with Gather until open_streams() is 0.
  void Lost();
  void LoseAll();  // Ends these too.
  // A last GOAWAY and what else can be framed; delivers no messages.
  std::span<const iovec> LastWords(http2::Code code, std::string_view debug);
  void Wrote(size_t n) { session_->Wrote(n); }
  bool busy() const { return busy_; }
  // False: leave the socket unread until more has been written, or until read_after(). Counts only
  // what the peer caused, so two honest peers can never wait for each other.
  bool may_read(Time now) const;
  Time read_after() const { return read_after_; }
  size_t unsent() const { return session_->unsent(); }
  const http2::Fault& fault() const { return session_->fault(); }
  // Resets what has stalled. Call it every Limits::stall / 4 while streams are open; false: none
  // is.
  bool Tick(Time now);

  // ---- The calls' side.
  // Everything a unary call needs, in one go. False: no free slot; nothing has been kept. Counts
  // `pulls` as Pull(pulls) does: a unary call pulls 2, for an end waits behind unread messages.
  bool Start(Stream& stream, StreamHandler& handler, const http2::HeaderTemplate& head,
             http2::ExtraHeaders extra, Slice&& first, bool end, int pulls = 1);
  uint32_t slots() const { return session_->slots(); }
  size_t open_streams() const { return open_streams_; }
  uint64_t streams_started() const { return started_; }
  uint64_t streams_succeeded() const { return succeeded_; }  // Ended as the peer meant it.
  bool went_away() const { return went_away_; }              // A GOAWAY has come.
  bool exhausted() const { return session_->exhausted(); }
  // HEADERS or DATA have come since this was last asked.
  bool TakeAnswered() { return std::exchange(answered_, false); }

  void Ping(uint64_t payload);
  void Drain();                                               // First step: GOAWAY(2^31-1).
  void SendGoAway(http2::Code code, std::string_view debug);  // Second step: the true last id.
  void RefuseFurther() { refuse_ = true; }  // Server: streams that still come are refused.

 private:
  friend class Stream;
  friend struct Destroy;
  class Event;  // Marks the connection busy, and buries it if its owner dropped it meanwhile.

  Connection(http2::MakeSession make, http2::Role role, const http2::Options& options,
             const Limits& limits, ConnectionOwner& owner, Acceptor* acceptor,
             std::pmr::memory_resource& memory);
  ~Connection();
  bool is_client() const { return acceptor_ == nullptr; }
  void Dirty() {
    if (owner_ != nullptr) owner_->OnDirty();
  }

  // Streams: connection.cc.
  void Attach(Stream& stream, http2::Stream& wire, StreamHandler& handler);
  StreamHandler* Detach(Stream& stream);
  void End(Stream& stream, const End& end) {
    const bool good = end.why == Why::kTrailers ||
                      (end.why == Why::kWire && end.closed.cause == http2::Cause::kComplete);
    succeeded_ += good ? 1 : 0;
    Detach(stream)->OnEnd(end);
  }
  void EndHere(Stream& stream, Why why, size_t length = 0);
  void EndWithTrailers(Stream& stream, const http2::Headers& trailers);
  void EndAll();
  void Schedule(Stream& stream);
  void RunScheduled();

  // Messages and windows: connection_receive.cc.
  void Deliver(Stream& stream, Bytes fresh);
  bool DeliverWhole(Stream& stream, Bytes& rest);
  bool Spoil(Stream& stream, Why why, size_t length);
  void Keep(Stream& stream, Bytes rest, bool fresh);
  void MakeRoom(Stream& stream, Bytes rest);
  void AfterLastByte(Stream& stream, size_t held);
  void Account(Stream& stream, size_t held);
  void GrowForMessage(Stream& stream, size_t framed);
  void GrowForSpeed(Stream& stream);
  bool Promise(Stream& stream, size_t more, bool beyond_limit);
  void Return(Stream& stream, size_t bytes);
  void FeedStarved();
  void CreditConnection(size_t bytes);

  // Budgets.
  void Refill(Time now);
  bool SpendReset();

  bool OnRequest(http2::Stream& wire, const http2::Headers& headers, bool end) override;
  void OnHeaders(http2::Stream& wire, const http2::Headers& headers, bool end) override;
  void OnData(http2::Stream& wire, Bytes bytes, bool end) override;
  void OnClosed(http2::Stream& wire, const http2::Closed& closed) override;
  void OnWritable(http2::Stream& wire) override;
  void OnSettings() override;
  void OnGoAway(uint32_t last_id, http2::Code code, std::string_view debug) override;
  void OnPong(uint64_t payload) override;
  bool OnPing(bool spoke) override;
  bool OnOffence(http2::Offence offence, const http2::Stream* wire) override;
  void OnRefused(std::string_view limit) override {
    if (owner_ != nullptr) owner_->OnLimit(limit);
  }

  const Limits limits_;
  const size_t start_window_;
  ConnectionOwner* owner_;
  Acceptor* const acceptor_;
  Time now_{};         // Of the last Receive or Gather.
  Time read_after_{};  // Reading waits until then: the reset budget is overdrawn.
  double resets_, glitches_;
  Stream* open_ = nullptr;
  size_t open_streams_ = 0;
  uint64_t started_ = 0, succeeded_ = 0;  // Streams.
  size_t promised_ = 0;                   // The sum of the streams' windows.
  size_t unasked_ = 0;                    // Held bytes that nobody has pulled for.
  size_t owed_ = 0;           // Connection credit that is withheld while unasked_ is too much.
  size_t starved_ = 0;        // Streams whose message waits for room in the budget.
  Stream* beyond_ = nullptr;  // The one stream whose window may exceed the budget.
  bool busy_ = false, doomed_ = false, went_away_ = false, refuse_ = false, answered_ = false;
  PingStrikes strikes_;
  std::vector<Stream*> scheduled_, running_;
  std::unique_ptr<http2::Session> session_;  // Last: dies first.
};

}  // namespace rondo::transport

#pragma once
// A connection with its socket on one loop: reads, flushes once a turn, holds the peer to its time
// limits, drains and closes. Both roles.
// Threads: all of it belongs to the loop.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "base/channelz.h"
#include "event/event_loop.h"
#include "event/socket.h"
#include "http2/session.h"
#include "transport/connection.h"
#include "transport/pulse.h"

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
  Pulse::Options pulse{};                         // By default nothing is watched.
  http2::MakeSession make = &http2::MakeHttp2Session;
};

// The owner of a link. Each event comes from the loop, never inside a method of Link or inside an
// event of a stream; any of them may destroy the link.
class LinkEvents {
 public:
  virtual void OnReady() = 0;  // The peer's first SETTINGS: slots() is known.
  // Client: open no more streams here; those up to why.last_id go on. Comes for the peer's GOAWAY,
  // when stream ids run out, and when the socket is gone but complete answers wait to be read.
  virtual void OnDraining(const GoAway& why) = 0;
  virtual void OnSlots() = 0;  // slots() went from 0 to more.
  // Client: no byte comes though calls wait, not even in answer to a PING; false: one has come.
  virtual void OnSuspect(bool /*suspect*/) {}
  // Server: a stream ended by a limit of which its call hears nothing (ConnectionOwner::OnLimit).
  // It may come inside an event of a stream: note it, act later.
  virtual void OnLimit(std::string_view /*limit*/) {}
  // The last event: socket gone or connection fault; all streams have ended. The text names peer
  // and cause: "127.0.0.1:50051: connection reset by peer (ECONNRESET)",
  // "127.0.0.1:50051: GOAWAY ENHANCE_YOUR_CALM: too_many_pings". Always UNAVAILABLE.
  virtual void OnClosed(const absl::Status& why) = 0;

 protected:
  ~LinkEvents() = default;
};

class Link final : private event::SocketEvents, private ConnectionOwner, private Pulse::Owner {
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
  // Why it ends, in the words of the peer or the system; empty as long as it doesn't. Streams that
  // end with the link find it set.
  std::string cause() const;
  // By which limit this side has ended it, of those of http2::Fault, or "handshake_time",
  // "stalled_connection", "protocol" (HTTP/2's rules); empty: by none.
  std::string_view limit() const;
  const std::string& local() const { return local_; }
  int64_t id() const { return id_; }  // Channelz'.
  channelz::Socket ForChannelz() const;
  // Who the peer has proven to be; null: nobody. After its first bytes, and while the socket is
  // there.
  std::shared_ptr<const PeerIdentity> identity() const;
  // Client: whether its certificate names this host; true without TLS.
  bool SpeaksFor(std::string_view host) const;

  // Server: the two-step graceful GOAWAY (2^31-1; the true last id after a ping's round trip or
  // drain_ping). OnClosed comes when the last stream has ended and its last bytes are out. No-op
  // when called again. Client: opens no more, and closes when the last stream has ended.
  void Drain(std::string_view debug = {});
  // At once: GOAWAY, as far as the socket takes it; streams end with Cause::kConnection before this
  // returns, or, inside an event of a stream, when that event is over. Then OnClosed.
  void Close(http2::Code code, std::string_view debug);

 private:
  enum class State : uint8_t {
    kOpen,
    kFarewell,  // Server: all is said; the peer closes first, so that it hears it.
    kUnread,    // Client: the socket is gone, complete answers still wait to be pulled.
    kClosed,
  };
  enum class Draining : uint8_t { kNo, kAsked, kFinal };
  template <void (Link::*kMethod)()>
  struct TimerOf final : event::TimerNode {
    explicit TimerOf(Link& l) : link(l) {}
    void OnTimer() override { (link.*kMethod)(); }
    Link& link;
  };
  struct TurnEnd final : event::TurnNode {
    explicit TurnEnd(Link& l) : TurnNode(Phase::kFlush), link(l) {}
    void OnTurnEnd() override { link.EndTurn(); }
    Link& link;
  };
  struct LoopStop final : event::StopNode {
    explicit LoopStop(Link& l) : link(l) {}
    void OnLoopStop() override;
    Link& link;
  };
  class Watch;  // Tells whether the link was destroyed while handlers ran.

  void OnReadable() override { Read(); }
  void OnWritable() override;
  void OnDirty() override { loop_.AtTurnEnd(turn_end_); }
  void OnSettings() override;
  void OnGoAway(const GoAway& why) override;
  void OnPong(uint64_t payload) override;
  void OnStreamOpened() override;
  void OnStreamEnded() override { OnDirty(); }
  void OnLimit(std::string_view limit) override { events_.OnLimit(limit); }
  void SendPing() override;
  void OnSuspect(bool suspect) override;
  void OnDead() override;
  bool HasStreams() const override { return open_streams() > 0; }
  bool TakeAnswered() override { return connection_->TakeAnswered(); }

  bool is_client() const { return role_ == http2::Role::kClient; }
  void Read();
  bool Feed(Bytes bytes);
  void ReadMore();
  void EndTurn();
  void Flush();
  bool Write(std::span<const iovec> bytes, size_t& budget);
  void Tell();
  bool TellOpening();
  void MoveOn();
  void FinalGoAway();
  void Fail();
  void Lose(std::string_view cause);
  void Die(std::string text);
  void GiveUpOnHandshake();
  void GiveUpOnFarewell();
  void Tick();
  void CloseNow(http2::Code code, std::string_view debug);
  std::string GoAwayText() const;
  std::string FaultText() const;

  event::EventLoop& loop_;
  const http2::Role role_;
  const LinkOptions options_;
  LinkEvents& events_;
  const std::string peer_, local_;
  const int64_t id_ = channelz::NextId();
  std::unique_ptr<event::Socket> socket_;
  const Time born_;
  State state_ = State::kOpen;
  Draining draining_ = Draining::kNo;
  bool ready_ = false, told_ready_ = false, told_draining_ = false, told_closed_ = false;
  bool suspect_ = false, told_suspect_ = false;
  bool no_slots_ = false;  // slots() was 0 since the last OnSlots.
  bool unread_ = false;    // The socket may have more, we don't want it now.
  bool blocked_ = false;   // The socket takes no more; OnWritable will come.
  Time blocked_since_{};
  std::optional<GoAway> goaway_;                                    // The peer's.
  std::optional<std::pair<http2::Code, std::string>> close_asked_;  // Inside an event.
  std::string drain_words_;
  absl::Status why_;
  std::string_view limit_;  // If it wasn't the session that found it.
  bool* gone_ = nullptr;
  TurnEnd turn_end_{*this};
  LoopStop loop_stop_{*this};
  TimerOf<&Link::ReadMore> more_{*this};
  TimerOf<&Link::GiveUpOnHandshake> handshake_{*this};
  TimerOf<&Link::FinalGoAway> drain_{*this};
  TimerOf<&Link::GiveUpOnFarewell> farewell_{*this};
  TimerOf<&Link::Tick> tick_{*this};
  Pulse pulse_;
  Connection::Pointer connection_;
};

}  // namespace rondo::transport

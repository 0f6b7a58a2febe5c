#include "transport/link.h"

#include <algorithm>
#include <chrono>

#include "base/text.h"

namespace rondo::transport {
namespace {
constexpr uint64_t kDrainPing = 0x726f6e646f647269;  // "rondodri"
constexpr uint64_t kPulsePing = 0x726f6e646f70756c;  // "rondopul"
constexpr uint32_t kMostStreams = 0x7fffffff;
constexpr size_t kMostViews = 1024;  // IOV_MAX
constexpr size_t kWriteBudget = 1 << 20;

int64_t Milliseconds(Duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}
}  // namespace

class Link::Watch {
 public:
  explicit Watch(Link& link) : link_(link), outer_(std::exchange(link.gone_, &gone_)) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    if (!gone_) {
      link_.gone_ = outer_;
    } else if (outer_ != nullptr) {
      *outer_ = true;
    }
  }
  bool gone() const { return gone_; }

 private:
  Link& link_;
  bool gone_ = false;
  bool* const outer_;
};

Link::Link(event::EventLoop& loop, std::unique_ptr<event::Socket> socket, http2::Role role,
           const LinkOptions& options, LinkEvents& events, Acceptor* acceptor)
    : loop_(loop),
      role_(role),
      options_(options),
      events_(events),
      peer_(socket->peer()),
      local_(socket->local()),
      socket_(std::move(socket)),
      born_(loop.Now()),
      pulse_(loop, options_.pulse, *this),
      connection_(Connection::Make(options.make, role, options.session, options.limits, *this,
                                   acceptor, loop.memory())) {
  socket_->Start(*this);
  if (options_.pulse.keepalive_time > Duration{}) {
    socket_->SetUserTimeout(options_.pulse.keepalive_timeout);
  }
  const Time limit = is_client() ? options_.ready_by : born_ + options_.handshake;
  if (limit != Time::max()) loop_.Arm(handshake_, limit);
  loop_.WatchStop(loop_stop_);
  OnDirty();  // The preface.
}

Link::~Link() {
  if (gone_ != nullptr) *gone_ = true;
  if (socket_ == nullptr || connection_->busy()) return;
  const auto words = connection_->LastWords(http2::Code::kNoError, {});
  if (!blocked_ && !words.empty()) socket_->Write(words.first(std::min(words.size(), kMostViews)));
}

uint32_t Link::slots() const {
  const bool open = state_ == State::kOpen && draining_ == Draining::kNo && !goaway_;
  return open ? connection_->slots() : 0;
}

std::shared_ptr<const PeerIdentity> Link::identity() const {
  return socket_ != nullptr ? socket_->identity() : nullptr;
}

std::string_view Link::limit() const {
  if (!limit_.empty()) return limit_;
  const http2::Fault& fault = connection_->fault();
  if (fault.code == http2::Code::kNoError) return {};
  return fault.limit.empty() ? "protocol" : fault.limit;
}

channelz::Socket Link::ForChannelz() const {
  const auto started = static_cast<int64_t>(connection_->streams_started());
  const auto succeeded = static_cast<int64_t>(connection_->streams_succeeded());
  const auto open = static_cast<int64_t>(open_streams());
  return {.id = id_,
          .local = local_,
          .remote = peer_,
          .streams = {started, succeeded, started - succeeded - open},
          .pings = static_cast<int64_t>(pulse_.pings())};
}

bool Link::SpeaksFor(std::string_view host) const {
  return socket_ != nullptr && socket_->SpeaksFor(host);
}

// -- Reading.

void Link::Read() {
  unread_ = false;
  for (size_t budget = options_.read_budget; socket_ != nullptr;) {
    if (state_ == State::kOpen && !connection_->may_read(loop_.Now())) {
      unread_ = true;  // Until more is written, or until the time comes.
      if (connection_->read_after() > loop_.Now()) loop_.Arm(more_, connection_->read_after());
      return;
    }
    const event::Io io = socket_->Read(loop_.read_buffer());
    switch (io.kind) {
      case event::Io::Kind::kWouldBlock:
        return;
      case event::Io::Kind::kEnd:
        return Lose("connection closed by the peer");
      case event::Io::Kind::kError:
        return Lose(MessageOf(io.why));
      case event::Io::Kind::kMoved:
        break;
    }
    if (!Feed(Bytes(loop_.read_buffer()).first(io.bytes))) return;
    budget -= std::min(budget, io.bytes);
    if (budget == 0) return loop_.Arm(more_, loop_.Now());  // Others' turn.
  }
}

// False: the link is gone, or has stopped reading.
bool Link::Feed(Bytes bytes) {
  if (state_ != State::kOpen) return true;  // Drained for politeness: see kFarewell.
  const Watch watch(*this);
  const Time now = loop_.Now();
  pulse_.OnBytes(now);
  const bool good = connection_->Receive(bytes, now);
  if (watch.gone()) return false;
  OnDirty();
  if (close_asked_) {
    CloseNow(close_asked_->first, close_asked_->second);
    return false;
  }
  if (!good) Fail();
  return good || socket_ != nullptr;
}

void Link::ReadMore() {
  const Watch watch(*this);
  Read();
  if (!watch.gone()) OnDirty();
}

// -- Writing.

void Link::OnWritable() {
  blocked_ = false;
  OnDirty();
}

void Link::EndTurn() {
  const Watch watch(*this);
  Flush();
  if (watch.gone()) return;
  MoveOn();
  if (!watch.gone()) Tell();
}

// One write for all that the turn brought, or as much as the socket takes.
void Link::Flush() {
  const Watch watch(*this);
  for (size_t budget = kWriteBudget;;) {
    const auto bytes = connection_->Gather(loop_.Now());  // Delivers messages too.
    if (watch.gone()) return;
    if (close_asked_) return CloseNow(close_asked_->first, close_asked_->second);
    if (bytes.empty() || blocked_ || socket_ == nullptr) break;
    if (!Write(bytes.first(std::min(bytes.size(), kMostViews)), budget)) break;
  }
  if (!watch.gone() && unread_ && connection_->may_read(loop_.Now())) {
    loop_.Arm(more_, loop_.Now());
  }
}

// True: there may be more to write now.
bool Link::Write(std::span<const iovec> bytes, size_t& budget) {
  const event::Io io = socket_->Write(bytes);
  switch (io.kind) {
    case event::Io::Kind::kMoved:
      connection_->Wrote(io.bytes);
      budget -= std::min(budget, io.bytes);
      if (budget > 0) return true;
      loop_.Arm(more_, loop_.Now());
      return false;
    case event::Io::Kind::kWouldBlock:
      blocked_ = true;
      blocked_since_ = loop_.Now();
      if (!is_client() && !tick_.armed()) loop_.Arm(tick_, loop_.Now() + options_.limits.stall / 4);
      return false;
    case event::Io::Kind::kEnd:
    case event::Io::Kind::kError:
      Lose(MessageOf(io.why));
      return false;
  }
  return false;
}

// -- What the connection says; acted on at the end of the turn.

void Link::OnSettings() {
  if (!std::exchange(ready_, true)) pulse_.Start(loop_.Now() - born_);
  handshake_.Disarm();
  OnDirty();
}

void Link::OnGoAway(const GoAway& why) {
  goaway_ = why;
  OnDirty();
}

void Link::OnPong(uint64_t payload) {
  if (payload == kDrainPing && draining_ == Draining::kAsked) FinalGoAway();
  if (payload == kPulsePing) pulse_.OnPong(loop_.Now());
}

void Link::OnStreamOpened() {
  if (is_client()) {
    pulse_.OnOpened();
    if (connection_->slots() == 0) no_slots_ = true;
    return;
  }
  if (!tick_.armed()) loop_.Arm(tick_, loop_.Now() + options_.limits.stall / 4);
}

// -- Telling the owner.

void Link::Tell() {
  const Watch watch(*this);
  if (!TellOpening()) return;
  if (state_ != State::kClosed || std::exchange(told_closed_, true)) return;
  events_.OnClosed(why_);
}

// False: the link is gone.
bool Link::TellOpening() {
  const Watch watch(*this);
  if (ready_ && !std::exchange(told_ready_, true)) {
    events_.OnReady();
    if (watch.gone()) return false;
  }
  const bool used_up = goaway_ || connection_->exhausted() || state_ == State::kUnread;
  if (is_client() && used_up && !std::exchange(told_draining_, true)) {
    events_.OnDraining(
        goaway_ ? *goaway_
                : GoAway{kMostStreams, http2::Code::kNoError,
                         state_ == State::kUnread ? "connection lost" : "stream ids run out"});
    if (watch.gone()) return false;
  }
  if (std::exchange(told_suspect_, suspect_) != suspect_) {
    events_.OnSuspect(suspect_);
    if (watch.gone()) return false;
  }
  if (told_ready_ && no_slots_ && slots() > 0) {
    no_slots_ = false;
    events_.OnSlots();
    if (watch.gone()) return false;
  }
  if (told_ready_ && is_client() && slots() == 0) no_slots_ = true;
  return true;
}

// Ends that need nothing but that nobody is left.
void Link::MoveOn() {
  if (connection_->open_streams() > 0) return;
  if (state_ == State::kUnread) state_ = State::kClosed;
  if (state_ != State::kOpen) return;
  if (is_client()) {
    const bool over = goaway_ || connection_->exhausted() || draining_ != Draining::kNo;
    if (!over) return;
    Die(goaway_ ? GoAwayText()
        : draining_ != Draining::kNo
            ? Cat("drained", drain_words_.empty() ? "" : ": ", drain_words_)
            : std::string("stream ids run out"));
    CloseNow(http2::Code::kNoError, {});
  } else if ((draining_ == Draining::kFinal || goaway_) && connection_->unsent() == 0 &&
             !socket_->pending()) {
    // A client that says GOAWAY and has no stream open has nothing more to ask.
    Die(goaway_ ? GoAwayText() : Cat("drained", drain_words_.empty() ? "" : ": ", drain_words_));
    state_ = State::kFarewell;
    loop_.Arm(farewell_, loop_.Now() + options_.farewell);
  }
}

// -- Ends.

void Link::Drain(std::string_view debug) {
  if (state_ != State::kOpen || draining_ != Draining::kNo) return;
  draining_ = Draining::kAsked;
  drain_words_ = debug;
  OnDirty();
  if (is_client()) {
    told_draining_ = true;
    return;
  }
  connection_->Drain();
  connection_->Ping(kDrainPing);
  loop_.Arm(drain_, loop_.Now() + options_.drain_ping);
}

void Link::FinalGoAway() {
  drain_.Disarm();
  draining_ = Draining::kFinal;
  connection_->RefuseFurther();
  connection_->SendGoAway(http2::Code::kNoError, drain_words_);
}

void Link::Close(http2::Code code, std::string_view debug) {
  if (state_ == State::kClosed) return;
  if (connection_->busy()) {
    close_asked_.emplace(code, debug);
    OnDirty();
    return;
  }
  CloseNow(code, debug);
}

void Link::CloseNow(http2::Code code, std::string_view debug) {
  const Watch watch(*this);
  const std::string words(debug);  // close_asked_ may be where they are.
  close_asked_.reset();
  if (state_ == State::kClosed) return;
  Die(Cat("closed here", words.empty() ? "" : ": ", words));
  state_ = State::kClosed;
  if (socket_ != nullptr) {
    const auto bytes = connection_->LastWords(code, words);
    if (watch.gone()) return;
    if (!blocked_ && !bytes.empty())
      socket_->Write(bytes.first(std::min(bytes.size(), kMostViews)));
    socket_.reset();
  }
  connection_->LoseAll();
  if (!watch.gone()) OnDirty();
}

// The peer broke the protocol: streams have ended, a GOAWAY waits in the connection.
void Link::Fail() {
  Die(FaultText());
  if (is_client()) return CloseNow(http2::Code::kNoError, {});
  state_ = State::kFarewell;
  loop_.Arm(farewell_, loop_.Now() + options_.farewell);
  OnDirty();
}

// The socket is gone.
void Link::Lose(std::string_view cause) {
  const Watch watch(*this);
  if (goaway_ && goaway_->code != http2::Code::kNoError) {
    Die(GoAwayText());
  } else if (goaway_) {
    Die(Cat(cause, " after ", GoAwayText()));
  } else if (!ready_ && !socket_->opening()) {
    Die(Cat(cause, is_client() ? " before its SETTINGS came" : " before its preface came"));
  } else {
    Die(std::string(cause));
  }
  socket_.reset();
  connection_->Lost();
  if (watch.gone()) return;
  state_ = connection_->open_streams() > 0 ? State::kUnread : State::kClosed;
  OnDirty();
}

// The first cause is the one that is told.
void Link::Die(std::string text) {
  if (!why_.ok()) return;
  pulse_.Stop();
  for (event::TimerNode* timer :
       {static_cast<event::TimerNode*>(&handshake_), static_cast<event::TimerNode*>(&drain_),
        static_cast<event::TimerNode*>(&tick_)}) {
    timer->Disarm();
  }
  why_ = absl::UnavailableError(Cat(peer_, ": ", text));
}

std::string Link::GoAwayText() const {
  return Cat("GOAWAY ", http2::Name(goaway_->code), goaway_->debug.empty() ? "" : ": ",
             goaway_->debug);
}

std::string Link::cause() const {
  if (!why_.ok()) {
    const std::string_view text = MessageOf(why_);
    return std::string(text.substr(text.starts_with(peer_) ? peer_.size() + 2 : 0));
  }
  const http2::Fault& fault = connection_->fault();
  if (fault.code != http2::Code::kNoError) return FaultText();
  return goaway_ ? GoAwayText() : std::string();
}

std::string Link::FaultText() const {
  const http2::Fault& fault = connection_->fault();
  return Cat(http2::Name(fault.code), fault.why.empty() ? "" : ": ", fault.why);
}

// -- Whether the peer lives.

void Link::SendPing() { connection_->Ping(kPulsePing); }

void Link::OnSuspect(bool suspect) {
  suspect_ = suspect;
  OnDirty();
}

void Link::OnDead() {
  Lose(Cat("keepalive: no byte came within ", Milliseconds(options_.pulse.keepalive_timeout),
           " ms of a PING"));
}

// -- Time limits.

void Link::GiveUpOnHandshake() {
  const int64_t ms = Milliseconds(loop_.Now() - born_);
  limit_ = "handshake_time";
  if (is_client()) {
    const std::string_view what =
        socket_->opening() ? "no TLS handshake with " : "no SETTINGS from ";
    why_ = absl::UnavailableError(Cat(what, peer_, " within ", ms, " ms"));
  } else {
    Die(Cat(socket_->opening() ? "no TLS handshake within " : "no HTTP/2 preface within ", ms,
            " ms"));
  }
  CloseNow(http2::Code::kSettingsTimeout, {});
}

void Link::GiveUpOnFarewell() {
  socket_.reset();
  state_ = State::kClosed;
  connection_->LoseAll();
  OnDirty();
}

void Link::Tick() {
  const Watch watch(*this);
  const Duration stall = options_.limits.stall;
  if (blocked_ && loop_.Now() - blocked_since_ >= stall) {
    limit_ = "stalled_connection";
    return Lose(Cat("took no byte for ", Milliseconds(stall), " ms"));
  }
  const bool more = connection_->Tick(loop_.Now());
  if (watch.gone()) return;
  if (more || blocked_) loop_.Arm(tick_, loop_.Now() + stall / 4);
}

void Link::LoopStop::OnLoopStop() {
  Link& l = link;
  const Watch watch(l);
  l.Die("its event loop stops");
  l.CloseNow(http2::Code::kNoError, {});
  if (!watch.gone()) l.Tell();
}

}  // namespace rondo::transport

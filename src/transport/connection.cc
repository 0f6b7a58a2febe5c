#include "transport/connection.h"

#include <algorithm>
#include <utility>

namespace rondo::transport {
namespace {
constexpr size_t kMostWords = 256;  // Of a GOAWAY's debug data: they end up in status texts.
}

// While one exists the session is in Receive, Gather or Lost, and the connection must not die.
class Connection::Event {
 public:
  explicit Event(Connection& connection) : connection_(connection) { connection_.busy_ = true; }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() {
    connection_.busy_ = false;
    if (connection_.doomed_) Destroy()(&connection_);
  }

 private:
  Connection& connection_;
};

void Connection::Destroy::operator()(Connection* connection) const {
  connection->owner_ = nullptr;
  connection->refuse_ = true;
  if (connection->busy_) {
    connection->doomed_ = true;
    return;
  }
  connection->busy_ = true;  // Whatever a stream's end leads to, this is the last of it.
  connection->session_->Lost();
  connection->EndAll();
  delete connection;
}

Connection::Pointer Connection::Make(http2::MakeSession make, http2::Role role,
                                     const http2::Options& options, const Limits& limits,
                                     ConnectionOwner& owner, Acceptor* acceptor,
                                     std::pmr::memory_resource& memory) {
  return Pointer(new Connection(make, role, options, limits, owner, acceptor, memory));
}

Connection::Connection(http2::MakeSession make, http2::Role role, const http2::Options& options,
                       const Limits& limits, ConnectionOwner& owner, Acceptor* acceptor,
                       std::pmr::memory_resource& memory)
    : limits_(limits),
      start_window_(options.stream_window),
      owner_(&owner),
      acceptor_(acceptor),
      resets_(limits.reset_burst),
      glitches_(limits.glitch_burst),
      strikes_(limits.pings),
      session_(make(role, options, *this, memory)) {}

Connection::~Connection() = default;

// -- The loop's side.

bool Connection::Receive(Bytes bytes, Time now) {
  Refill(now);
  const Event event(*this);
  return session_->Receive(bytes);
}

std::span<const iovec> Connection::Gather(Time now) {
  Refill(now);
  const Event event(*this);
  RunScheduled();
  if (doomed_) return {};
  const auto bytes = session_->Gather();
  return doomed_ ? std::span<const iovec>() : bytes;
}

void Connection::Lost() {
  const Event event(*this);
  session_->Lost();
}

void Connection::LoseAll() {
  const Event event(*this);
  session_->Lost();
  EndAll();
}

std::span<const iovec> Connection::LastWords(http2::Code code, std::string_view debug) {
  const Event event(*this);
  session_->GoAway(code, debug);
  const auto bytes = session_->Gather();
  return doomed_ ? std::span<const iovec>() : bytes;
}

bool Connection::may_read(Time now) const {
  return session_->replies() < limits_.max_replies && now >= read_after_;
}

bool Connection::Tick(Time now) {
  if (is_client()) return false;  // A client has deadlines.
  const Event event(*this);
  for (Stream* stream = open_; stream != nullptr && !doomed_;) {
    Stream& s = *stream;
    stream = s.next_;
    const uint64_t taken = s.sent_ - s.queued();
    if (s.queued() == 0 || std::exchange(s.taken_, taken) != taken) s.moved_ = now;
    if (now - s.moved_ < limits_.stall) continue;
    if (owner_ != nullptr) owner_->OnLimit("stalled_stream");
    EndHere(s, Why::kStalled);
    stream = open_;  // Its handler may have ended others.
  }
  return open_ != nullptr;
}

// -- The calls' side.

bool Connection::Start(Stream& stream, StreamHandler& handler, const http2::HeaderTemplate& head,
                       http2::ExtraHeaders extra, Slice&& first, bool end, int pulls) {
  if (session_->slots() == 0) return false;
  const size_t size = first.size();
  http2::Stream* wire = session_->Open(head, extra, std::move(first), end, &stream);
  if (wire == nullptr) return false;
  Attach(stream, *wire, handler);
  stream.sent_ = size;
  stream.pulls_ += pulls;
  stream.local_end_ = end;
  Dirty();
  return true;
}

void Connection::Ping(uint64_t payload) {
  session_->Ping(payload);
  Dirty();
}

void Connection::Drain() {
  session_->Drain();
  Dirty();
}

void Connection::SendGoAway(http2::Code code, std::string_view debug) {
  session_->GoAway(code, debug);
  Dirty();
}

// -- Streams.

void Connection::Attach(Stream& stream, http2::Stream& wire, StreamHandler& handler) {
  stream.connection_ = this;
  stream.wire_ = &wire;
  stream.handler_ = &handler;
  stream.window_ = start_window_;
  promised_ += start_window_;
  stream.opened_ = stream.grown_ = stream.moved_ = now_;
  stream.prev_ = nullptr;
  stream.next_ = std::exchange(open_, &stream);
  if (stream.next_ != nullptr) stream.next_->prev_ = &stream;
  ++open_streams_;
  ++started_;
  if (owner_ != nullptr) owner_->OnStreamOpened();
}

// Afterwards nothing here points at the stream, and it may be started again.
StreamHandler* Connection::Detach(Stream& stream) {
  if (stream.wire_ != nullptr) stream.wire_->user = nullptr;
  (stream.prev_ != nullptr ? stream.prev_->next_ : open_) = stream.next_;
  if (stream.next_ != nullptr) stream.next_->prev_ = stream.prev_;
  if (stream.scheduled_) {
    for (std::vector<Stream*>* list : {&scheduled_, &running_}) {
      std::ranges::replace(*list, &stream, static_cast<Stream*>(nullptr));
    }
  }
  promised_ -= stream.window_;
  unasked_ -= stream.unasked_;
  if (stream.starved_) --starved_;
  if (beyond_ == &stream) beyond_ = nullptr;
  StreamHandler* handler = stream.handler_;
  stream.Clear();
  --open_streams_;
  FeedStarved();
  CreditConnection(0);
  if (owner_ != nullptr) owner_->OnStreamEnded();
  return handler;
}

void Connection::EndHere(Stream& stream, Why why, size_t length) {
  if (stream.wire_ != nullptr) {
    session_->Reset(*std::exchange(stream.wire_, nullptr), http2::Code::kCancel);
    Dirty();
  }
  End(stream, {.why = why, .length = length});
}

// A client whose sending side is open resets; one that has finished needs no RST_STREAM.
void Connection::EndWithTrailers(Stream& stream, const http2::Headers& trailers) {
  if (stream.wire_ != nullptr && (!stream.local_end_ || stream.wire_->queued > 0)) {
    session_->Reset(*std::exchange(stream.wire_, nullptr), http2::Code::kCancel);
    Dirty();
  }
  End(stream, {.why = Why::kTrailers, .trailers = &trailers});
}

void Connection::EndAll() {
  while (open_ != nullptr) {
    open_->wire_ = nullptr;
    End(*open_, {.why = Why::kWire, .closed = {.cause = http2::Cause::kConnection}});
  }
}

void Connection::Schedule(Stream& stream) {
  if (!std::exchange(stream.scheduled_, true)) scheduled_.push_back(&stream);
  Dirty();
}

// What Pull asked for outside an event.
void Connection::RunScheduled() {
  if (scheduled_.empty()) return;
  running_.swap(scheduled_);
  for (size_t i = 0; i < running_.size(); ++i) {
    Stream* stream = running_[i];
    if (stream == nullptr) continue;  // It ended meanwhile.
    stream->scheduled_ = false;
    Deliver(*stream, {});
  }
  running_.clear();
}

// -- Events of the session.

bool Connection::OnRequest(http2::Stream& wire, const http2::Headers& headers, bool end) {
  StreamHandler* handler = nullptr;
  if (acceptor_ == nullptr || refuse_) return false;
  Stream* stream = acceptor_->OnCall(headers, &handler);
  if (stream == nullptr) return false;
  wire.user = stream;
  Attach(*stream, wire, *handler);
  stream->peer_end_ = end;
  if (end) Schedule(*stream);
  return true;
}

void Connection::OnHeaders(http2::Stream& wire, const http2::Headers& headers, bool end) {
  answered_ = true;
  if (wire.user == nullptr) return;
  Stream& stream = *static_cast<Stream*>(wire.user);
  if (!is_client()) return OnData(wire, {}, end);  // A client's trailers say nothing but "end".
  if (!end) {
    const http2::Header* status = headers.Find(http2::Token::kStatus);
    const bool interim = status != nullptr && status->value.starts_with('1');
    if (!interim) stream.handler_->OnHeaders(headers);
    return;
  }
  stream.peer_end_ = true;
  if (stream.held_.size() > stream.held_from_) {
    stream.trailers_.Hold(nullptr, headers.fields);  // Unread messages come first.
    // A reader that waits gets those that are whole; any rest will never be one.
    if (stream.pulls_ > 0) Deliver(stream, {});
    return;
  }
  EndWithTrailers(stream, headers);
}

void Connection::OnClosed(http2::Stream& wire, const http2::Closed& closed) {
  if (wire.user == nullptr) return;
  Stream& stream = *static_cast<Stream*>(wire.user);
  stream.wire_ = nullptr;
  // A client with unread messages is told of the trailers later; a server has nothing more to hear.
  if (stream.peer_end_ && is_client()) return;
  if (closed.cause == http2::Cause::kComplete) {  // Finished calls earn the right to cancel some.
    resets_ = std::min(limits_.reset_burst, resets_ + 1);
  }
  End(stream, {.why = Why::kWire, .closed = closed});
}

void Connection::OnWritable(http2::Stream& wire) {
  if (wire.user != nullptr) static_cast<Stream*>(wire.user)->handler_->OnWritable();
}

void Connection::OnSettings() {
  if (owner_ != nullptr) owner_->OnSettings();
}

void Connection::OnGoAway(uint32_t last_id, http2::Code code, std::string_view debug) {
  went_away_ = true;
  if (owner_ == nullptr) return;
  std::string words(debug.substr(0, kMostWords));
  for (char& c : words) c = c >= ' ' && c < 0x7f ? c : '?';
  owner_->OnGoAway({last_id, code, std::move(words)});
}

void Connection::OnPong(uint64_t payload) {
  if (owner_ != nullptr) owner_->OnPong(payload);
}

bool Connection::OnPing(bool spoke) { return strikes_.OnPing(now_, spoke, open_streams_ > 0); }

// -- Budgets.

void Connection::Refill(Time now) {
  const double seconds = std::chrono::duration<double>(now - now_).count();
  now_ = now;
  resets_ = std::min(limits_.reset_burst, resets_ + seconds * limits_.reset_rate);
  glitches_ = std::min(limits_.glitch_burst, glitches_ + seconds * limits_.glitch_rate);
}

bool Connection::OnOffence(http2::Offence offence, const http2::Stream* wire) {
  switch (offence) {
    case http2::Offence::kReset: {
      const auto* stream = wire != nullptr ? static_cast<const Stream*>(wire->user) : nullptr;
      return (stream != nullptr && now_ - stream->opened_ >= limits_.young) || SpendReset();
    }
    case http2::Offence::kResetSent:
      return SpendReset();
    case http2::Offence::kEmptyData:
      return false;
    case http2::Offence::kPing:
    case http2::Offence::kSettings:
    case http2::Offence::kWindowUpdate:
    case http2::Offence::kPriority:
    case http2::Offence::kUnknownFrame:
      return (glitches_ -= 1) >= 0;
  }
  return false;
}

// An overdrawn budget first delays reading, which slows an honest client down to what it may do; a
// flood runs the debt up all the same.
bool Connection::SpendReset() {
  resets_ -= 1;
  if (resets_ >= 0) return true;
  const std::chrono::duration<double> wait(std::clamp(-resets_ / limits_.reset_rate, 0.1, 1.0));
  read_after_ = now_ + std::chrono::duration_cast<Duration>(wait);
  return resets_ >= -limits_.reset_burst;
}

}  // namespace rondo::transport

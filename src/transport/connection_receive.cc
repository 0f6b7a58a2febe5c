// How a connection cuts bodies into messages, and how far it opens the windows.
#include <algorithm>
#include <utility>

#include "transport/connection.h"

namespace rondo::transport {
namespace {
size_t LengthOf(Bytes prefix) {
  return static_cast<size_t>(prefix[1]) << 24 | static_cast<size_t>(prefix[2]) << 16 |
         static_cast<size_t>(prefix[3]) << 8 | prefix[4];
}
void Forget(ByteVector& bytes, size_t& until) {
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(until));
  until = 0;
}
}  // namespace

void Connection::OnData(http2::Stream& wire, Bytes bytes, bool end) {
  answered_ = true;
  CreditConnection(bytes.size());
  if (wire.user == nullptr) return;
  Stream& stream = *static_cast<Stream*>(wire.user);
  stream.uncredited_ += bytes.size();
  stream.arrived_ += bytes.size();
  stream.peer_end_ = end;
  Deliver(stream, bytes);
}

// Gives as many messages as were asked for: from `fresh` in place when nothing is held, else from
// what is held. What is left of `fresh` is copied.
void Connection::Deliver(Stream& stream, Bytes fresh) {
  const bool in_place = stream.held_.size() == stream.held_from_;
  if (!in_place) stream.held_.insert(stream.held_.end(), fresh.begin(), fresh.end());
  Bytes rest = in_place ? fresh : Bytes(stream.held_).subspan(stream.held_from_);
  if (stream.discard_) rest = {};
  if (!DeliverWhole(stream, rest)) return;
  Keep(stream, rest, in_place);
  Account(stream, rest.size());
  if (stream.peer_end_) AfterLastByte(stream, rest.size());
}

// False: the stream is over.
bool Connection::DeliverWhole(Stream& stream, Bytes& rest) {
  const size_t limit = stream.max_message_ != 0 ? stream.max_message_ : limits_.max_message;
  while (rest.size() >= kMessagePrefix) {
    const size_t length = LengthOf(rest);
    if (rest[0] > 1 || length > limit) {
      const bool too_long = rest[0] <= 1;
      if (!Spoil(stream, too_long ? Why::kMessageTooLong : Why::kBadPrefix,
                 too_long ? length : rest[0])) {
        return false;
      }
      rest = {};
      return true;
    }
    if (stream.pulls_ == 0) break;
    if (rest.size() < kMessagePrefix + length) {
      GrowForMessage(stream, kMessagePrefix + length);
      break;
    }
    --stream.pulls_;
    const bool all = rest.size() == kMessagePrefix + length;
    const bool held = rest.data() + rest.size() == stream.held_.data() + stream.held_.size();
    const Message message{.bytes = rest.subspan(kMessagePrefix, length),
                          .compressed = rest[0] != 0,
                          .storage = all && held ? &stream.held_ : nullptr};
    rest = rest.subspan(kMessagePrefix + length);
    stream.handler_->OnMessage(message);
    if (stream.connection_ == nullptr) return false;  // Cancelled.
  }
  return true;
}

// What came can't be read on. True: a server's call answers that itself. False: the stream is over.
bool Connection::Spoil(Stream& stream, Why why, size_t length) {
  if (is_client() || !stream.handler_->OnBadRequest({.why = why, .length = length})) {
    if (stream.connection_ != nullptr) EndHere(stream, why, length);
    return false;
  }
  if (stream.connection_ == nullptr) return false;  // As new already: not to be touched.
  stream.discard_ = true;
  return true;
}

// `rest` lies in the caller's buffer if `fresh`, else at the end of what is held already.
void Connection::Keep(Stream& stream, Bytes rest, bool fresh) {
  if (fresh) {
    stream.held_.clear();
    stream.held_from_ = 0;
    MakeRoom(stream, rest);
    stream.held_.insert(stream.held_.end(), rest.begin(), rest.end());
    return;
  }
  stream.held_from_ = stream.held_.size() - rest.size();
  if (rest.size() * 2 < stream.held_.size()) Forget(stream.held_, stream.held_from_);
  MakeRoom(stream, Bytes(stream.held_).subspan(stream.held_from_));
}

// For the whole message that begins with `rest`, if it is waited for and the window has room for
// it: then its bytes are copied once.
void Connection::MakeRoom(Stream& stream, Bytes rest) {
  if (rest.size() < kMessagePrefix || stream.pulls_ == 0 || stream.starved_) return;
  const size_t framed = kMessagePrefix + LengthOf(rest);
  if (framed > stream.window_ || stream.held_from_ + framed <= stream.held_.capacity()) return;
  Forget(stream.held_, stream.held_from_);
  stream.held_.reserve(framed);
}

void Connection::AfterLastByte(Stream& stream, size_t held) {
  if (held > 0) {  // Unread messages, or the beginning of one that will never be whole.
    if (stream.pulls_ == 0 || !Spoil(stream, Why::kTruncatedMessage, 0)) return;
    Keep(stream, {}, false);
    return Account(stream, 0);
  }
  if (!is_client()) {
    if (!std::exchange(stream.half_closed_, true)) stream.handler_->OnHalfClose();
    return;
  }
  if (!stream.trailers_.held()) return EndHere(stream, Why::kNoTrailers);
  // The stream may be gone when its handler has heard of the end: the copy must not be its own.
  const http2::HeldHeaders copy = std::move(stream.trailers_);
  std::vector<http2::Header> fields;
  copy.Fields(fields);
  EndWithTrailers(stream, {fields, copy.size()});
}

// -- Windows. A stream's window_ is what the peer was promised: what is held of it here and what it
// may still send. What the handler has taken is given back; what is held is not.

void Connection::Account(Stream& stream, size_t held) {
  const size_t unasked = stream.pulls_ > 0 ? 0 : held;
  unasked_ += unasked;
  unasked_ -= std::exchange(stream.unasked_, unasked);
  const size_t taken = stream.uncredited_ - held;
  stream.uncredited_ = held;
  if (stream.wire_ != nullptr && !stream.peer_end_) {
    if (taken > 0) Return(stream, taken);
    if (stream.pulls_ > 0) GrowForSpeed(stream);
  }
  if (owed_ > 0) CreditConnection(0);
}

// Gives taken bytes back, fewer if the window was grown and others need the room.
void Connection::Return(Stream& stream, size_t bytes) {
  if ((starved_ > 0 || beyond_ == &stream) && stream.window_ > start_window_) {
    const size_t less = std::min(bytes, stream.window_ - start_window_);
    stream.window_ -= less;
    promised_ -= less;
    bytes -= less;
    if (beyond_ == &stream && promised_ <= limits_.max_held) beyond_ = nullptr;
    FeedStarved();
  }
  session_->Credit(*stream.wire_, bytes);
}

// Grows a window out of the budget, or beyond it for one stream at a time.
bool Connection::Promise(Stream& stream, size_t more, bool beyond_limit) {
  if (promised_ + more > limits_.max_held) {
    if (!beyond_limit || (beyond_ != nullptr && beyond_ != &stream)) return false;
    beyond_ = &stream;
  }
  stream.window_ += more;
  promised_ += more;
  session_->Credit(*stream.wire_, more);
  return true;
}

// A message that is waited for must fit into the window as a whole.
void Connection::GrowForMessage(Stream& stream, size_t framed) {
  if (stream.wire_ == nullptr || stream.peer_end_) return;
  if (framed > stream.window_ && !Promise(stream, framed - stream.window_, true)) {
    if (!std::exchange(stream.starved_, true)) ++starved_;
    return;
  }
  if (std::exchange(stream.starved_, false)) --starved_;
  // Credit that is still being collected could be the very bytes that are missing.
  if (framed > stream.window_ / 2) session_->FlushCredit(*stream.wire_);
  Dirty();
}

// A reader that takes a window's worth in a second would take more: double it.
void Connection::GrowForSpeed(Stream& stream) {
  if (stream.arrived_ < stream.window_) return;
  const bool fast = now_ - stream.grown_ <= std::chrono::seconds(1);
  stream.arrived_ = 0;
  stream.grown_ = now_;
  if (!fast || starved_ > 0 || stream.window_ * 2 > limits_.max_stream_window) return;
  Promise(stream, stream.window_, false);
}

// Room has become free: those that wait for it try again.
void Connection::FeedStarved() {
  if (starved_ == 0) return;
  for (Stream* stream = open_; stream != nullptr; stream = stream->next_) {
    if (!stream->starved_) continue;
    GrowForMessage(*stream,
                   kMessagePrefix + LengthOf(Bytes(stream->held_).subspan(stream->held_from_)));
  }
}

// On receipt, so that one slow reader stops nobody else, unless too much is held unread.
void Connection::CreditConnection(size_t bytes) {
  owed_ += bytes;
  if (unasked_ > limits_.max_held || owed_ == 0) return;
  session_->CreditConnection(std::exchange(owed_, 0));
}

}  // namespace rondo::transport

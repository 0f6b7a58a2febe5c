#pragma once
// A gRPC stream on a connection: messages in and out, their bounds, and why it ended. Knows HTTP/2
// sessions and message framing; knows no socket, no call, no retry, no status text.
// Threads: all of it belongs to the connection's loop.
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/block_cache.h"
#include "http2/held_headers.h"
#include "http2/session.h"
#include "rondo/slice.h"
#include "rondo/time.h"

namespace rondo::transport {

// The body of one message, without its five-byte prefix.
struct Message {
  Bytes bytes;
  bool compressed;  // Bit 0 of the prefix's first byte.
  // Not null: `bytes` is the end of this vector, which the handler may move from instead of
  // copying.
  ByteVector* storage = nullptr;

  // A copy of `bytes`, or its storage. What comes before the message in `into` is skipped by the
  // bytes that come back.
  Bytes MoveInto(ByteVector& into) const;
};

enum class Why : uint8_t {
  kTrailers,  // The peer's trailers say the status.
  kWire,      // No trailers: `closed` says who and what, and its fate whether to try again.
  // Found here; the stream was reset. What the peer did:
  kMessageTooLong,    // `length` bytes announced.
  kBadPrefix,         // `length` is the first byte of the prefix, which should be 0 or 1.
  kTruncatedMessage,  // END_STREAM inside a message.
  kNoTrailers,        // Client: END_STREAM on DATA.
  kStalled,           // Took none of the bytes that waited for it, for Limits::stall.
};
struct End {
  Why why = Why::kWire;
  const http2::Headers* trailers = nullptr;  // With kTrailers; views, good until OnEnd returns.
  http2::Closed closed{};                    // With kWire.
  size_t length = 0;
};

inline Bytes Message::MoveInto(ByteVector& into) const {
  if (storage == nullptr) {
    into.assign(bytes.begin(), bytes.end());
    return into;
  }
  into = std::move(*storage);
  storage->clear();
  return bytes;  // Moving a vector moves no element.
}

// Implemented by the call above. In its own events a stream may be pulled, sent on or cancelled; it
// may be destroyed in OnEnd, or outside events.
class StreamHandler {
 public:
  // Client: the response's headers (interim 1xx ones are skipped); views. If this is no gRPC answer
  // (status, content-type), Cancel. Not called when the answer is trailers only.
  virtual void OnHeaders(const http2::Headers& headers) = 0;
  virtual void OnMessage(const Message& message) = 0;  // One for each Pull; a view.
  virtual void OnHalfClose() {}                        // Server: no more messages.
  virtual void OnWritable() {}                         // After Send returned false.
  // Server: the requests are wrong (`end` says kMessageTooLong, kBadPrefix or kTruncatedMessage).
  // True: there will be an answer; what still comes is thrown away. False: the stream is reset, and
  // OnEnd tells the same.
  virtual bool OnBadRequest(const End& /*end*/) { return false; }
  virtual void OnEnd(const End& end) = 0;  // The last, exactly once, unless Cancel was called.

 protected:
  ~StreamHandler() = default;
};

// Lives inside the call's own arena: the transport allocates nothing for it in the unary case.
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { Cancel(); }

  // Started and not ended: the handler will hear more.
  bool open() const { return connection_ != nullptr; }
  // Bytes given to Send that wait for the peer's window or for the socket.
  size_t queued() const { return wire_ != nullptr ? wire_->queued : 0; }
  // The longest message to accept; 0 (the default) means the connection's Limits::max_message.
  void set_max_message(size_t bytes) { max_message_ = bytes; }

  // A message must come framed (prefix and body in one slice); without a stream the slice is
  // dropped. False: wait for OnWritable.
  bool Send(Slice framed, bool end);
  // Server: headers, and after all messages trailers; or both in one, by `end`.
  void Respond(const http2::HeaderTemplate& head, http2::ExtraHeaders extra, bool end);
  void Finish(const http2::HeaderTemplate& trailers, http2::ExtraHeaders extra);
  // "I have room for n more messages": this, and nothing else, opens the window. OnMessage never
  // runs inside Pull.
  void Pull(int n = 1);
  // For bodies that are not gRPC: what comes is thrown away, and only its end is told.
  void Discard() { discard_ = true; }
  // For the next call in the same memory: forgets what was asked of it after its end.
  // Requires: !open().
  void Renew() { Clear(); }
  // Ends it: RST_STREAM, no further event.
  void Cancel(http2::Code code = http2::Code::kCancel);

 private:
  friend class Connection;
  void Clear();  // As new, but for max_message_.

  class Connection* connection_ = nullptr;
  http2::Stream* wire_ = nullptr;
  StreamHandler* handler_ = nullptr;
  Stream *prev_ = nullptr, *next_ = nullptr;  // All that are open on the connection.
  int pulls_ = 0;
  bool scheduled_ = false, local_end_ = false, peer_end_ = false, half_closed_ = false;
  bool discard_ = false, starved_ = false;
  ByteVector held_;  // What has not been delivered; empty when messages come whole.
  size_t held_from_ = 0;
  size_t window_ = 0;      // Held, plus what the peer may still send: what was promised to it.
  size_t uncredited_ = 0;  // Arrived and not given back to the peer.
  size_t unasked_ = 0;     // Held while nobody pulls, as the connection's sum has it.
  size_t arrived_ = 0;     // Since `grown_`.
  size_t max_message_ = 0;
  uint64_t sent_ = 0;   // Bytes given to Send.
  uint64_t taken_ = 0;  // Of these, taken by the peer at `moved_`.
  Time opened_{}, grown_{}, moved_{};
  http2::HeldHeaders trailers_;  // That overtook unread messages.
};

}  // namespace rondo::transport

// Bytes out: frames are written where they will be sent from, in the order in which they go out.
#include <algorithm>
#include <cstring>
#include <utility>

#include "http2/http2_session.h"

namespace rondo::http2 {

std::span<const iovec> Http2Session::Gather() {
  if (!over_) WriteReady();
  if (!over_) TellWritable();
  Settle();
  open_data_.node = nullptr;  // Its bytes are being looked at.
  return outbox_.Gather();
}

void Http2Session::Wrote(size_t bytes) {
  outbox_.Wrote(bytes);
  if (outbox_.size() == 0) {
    replies_ = older_replies_ = 0;
  } else if (outbox_.written() >= reply_mark_) {
    older_replies_ = std::exchange(replies_, 0);
    reply_mark_ = outbox_.appended();
  }
}

void Http2Session::WriteRst(uint32_t id, Code code) {
  if (!over_) frame::Put32(Frame(frame::kRstStream, 0, id, 4), static_cast<uint32_t>(code));
}

void Http2Session::WriteGoAway(uint32_t last, Code code, std::string_view debug) {
  debug = debug.substr(0, frame::kMinMaxFrame - 8);
  uint8_t* p = Frame(frame::kGoAway, 0, 0, 8 + debug.size());
  frame::Put32(p, last);
  frame::Put32(p + 4, static_cast<uint32_t>(code));
  if (!debug.empty()) std::memcpy(p + 8, debug.data(), debug.size());
}

// -- Streams.

Stream* Http2Session::Open(const HeaderTemplate& head, ExtraHeaders extra, Slice body, bool end,
                           void* user) {
  if (slots() == 0) return nullptr;
  Node& node = *Get(next_id_, true);
  next_id_ += 2;
  node.user = user;
  node.mark = outbox_.appended();
  const bool bodyless = end && body.size() == 0;
  WriteHeaders(node, head, extra, bodyless);
  if (bodyless) {
    EndLocal(node);
  } else {
    Send(node, std::move(body), end);
    node.paused = false;  // Nobody was told to stop.
  }
  return &node;
}

void Http2Session::Respond(Stream& stream, const HeaderTemplate& head, ExtraHeaders extra,
                           bool end) {
  Node& node = static_cast<Node&>(stream);
  if (over_ || node.gone || node.local_end) return;
  if (end && IsFull()) return HoldEnd(node, head, extra);
  WriteHeaders(node, head, extra, end);
  if (end) EndLocal(node);
}

bool Http2Session::Send(Stream& stream, Slice body, bool end) {
  Node& node = static_cast<Node&>(stream);
  if (over_ || node.gone || node.local_end || node.end) return true;
  node.end = end;
  if (node.queued == 0) WriteDirectly(node, body);
  if (const size_t left = body.size(); left > 0) {
    node.queue.Push(std::move(body));
    node.queued += left;
    queued_all_ += left;
    if (node.send_window > 0) ready_.Add(node);
    if (queued_all_ >= options_.send_all_high) all_paused_ = node.paused = true;
    if (node.queued >= options_.send_high) node.paused = true;
  }
  return !node.paused;
}

void Http2Session::Finish(Stream& stream, const HeaderTemplate& trailers, ExtraHeaders extra) {
  Node& node = static_cast<Node&>(stream);
  if (over_ || node.gone || node.local_end || node.end) return;
  if (node.queued > 0 || IsFull()) return HoldEnd(node, trailers, extra);
  node.end = true;
  WriteHeaders(node, trailers, extra, true);
  EndLocal(node);
}

// While a peer doesn't read, streams don't end, so their number bounds what waits for it.
void Http2Session::HoldEnd(Node& node, const HeaderTemplate& head, ExtraHeaders extra) {
  node.end = true;
  node.trailers.Hold(&head, extra);
  if (node.queued == 0) ending_.Add(node);
}

void Http2Session::WriteEnd(Node& node) {
  if (node.trailers.held()) {
    node.trailers.Fields(extra_);
    WriteHeaders(node, *node.trailers.head(), extra_, true);
  } else {
    DataHead(node, 0, true);
  }
  EndLocal(node);
}

// A server that has answered early wants no more of the request: RFC 9113 section 8.1.
void Http2Session::EndLocal(Node& node) {
  node.local_end = true;
  if (role_ == Role::kServer && !node.peer_end) {
    WriteRst(node.id, Code::kNoError);
    node.reset = true;
    if (data_node_ == &node) data_node_ = nullptr;
  }
  if (node.peer_end || node.reset) done_.push_back(&node);
}

// -- Headers.

void Http2Session::WriteHeaders(Node& node, const HeaderTemplate& head, ExtraHeaders extra,
                                bool end) {
  const size_t bound = encoder_.Bound(head, extra);
  if (bound > peer_max_frame_) {
    WriteLongHeaders(node, head, extra, end);
  } else {
    uint8_t* const p = outbox_.Reserve(frame::kHeadSize + bound);
    const uint8_t* const last = encoder_.Encode(head, extra, p + frame::kHeadSize);
    const size_t size = static_cast<size_t>(last - p) - frame::kHeadSize;
    frame::WriteHead(p, frame::kHeaders, frame::kEndHeaders | frame::EndFlag(end), node.id, size);
    outbox_.Commit(frame::kHeadSize + size);
  }
  police_.Sent();
}

void Http2Session::WriteLongHeaders(Node& node, const HeaderTemplate& head, ExtraHeaders extra,
                                    bool end) {
  std::vector<uint8_t> block(encoder_.Bound(head, extra));
  const uint8_t* const last = encoder_.Encode(head, extra, block.data());
  Bytes rest(block.data(), static_cast<size_t>(last - block.data()));
  unsigned flags = frame::EndFlag(end);
  for (frame::Type type = frame::kHeaders;; type = frame::kContinuation, flags = 0) {
    const Bytes part = rest.first(std::min<size_t>(rest.size(), peer_max_frame_));
    rest = rest.subspan(part.size());
    if (rest.empty()) flags |= frame::kEndHeaders;
    std::memcpy(Frame(type, flags, node.id, part.size()), part.data(), part.size());
    if (rest.empty()) return;
  }
}

// -- Bodies.

// What is sent on one stream within a turn shares frames: the last one grows while nothing follows.
bool Http2Session::CanExtend(const Node& node) const {
  return open_data_.node == &node && open_data_.end == outbox_.appended();
}

// Of the next frame: what all windows and the outbox allow. A frame without a byte is always
// allowed.
size_t Http2Session::FrameRoom(const Node& node) const {
  if (IsFull()) return 0;
  const int64_t window = std::min(node.send_window, send_window_);
  size_t frame = peer_max_frame_;
  if (CanExtend(node) && open_data_.length < frame) frame -= open_data_.length;
  return window <= 0 ? 0 : std::min(frame, static_cast<size_t>(window));
}

// `n` bytes are to be appended, and counted in open_data_.end.
void Http2Session::DataHead(Node& node, size_t n, bool end) {
  const unsigned flags = frame::EndFlag(end);
  if (CanExtend(node) && open_data_.length + n <= peer_max_frame_) {
    open_data_.length += n;
    frame::PutLength(open_data_.head, open_data_.length);
    open_data_.head[4] = static_cast<uint8_t>(flags);
  } else {
    uint8_t* const head = outbox_.Room(frame::kHeadSize);
    frame::WriteHead(head, frame::kData, flags, node.id, n);
    open_data_ = {&node, head, n, 0};
    police_.Sent();
  }
  open_data_.end = outbox_.appended() + n;
  node.send_window -= static_cast<int64_t>(n);
  send_window_ -= static_cast<int64_t>(n);
}

// Nothing waits before it. Leaves in `body` what must wait.
void Http2Session::WriteDirectly(Node& node, Slice& body) {
  bool untouched = true;  // No bytes of it are referred to.
  while (body.size() > 0) {
    const size_t n = std::min(body.size(), FrameRoom(node));
    if (n == 0) return;
    const bool whole = n == body.size();
    DataHead(node, n, node.end && whole);
    if (whole && untouched && n < Outbox::kCopyBelow) {
      outbox_.Append(body.bytes());
      body = Slice();
    } else {
      outbox_.Take(body, n);
      untouched = false;
    }
    if (whole) {
      if (node.end) EndLocal(node);
      return;
    }
  }
  if (!node.end) return;
  if (IsFull()) return ending_.Add(node);
  WriteEnd(node);
}

// One frame, and the trailers after the last. False: no more can be written for this stream now.
bool Http2Session::WriteQueued(Node& node) {
  const size_t n = std::min(node.queued, FrameRoom(node));
  if (n == 0) return false;
  const bool last = node.end && n == node.queued;
  const bool trailers = node.trailers.held();
  DataHead(node, n, last && !trailers);
  node.queue.MoveTo(outbox_, n);
  node.queued -= n;
  queued_all_ -= n;
  if (!last) return node.queued > 0 && node.send_window > 0;
  if (trailers) {
    WriteEnd(node);
  } else {
    EndLocal(node);
  }
  return false;
}

void Http2Session::WriteReady() {
  while (Node* node = ending_.front()) {
    if (IsFull()) return;
    ending_.Remove(*node);
    WriteEnd(*node);
  }
  while (Node* node = ready_.front()) {
    if (send_window_ <= 0 || IsFull()) return;
    ready_.Remove(*node);
    if (WriteQueued(*node)) ready_.Add(*node);
    if (!node->paused || all_paused_ || node->queued > options_.send_low) continue;
    node->paused = false;
    visitor_.OnWritable(*node);
    if (over_) return;
  }
}

// Those that were told to stop for the sake of all.
void Http2Session::TellWritable() {
  if (!all_paused_ || queued_all_ > options_.send_all_low) return;
  all_paused_ = false;
  for (Node* node = pool_.open(); node != nullptr && !over_; node = node->next) {
    if (node->gone || !node->paused || node->queued > options_.send_low) continue;
    node->paused = false;
    visitor_.OnWritable(*node);
  }
}

void Http2Session::DropQueue(Node& node) {
  if (node.queued == 0) return;
  node.queue.Drop(outbox_);
  queued_all_ -= std::exchange(node.queued, 0);
}

}  // namespace rondo::http2

#pragma once
// What Http2Session knows of a stream, and the lists it stands in.
// Threads: one at a time.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "http2/held_headers.h"
#include "http2/session.h"

namespace rondo::http2 {

struct StreamNode : Stream {
  StreamNode *prev = nullptr, *next = nullptr;              // StreamPool.
  StreamNode *ready_prev = nullptr, *ready_next = nullptr;  // ReadyList.
  uint64_t mark = 0;                                        // Bytes appended before its HEADERS.
  int64_t send_window = 0, receive_window = 0;
  int64_t content_left = -1;  // What content-length still promises; -1: nothing was promised.
  size_t credit = 0;          // That the peer was not told of yet.
  SliceQueue queue;
  HeldHeaders trailers;
  bool mine = false;       // Opened by this side.
  bool end = false;        // Nothing comes after what is queued.
  bool local_end = false;  // END_STREAM is in the outbox,
  bool peer_end = false;   // and was received.
  bool reset = false;      // RST_STREAM(NO_ERROR) follows END_STREAM: what still comes is dropped.
  bool headed = false;     // The first headers that are not interim were received.
  bool paused = false;     // The owner waits for OnWritable.
  bool ready = false;      // In a ReadyList.
  bool gone = false;       // Forgotten; the record is used again when no event runs.

  void Clear() {
    id = 0;
    user = nullptr;
    queued = credit = 0;
    content_left = -1;
    trailers.Clear();
    mine = end = local_end = peer_end = reset = headed = paused = ready = gone = false;
  }
};

// Streams that have something to write, first come first served, one frame a turn. A stream is in
// one list at a time.
class ReadyList {
 public:
  StreamNode* front() const { return first_; }
  void Add(StreamNode& node) {
    if (node.ready) return;
    node.ready = true;
    node.ready_prev = last_;
    node.ready_next = nullptr;
    (last_ != nullptr ? last_->ready_next : first_) = &node;
    last_ = &node;
  }
  void Remove(StreamNode& node) {
    if (!node.ready) return;
    node.ready = false;
    (node.ready_prev != nullptr ? node.ready_prev->ready_next : first_) = node.ready_next;
    (node.ready_next != nullptr ? node.ready_next->ready_prev : last_) = node.ready_prev;
  }

 private:
  StreamNode *first_ = nullptr, *last_ = nullptr;
};

// How streams ended that are no more: frames may still come for those that we reset (they were
// under way), but not for those that the peer has ended itself. The last ones are remembered:
// more than an honest peer can have under way at the default limits.
class EndedStreams {
 public:
  enum class How : uint8_t { kByUs, kByPeer };
  void Add(uint32_t id, How how) {
    ring_[next_++ % ring_.size()] = id << 1 | (how == How::kByPeer ? 1 : 0);
  }
  std::optional<How> Find(uint32_t id) const {
    for (size_t back = 1; back <= ring_.size(); ++back) {
      const uint32_t entry = ring_[(next_ - back) % ring_.size()];
      if (entry >> 1 == id) return (entry & 1) != 0 ? How::kByPeer : How::kByUs;
    }
    return std::nullopt;
  }

 private:
  std::array<uint32_t, 128> ring_{};
  uint32_t next_ = 0;
};

}  // namespace rondo::http2

#pragma once
// Cuts a stream of bytes so that each frame's nine-byte head is in one piece.
// Threads: one at a time.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "rondo/slice.h"

namespace rondo::http2 {

// nghttp2 1.52 (Debian's fix of CVE-2024-28182) counts a CONTINUATION each time a piece of its head
// arrives, so an honest head that trickles in would end the connection. Payloads are cut anywhere.
class FrameHeads {
 public:
  static constexpr size_t kHead = 9;

  explicit FrameHeads(size_t preface) : skip_(preface) {}

  // Hands on `bytes`, but holds back an unfinished head until the rest of it comes. Each head is
  // shown to `look` before it is fed.
  template <class Look, class Feed>
  void Push(Bytes bytes, Look look, Feed feed) {
    while (held_ > 0 && !bytes.empty()) {
      head_[held_++] = bytes[0];
      bytes = bytes.subspan(1);
      if (held_ < kHead) continue;
      held_ = 0;
      skip_ = Length(head_);
      look(Bytes(head_));
      feed(Bytes(head_));
    }
    size_t whole = std::min(skip_, bytes.size());
    skip_ -= whole;
    while (skip_ == 0 && whole < bytes.size()) {
      const Bytes rest = bytes.subspan(whole);
      if (rest.size() < kHead) {
        std::ranges::copy(rest, head_.begin());
        held_ = rest.size();
        break;
      }
      look(rest.first(kHead));
      const size_t frame = kHead + Length(rest);
      skip_ = frame - std::min(frame, rest.size());
      whole += frame - skip_;
    }
    if (whole > 0) feed(bytes.first(whole));
  }

 private:
  static size_t Length(Bytes head) {
    return static_cast<size_t>(head[0]) << 16 | static_cast<size_t>(head[1]) << 8 | head[2];
  }

  std::array<uint8_t, kHead> head_{};
  size_t held_ = 0;  // Bytes of an unfinished head.
  size_t skip_;      // Bytes until the next head.
};

}  // namespace rondo::http2

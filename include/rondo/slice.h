#pragma once
// Runs of bytes: views, and an owner that is moved, never shared.
// Threads: a slice belongs to one thread at a time.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace rondo {

using Bytes = std::span<const uint8_t>;

// Moved, never shared: whoever holds it last gives the bytes back, once. `release` is memory
// housekeeping only (a call's arena, a free list): it must not call into a session.
class Slice {
 public:
  using Release = void (*)(void* owner);

  Slice() = default;
  Slice(Bytes bytes, Release release, void* owner)
      : bytes_(bytes), release_(release), owner_(owner) {}
  static Slice Static(Bytes bytes) { return Slice(bytes, nullptr, nullptr); }
  static Slice Copy(Bytes bytes) {
    auto* copy = new uint8_t[bytes.size()];
    if (!bytes.empty()) std::memcpy(copy, bytes.data(), bytes.size());
    return Slice({copy, bytes.size()}, [](void* p) { delete[] static_cast<uint8_t*>(p); }, copy);
  }
  Slice(Slice&& other) noexcept { *this = std::move(other); }
  Slice& operator=(Slice&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(release_, other.release_);
    std::swap(owner_, other.owner_);
    return *this;
  }
  ~Slice() {
    if (release_ != nullptr) release_(owner_);
  }

  Bytes bytes() const { return bytes_; }
  size_t size() const { return bytes_.size(); }
  void Skip(size_t n) { bytes_ = bytes_.subspan(n); }

 private:
  Bytes bytes_;
  Release release_ = nullptr;
  void* owner_ = nullptr;
};

// A gRPC message on the wire: one byte "compressed", four bytes length, the body (gRPC over HTTP/2,
// Length-Prefixed-Message).
inline constexpr size_t kMessagePrefix = 5;
inline void WriteMessagePrefix(uint8_t* to, size_t length, bool compressed = false) {
  to[0] = compressed ? 1 : 0;
  for (int i = 0; i < 4; ++i) to[1 + i] = static_cast<uint8_t>(length >> (24 - 8 * i));
}
// Room for a framed message of `length` bytes; `fill(uint8_t* body)` writes the body.
template <class Fill>
Slice FrameMessage(size_t length, Fill fill) {
  auto* all = new uint8_t[kMessagePrefix + length];
  WriteMessagePrefix(all, length);
  fill(all + kMessagePrefix);
  return Slice(
      {all, kMessagePrefix + length}, [](void* p) { delete[] static_cast<uint8_t*>(p); }, all);
}
// A copy of `body`, framed.
inline Slice FrameMessage(std::string_view body) {
  return FrameMessage(body.size(), [&](uint8_t* to) { std::copy(body.begin(), body.end(), to); });
}

}  // namespace rondo

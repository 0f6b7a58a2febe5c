#pragma once
// Runs of bytes: views, and an owner that is moved, never shared.
// Threads: a slice belongs to one thread at a time.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <utility>

namespace rondo {

using Bytes = std::span<const uint8_t>;

namespace detail {

// Memory of large messages, which a loop keeps for the next one (src/base/block_cache.h).
inline constexpr size_t kLargeBlock = 16 << 10;
void* AllocateBlock(size_t size);
void FreeBlock(void* block) noexcept;

}  // namespace detail

// Moved, never shared: whoever holds it last gives the bytes back, once. `release` is memory
// housekeeping only (a call's arena, a free list): it must not call into a session.
class Slice {
 public:
  using Release = void (*)(void* owner);

  Slice() = default;
  Slice(Bytes bytes, Release release, void* owner)
      : bytes_(bytes), release_(release), owner_(owner) {}
  static Slice Static(Bytes bytes) { return Slice(bytes, nullptr, nullptr); }
  // `size` bytes of its own; `fill(uint8_t*)` writes them.
  template <class Fill>
  static Slice Make(size_t size, Fill fill) {
    const bool large = size >= detail::kLargeBlock;
    auto* own = static_cast<uint8_t*>(large ? detail::AllocateBlock(size) : ::operator new(size));
    fill(own);
    return Slice({own, size}, large ? &detail::FreeBlock : &FreeSmall, own);
  }
  static Slice Copy(Bytes bytes) {
    return Make(bytes.size(), [bytes](uint8_t* to) {
      if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    });
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
  static void FreeSmall(void* memory) { ::operator delete(memory); }

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
  return Slice::Make(kMessagePrefix + length, [&](uint8_t* all) {
    WriteMessagePrefix(all, length);
    fill(all + kMessagePrefix);
  });
}
// A copy of `body`, framed.
inline Slice FrameMessage(std::string_view body) {
  return FrameMessage(body.size(), [&](uint8_t* to) { std::copy(body.begin(), body.end(), to); });
}

}  // namespace rondo

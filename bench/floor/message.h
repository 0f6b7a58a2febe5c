#pragma once
// What every measuring program says: gRPC messages of one field, one after another.
// Threads: any, once made.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness.h"

namespace bench {

using Bytes = std::span<const uint8_t>;

// Which method: one message each way; streams both ways; one request and kMany replies.
enum class Kind { kUnary, kBoth, kMany };
inline constexpr uint64_t kMany = 1000;

inline Kind KindOf(const Arguments& arguments) {
  const std::string mode = arguments.Text("mode", "unary");
  return mode == "both" ? Kind::kBoth : mode == "many" ? Kind::kMany : Kind::kUnary;
}
inline std::string_view PathOf(Kind kind) {
  constexpr std::string_view kPaths[] = {"/rondo.bench.Echo/Unary", "/rondo.bench.Echo/Both",
                                         "/rondo.bench.Echo/Many"};
  return kPaths[static_cast<size_t>(kind)];
}

// A framed protobuf message with a text of `size` bytes, and any number of it in a row.
class Message {
 public:
  static constexpr size_t kRun = 16 << 10;  // At most this much can be had in one piece.
  static constexpr size_t kPrefix = 5;

  explicit Message(const Arguments& arguments)
      : text_(static_cast<size_t>(arguments.Int("size", 16))) {
    bytes_ = {0, 0, 0, 0, 0, 0x0a};
    size_t length = text_;  // As a varint.
    for (; length > 0x7f; length >>= 7) bytes_.push_back(static_cast<uint8_t>(length | 0x80));
    bytes_.push_back(static_cast<uint8_t>(length));
    for (size_t i = 0; i < text_; ++i) bytes_.push_back(static_cast<uint8_t>('a' + i % 26));
    size_ = bytes_.size();
    for (size_t i = 0; i < 4; ++i)
      bytes_[1 + i] = static_cast<uint8_t>(body().size() >> (24 - 8 * i));
    for (size_t i = 0; bytes_.size() < size_ + kRun; ++i) bytes_.push_back(bytes_[i]);
  }
  size_t text() const { return text_; }
  size_t size() const { return size_; }
  Bytes framed() const { return Bytes(bytes_).first(size_); }
  Bytes body() const { return framed().subspan(kPrefix); }
  // `n` <= kRun bytes of the endless row, from `offset` on.
  Bytes At(uint64_t offset, size_t n) const { return Bytes(bytes_).subspan(offset % size_, n); }

 private:
  size_t text_, size_ = 0;
  std::vector<uint8_t> bytes_;
};

}  // namespace bench

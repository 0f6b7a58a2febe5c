#pragma once
// Message compression: the names of encodings, and bytes there and back through zlib.
// Threads: any. A thread that has compressed or decompressed keeps zlib's state (256 and 40 KiB for
// each format) until it ends.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "base/block_cache.h"
#include "rondo/compression.h"
#include "rondo/slice.h"

namespace rondo::wire {

// What both sides take: the value of grpc-accept-encoding.
inline constexpr std::string_view kAcceptEncoding = "identity,gzip,deflate";

std::string_view EncodingName(Compression encoding);  // "identity", "gzip", "deflate".
// The value of grpc-encoding; nullopt: not one of ours.
std::optional<Compression> ParseEncoding(std::string_view name);

// What a peer takes.
class Encodings {
 public:
  static Encodings All() {
    Encodings all;
    all.bits_ = 7;
    return all;
  }
  bool Has(Compression encoding) const { return (bits_ & Bit(encoding)) != 0; }
  void Add(Compression encoding) { bits_ = static_cast<uint8_t>(bits_ | Bit(encoding)); }

 private:
  static uint8_t Bit(Compression encoding) {
    return static_cast<uint8_t>(1U << static_cast<unsigned>(encoding));
  }
  uint8_t bits_ = 1;  // Everybody takes identity.
};
// The value of grpc-accept-encoding. Names that we don't know are passed over.
Encodings ParseAcceptEncoding(std::string_view list);

// The framed message, compressed and flagged so; as it is if that would not make it shorter.
Slice CompressMessage(Compression how, Slice framed);

// Undoes it into `out` (what was there is dropped), whose memory never exceeds what `limit` bytes
// of message need. RESOURCE_EXHAUSTED beyond it: `a message of 99 bytes that grows beyond the limit
// of 1024 bytes when its gzip is undone`; INTERNAL: `a message of 9 bytes that is not deflate:
// incorrect header check`. Requires: how != kIdentity.
absl::Status DecompressMessage(Compression how, Bytes bytes, size_t limit, ByteVector& out);

}  // namespace rondo::wire

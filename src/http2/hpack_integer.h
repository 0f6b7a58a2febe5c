#pragma once
// RFC 7541 section 5.1: integers with a prefix.
#include <cstddef>
#include <cstdint>

namespace rondo::http2::hpack {

inline constexpr size_t kMostInteger = 6;  // Bytes, of 32 bits and less.

inline uint8_t* PutInteger(uint8_t* out, uint8_t first, int bits, uint32_t value) {
  const uint32_t max = (1u << bits) - 1;
  if (value < max) {
    *out++ = static_cast<uint8_t>(first | value);
    return out;
  }
  *out++ = static_cast<uint8_t>(first | max);
  for (value -= max; value >= 128; value >>= 7) *out++ = static_cast<uint8_t>(value | 128);
  *out++ = static_cast<uint8_t>(value);
  return out;
}

// Moves `p` on. False: cut off, or longer than anything we could mean.
inline bool GetInteger(const uint8_t*& p, const uint8_t* end, int bits, uint64_t& value) {
  if (p == end) return false;
  const uint64_t max = (1u << bits) - 1;
  value = *p++ & max;
  if (value < max) return true;
  for (int shift = 0; p != end && shift <= 28; shift += 7) {
    const uint8_t byte = *p++;
    value += static_cast<uint64_t>(byte & 127) << shift;
    if (byte < 128) return true;
  }
  return false;
}

}  // namespace rondo::http2::hpack

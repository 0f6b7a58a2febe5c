#pragma once
// A message as its bytes, where typed calls ask for one.
// Threads: a value.
#include <algorithm>
#include <cstdint>
#include <string>

#include "rondo/message.h"

namespace rondo::cli {

struct RawMessage {
  std::string bytes;
  size_t ByteSizeLong() const { return bytes.size(); }
  void SerializeWithCachedSizesToArray(uint8_t* to) const { std::ranges::copy(bytes, to); }
  bool ParseFromArray(const void* data, int size) {
    bytes.assign(static_cast<const char*>(data), static_cast<size_t>(size));
    return true;
  }
};

}  // namespace rondo::cli

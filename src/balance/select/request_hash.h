#pragma once
// The hash of a call, for policies that send the same key to the same backend (A42, A76).
// Threads: immutable.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rondo/config.h"
#include "rondo/pick.h"

namespace rondo {

struct RequestHash {
  std::string header;  // Lower case; empty: none.

  // Reads `requestHashHeader`: a name of metadata whose values are text.
  void Read(ConfigReader& reader);
  // The hash of the caller's affinity key (8 bytes, the lowest first); else that of the header's
  // values, joined by commas; else none. Allocates nothing.
  std::optional<uint64_t> Of(const PickArgs& args) const;
  // Whether a call without a hash goes anywhere (A76), or is an error.
  bool optional() const { return !header.empty(); }

  bool operator==(const RequestHash&) const = default;
};

}  // namespace rondo

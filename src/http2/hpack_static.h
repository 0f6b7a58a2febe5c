#pragma once
// RFC 7541 appendix A: the static table. Threads: all.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http2/field_rules.h"
#include "http2/headers.h"

namespace rondo::http2::hpack {

inline constexpr uint32_t kStaticSize = 61;
inline constexpr size_t kFieldCost = 32;             // Section 4.1: beside name and value.
inline constexpr uint32_t kDefaultTableSize = 4096;  // Section 4.2, and what we announce.

struct StaticField {
  std::string_view name, value;
  Token token = Token::kOther;
  FieldKind kind = FieldKind::kRegular;
};
const StaticField& StaticAt(uint32_t index);  // 1 to kStaticSize.

struct StaticMatch {
  uint32_t index = 0;  // 0: not even the name.
  bool whole = false;  // The value too.
};
StaticMatch FindStatic(std::string_view name, std::string_view value);

inline constexpr uint32_t kAuthorization = 23, kCookie = 32;  // Indexes.

}  // namespace rondo::http2::hpack

#pragma once
// IP addresses by their bits: ranges as in "10.0.0.0/8" (RFC 4632), and loopback.
// Threads: any; nothing here has state.
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rondo::event {

class IpRange {
 public:
  // "10.0.0.0/8", "fd00::/8"; an address alone is a range of one. Bits behind the prefix count for
  // nothing. Nullopt: it is no such text.
  static std::optional<IpRange> Parse(std::string_view text);
  // Of an address without brackets; false for everything else. An IPv4 address that is written as
  // one of IPv6 (::ffff:10.0.0.1) is the IPv4 one.
  bool Contains(std::string_view ip) const;

 private:
  std::array<uint8_t, 16> bits_{};
  int family_ = 0, prefix_ = 0;
};

bool IsLoopback(std::string_view ip);  // 127.0.0.0/8, ::1.

}  // namespace rondo::event

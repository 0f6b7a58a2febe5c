#include "event/ip_range.h"

#include <netinet/in.h>

#include <charconv>
#include <cstring>
#include <string>

#include "base/text.h"
#include "event/address.h"

namespace rondo::event {
namespace {

struct IpBits {
  std::array<uint8_t, 16> bytes{};
  int family = 0;  // 4 or 6.
};

std::optional<IpBits> BitsOf(std::string_view ip) {
  const int family = IpFamily(ip);
  if (family == 0) return std::nullopt;
  const auto address = ParseAddress(family == 6 ? Cat("[", ip, "]:0") : Cat(ip, ":0"));
  if (!address.ok()) return std::nullopt;
  IpBits out{.family = family};
  if (family == 4) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address->storage);
    std::memcpy(out.bytes.data(), &in.sin_addr, 4);
    return out;
  }
  const auto& in = reinterpret_cast<const sockaddr_in6&>(address->storage);
  if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr)) {
    out.family = 4;
    std::memcpy(out.bytes.data(), in.sin6_addr.s6_addr + 12, 4);
  } else {
    std::memcpy(out.bytes.data(), &in.sin6_addr, 16);
  }
  return out;
}

}  // namespace

std::optional<IpRange> IpRange::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  const auto bits = BitsOf(text.substr(0, slash));
  if (!bits) return std::nullopt;
  IpRange out;
  out.bits_ = bits->bytes;
  out.family_ = bits->family;
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const unsigned before = bits->family == 4 && text.find(':') != text.npos ? 96 : 0;
  const unsigned most = bits->family == 4 ? before + 32 : 128;
  unsigned prefix = most;
  if (slash != text.npos) {
    const std::string_view number = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), prefix);
    if (error != std::errc{} || end != number.data() + number.size()) return std::nullopt;
  }
  if (prefix < before || prefix > most) return std::nullopt;
  out.prefix_ = static_cast<int>(prefix - before);
  return out;
}

bool IpRange::Contains(std::string_view ip) const {
  const auto bits = BitsOf(ip);
  if (!bits || bits->family != family_) return false;
  for (int at = 0, left = prefix_; left > 0; ++at, left -= 8) {
    const auto mask = static_cast<uint8_t>(left >= 8 ? 0xff : 0xff << (8 - left));
    const auto i = static_cast<size_t>(at);
    if (((bits->bytes[i] ^ bits_[i]) & mask) != 0) return false;
  }
  return true;
}

bool IsLoopback(std::string_view ip) {
  static const IpRange four = *IpRange::Parse("127.0.0.0/8"), six = *IpRange::Parse("::1");
  return four.Contains(ip) || six.Contains(ip);
}

}  // namespace rondo::event

#include <bit>

#include "contract/policies.h"

namespace rondo::contract {

uint64_t XxHash64(std::string_view s) {  // The published algorithm, seed 0.
  constexpr uint64_t p1 = 0x9E3779B185EBCA87, p2 = 0xC2B2AE3D27D4EB4F, p3 = 0x165667B19E3779F9,
                     p4 = 0x85EBCA77C2B2AE63, p5 = 0x27D4EB2F165667C5;
  const auto take = [&s](size_t bytes) {
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; ++i) v |= uint64_t{static_cast<uint8_t>(s[i])} << 8 * i;
    s.remove_prefix(bytes);
    return v;
  };
  const auto round = [&](uint64_t acc, uint64_t in) { return std::rotl(acc + in * p2, 31) * p1; };
  const uint64_t length = s.size();
  uint64_t h = p5;
  if (s.size() >= 32) {
    uint64_t v[4] = {p1 + p2, p2, 0, 0 - p1};
    while (s.size() >= 32)
      for (uint64_t& x : v) x = round(x, take(8));
    h = std::rotl(v[0], 1) + std::rotl(v[1], 7) + std::rotl(v[2], 12) + std::rotl(v[3], 18);
    for (uint64_t x : v) h = (h ^ round(0, x)) * p1 + p4;
  }
  h += length;
  while (s.size() >= 8) h = std::rotl(h ^ round(0, take(8)), 27) * p1 + p4;
  if (s.size() >= 4) h = std::rotl(h ^ take(4) * p1, 23) * p2 + p3;
  while (!s.empty()) h = std::rotl(h ^ take(1) * p5, 11) * p1;
  h = (h ^ (h >> 33)) * p2;
  h = (h ^ (h >> 29)) * p3;
  return h ^ (h >> 32);
}

}  // namespace rondo::contract

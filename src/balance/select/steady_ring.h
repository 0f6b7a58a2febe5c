#pragma once
// Ringsteady's ring (Ward and others, ACM Queue 20(5), 2022): the binary van der Corput sequence
// puts one after the other where there is most room, so that shares stay even however many there
// are. Threads: any.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rondo {

// Where number `i` stands on a ring of 2^64: its bits in reverse.
inline uint64_t PlaceOnSteadyRing(uint32_t i) {
  uint64_t place = 0;
  for (int bit = 0; bit < 32; ++bit) place |= static_cast<uint64_t>(i >> bit & 1) << (63 - bit);
  return place;
}

// The `k` first of `places` at or behind `from`, going round: what they are in `places`. Of equals
// the first comes first. O(n log n).
inline std::vector<uint32_t> NextOnRing(uint64_t from, const std::vector<uint64_t>& places,
                                        size_t k) {
  std::vector<std::pair<uint64_t, uint32_t>> ring;
  for (uint32_t i = 0; i < places.size(); ++i) ring.emplace_back(places[i], i);
  std::sort(ring.begin(), ring.end());
  auto at = std::lower_bound(ring.begin(), ring.end(), std::pair<uint64_t, uint32_t>(from, 0));
  std::vector<uint32_t> next;
  for (size_t n = std::min(k, ring.size()); n > 0; --n, ++at) {
    if (at == ring.end()) at = ring.begin();
    next.push_back(at->second);
  }
  return next;
}

}  // namespace rondo

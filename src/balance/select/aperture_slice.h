#pragma once
// Finagle's deterministic aperture: clients lie evenly on a ring, each opens an arc of the same
// width from its place on, and the arcs together cover each backend equally often.
// Threads: any.
#include <algorithm>
#include <cstdint>
#include <vector>

namespace rondo {

struct ApertureSlice {
  uint32_t item;
  double share;  // Of the item, within the arc: in (0, 1].
};

// What client `index` of `count` (> index) sees of `n` (> 0) items: at least `least` whole ones'
// worth, or all. Items are in the order of the ring; the first and the last may be seen in part.
// Exact: in units of 1 / (count * n) of the ring.
inline std::vector<ApertureSlice> Aperture(uint32_t index, uint32_t count, uint32_t n,
                                           uint32_t least) {
  std::vector<ApertureSlice> slices;
  // How often the arcs of all clients cover the ring: rounded up to a whole number.
  const uint64_t covers = (uint64_t{std::min(least, n)} * count + n - 1) / n;
  if (covers >= count) {
    for (uint32_t i = 0; i < n; ++i) slices.push_back({i, 1});
    return slices;
  }
  uint64_t at = uint64_t{index} * n;
  const uint64_t end = at + covers * n;
  for (uint64_t item = at / count; at < end; ++item) {
    const uint64_t next = std::min(end, (item + 1) * count);
    const double share = static_cast<double>(next - at) / count;
    at = next;
    const auto i = static_cast<uint32_t>(item % n);
    if (!slices.empty() && slices[0].item == i) {  // An arc of nearly the whole ring.
      slices[0].share += share;
    } else {
      slices.push_back({i, share});
    }
  }
  return slices;
}

}  // namespace rondo

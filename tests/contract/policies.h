#pragma once
// Ten hard policies in miniature, eight of them here, to show that the balancing contract carries
// them. For tests only: each keeps its policy's shape and timing, and leaves out what adds none.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rondo/balance.h"

namespace rondo::contract {

PolicyFactory LeastRequestPolicy();
PolicyFactory WeightedRoundRobinPolicy();
PolicyFactory RingHashPolicy();
PolicyFactory PriorityPolicy();
PolicyFactory WeightedTargetPolicy();
PolicyFactory OutlierDetectionPolicy();
PolicyFactory ClusterImplPolicy();
PolicyFactory SubsetPolicy();

using Ring = std::vector<std::pair<uint64_t, uint32_t>>;  // Hash, endpoint.
std::shared_ptr<const Ring> MakeRing(const std::vector<std::pair<std::string, uint32_t>>& weights,
                                     uint32_t min, uint32_t max);
uint64_t XxHash64(std::string_view text);

}  // namespace rondo::contract

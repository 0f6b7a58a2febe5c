#pragma once
// Hard policies in miniature, to show that the balancing contract carries
// them. For tests only: each keeps its policy's shape and timing, and leaves out what adds none.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rondo/balance.h"

namespace rondo::contract {

PolicyFactory WeightedRoundRobinPolicy();
PolicyFactory OutlierDetectionPolicy();
PolicyFactory ClusterImplPolicy();
PolicyFactory SubsetPolicy();

uint64_t XxHash64(std::string_view text);

}  // namespace rondo::contract

#pragma once
// The policies that every channel knows.
#include "balance/registry.h"

namespace rondo {

PolicyFactory CircuitBreakingPolicy();
PolicyFactory LeastRequestPolicy();
PolicyFactory MaglevPolicy();
PolicyFactory OutlierDetectionPolicy();
PolicyFactory P2cEwmaPolicy();
PolicyFactory PanicPolicy();
PolicyFactory PickFirstPolicy();
PolicyFactory PriorityPolicy();
PolicyFactory RandomSubsettingPolicy();
PolicyFactory RingHashPolicy();
PolicyFactory RoundRobinPolicy();
PolicyFactory RoutePolicy();
PolicyFactory SlowStartPolicy();
PolicyFactory WeightedRoundRobinPolicy();
PolicyFactory WeightedTargetPolicy();
PolicyFactory ZoneAwarePolicy();

// The built-in policies, those of gRPC's drafts also as NAME_experimental, and the user's, which
// win where names are the same.
PolicyRegistry BuiltinPolicies(std::vector<PolicyFactory> users = {});

}  // namespace rondo

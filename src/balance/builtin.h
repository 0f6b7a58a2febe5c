#pragma once
// The policies that every channel knows.
#include "balance/registry.h"

namespace rondo {

PolicyFactory AperturePolicy();
PolicyFactory CircuitBreakingPolicy();
PolicyFactory LeastRequestPolicy();
PolicyFactory LocalityAwarePolicy();
PolicyFactory MaglevPolicy();
PolicyFactory OutlierDetectionPolicy();
PolicyFactory P2cEwmaPolicy();
PolicyFactory PanicPolicy();
PolicyFactory PickFirstPolicy();
PolicyFactory PinnedPolicy();
PolicyFactory PrequalPolicy();
PolicyFactory PriorityPolicy();
PolicyFactory RandomSubsettingPolicy();
PolicyFactory RingHashPolicy();
PolicyFactory RingsteadyPolicy();
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

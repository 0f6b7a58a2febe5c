#pragma once
// The policies that every channel knows.
#include "balance/registry.h"

namespace rondo {

PolicyFactory AperturePolicy();
PolicyFactory LeastRequestPolicy();
PolicyFactory LocalityAwarePolicy();
PolicyFactory MaglevPolicy();
PolicyFactory OutlierDetectionPolicy();
PolicyFactory P2cEwmaPolicy();
PolicyFactory PickFirstPolicy();
PolicyFactory PinnedPolicy();
PolicyFactory PrequalPolicy();
PolicyFactory PriorityPolicy();
PolicyFactory RandomSubsettingPolicy();
PolicyFactory RingHashPolicy();
PolicyFactory RingsteadyPolicy();
PolicyFactory RoundRobinPolicy();
PolicyFactory WeightedRoundRobinPolicy();
PolicyFactory WeightedTargetPolicy();

// The built-in policies, those of gRPC's drafts also as NAME_experimental, and the user's, which
// win where names are the same.
PolicyRegistry BuiltinPolicies(std::vector<PolicyFactory> users = {});

}  // namespace rondo

#pragma once
// The policies that every channel knows.
#include "balance/registry.h"

namespace rondo {

PolicyFactory PickFirstPolicy();
PolicyFactory RoundRobinPolicy();

// The built-in policies and the user's, which win where names are the same.
PolicyRegistry BuiltinPolicies(std::vector<PolicyFactory> users = {});

}  // namespace rondo

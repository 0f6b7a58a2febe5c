#pragma once
// The list rule of `loadBalancingConfig` and `childPolicy`: an array of objects with one key each,
// of which the first registered name wins (A24). Threads: any.
#include <string>

#include "balance/registry.h"
#include "base/json.h"
#include "rondo/config.h"

namespace rondo {

// `path` names the list in errors: "loadBalancingConfig". On an error `issues.error` is set and the
// result is empty. `watches`: see ConfigReader.
ChildConfig ReadPolicyList(const Json& list, std::string path, const PolicyRegistry& registry,
                           ConfigIssues& issues, int watches = 0);

// A policy by its name alone, with the config `{}` (the old `loadBalancingPolicy` field, A2).
// `place` is where the name stands.
ChildConfig ReadPolicyName(const Json& place, std::string path, const PolicyRegistry& registry,
                           ConfigIssues& issues);

}  // namespace rondo

#pragma once
// Looks into a service config before any channel gets it: for editors, continuous integration and
// `rondo lint`.
// Threads: any.
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "rondo/balance.h"

namespace rondo {

// What a service config says.
struct ServiceConfigReport {
  std::string policy;  // The policy that will balance: the first named one that is known (A24).
  // What is asked for in vain, a text each: "3:5: methodConfig[0].timout: unknown field, ignored".
  std::vector<std::string> warnings{};
  // What methods get. Of the entries that fit a method the most exact one counts, whole.
  struct Entry {
    std::string name;  // "package.Service/Method", "package.Service/" (all of its methods), or "/".
    std::string says;  // "timeout 1s, at most 3 attempts"; empty: nothing.
  };
  std::vector<Entry> methods{};  // Sorted by name.
};

// Reads a service config (JSON, at most 1 MiB) as a channel that knows the built-in policies and
// `policies` would. INVALID_ARGUMENT: a channel would refuse it; the text begins with line and
// column, both from 1, and names the field: "3:44: loadBalancingConfig[0]: ...".
absl::StatusOr<ServiceConfigReport> CheckServiceConfig(std::string_view json,
                                                       std::vector<PolicyFactory> policies = {});

// The policies that every channel knows, sorted.
std::vector<std::string> BuiltinPolicyNames();

}  // namespace rondo

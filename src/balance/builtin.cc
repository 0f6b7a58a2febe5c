#include "balance/builtin.h"

#include <utility>

namespace rondo {

// An explicit list: a static initialiser's object file is dropped silently by the linker.
PolicyRegistry BuiltinPolicies(std::vector<PolicyFactory> users) {
  PolicyRegistry all;
  all.Add(PickFirstPolicy());
  all.Add(RoundRobinPolicy());
  for (PolicyFactory& user : users) all.Add(std::move(user));
  return all;
}

}  // namespace rondo

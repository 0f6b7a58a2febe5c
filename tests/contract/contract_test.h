#pragma once
// The policy fixture with the miniature registered besides the built-in policies.
#include "balance/policy_test.h"
#include "contract/policies.h"

namespace rondo::contract {

class ContractTest : public PolicyTest {
 protected:
  ContractTest() { Add(ClusterImplPolicy()); }
};

}  // namespace rondo::contract

#pragma once
// The policy fixture with the miniatures registered besides the built-in policies.
#include "balance/policy_test.h"
#include "contract/policies.h"

namespace rondo::contract {

class ContractTest : public PolicyTest {
 protected:
  ContractTest() {
    registry_ = BuiltinPolicies({WeightedRoundRobinPolicy(), OutlierDetectionPolicy(),
                                 ClusterImplPolicy(), SubsetPolicy()});
  }
};

}  // namespace rondo::contract

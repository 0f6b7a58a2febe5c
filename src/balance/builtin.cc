#include "balance/builtin.h"

#include <utility>

#include "base/text.h"

namespace rondo {
namespace {

void AddWithDraftName(PolicyFactory policy, PolicyRegistry& all) {
  const std::string name = policy.name;
  all.Add(std::move(policy));
  all.Alias(Cat(name, "_experimental"), name);
}

}  // namespace

// An explicit list: a static initialiser's object file is dropped silently by the linker.
PolicyRegistry BuiltinPolicies(std::vector<PolicyFactory> users) {
  PolicyRegistry all;
  all.Add(PickFirstPolicy());
  all.Add(RoundRobinPolicy());
  AddWithDraftName(AperturePolicy(), all);
  AddWithDraftName(CircuitBreakingPolicy(), all);
  AddWithDraftName(LeastRequestPolicy(), all);
  AddWithDraftName(LocalityAwarePolicy(), all);
  AddWithDraftName(MaglevPolicy(), all);
  AddWithDraftName(OutlierDetectionPolicy(), all);
  AddWithDraftName(P2cEwmaPolicy(), all);
  AddWithDraftName(PanicPolicy(), all);
  AddWithDraftName(PinnedPolicy(), all);
  AddWithDraftName(PrequalPolicy(), all);
  AddWithDraftName(PriorityPolicy(), all);
  AddWithDraftName(RandomSubsettingPolicy(), all);
  AddWithDraftName(RingHashPolicy(), all);
  AddWithDraftName(RingsteadyPolicy(), all);
  AddWithDraftName(RoutePolicy(), all);
  AddWithDraftName(SlowStartPolicy(), all);
  AddWithDraftName(WeightedRoundRobinPolicy(), all);
  AddWithDraftName(WeightedTargetPolicy(), all);
  AddWithDraftName(ZoneAwarePolicy(), all);
  for (PolicyFactory& user : users) all.Add(std::move(user));
  return all;
}

}  // namespace rondo

#pragma once
// Policies by name: a value, so that two channels of one process may mean different things.
// Threads: read by any once it is built.
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rondo/balance.h"

namespace rondo {

class PolicyRegistry {
 public:
  PolicyRegistry() = default;
  explicit PolicyRegistry(std::vector<PolicyFactory> policies) {
    for (PolicyFactory& p : policies) Add(std::move(p));
  }
  // A later policy takes the place of an earlier one of the same name.
  void Add(PolicyFactory policy) {
    std::string name = policy.name;
    policies_[std::move(name)] = std::make_shared<const PolicyFactory>(std::move(policy));
  }
  // `other` means what `name`, which is known, means now.
  void Alias(std::string other, std::string_view name) {
    policies_[std::move(other)] = policies_.find(name)->second;
  }
  // Null if there is none. Case counts. What was found outlives the registry.
  FactoryRef Find(std::string_view name) const {
    auto it = policies_.find(name);
    return it == policies_.end() ? nullptr : it->second;
  }
  std::vector<std::string> Names() const {  // Sorted.
    std::vector<std::string> names;
    for (const auto& [name, _] : policies_) names.push_back(name);
    return names;
  }

 private:
  std::map<std::string, FactoryRef, std::less<>> policies_;
};

}  // namespace rondo

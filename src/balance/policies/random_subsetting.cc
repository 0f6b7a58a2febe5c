// random_subsetting (A68): each client uses some of the endpoints, drawn by hashing.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "balance/builtin.h"
#include "balance/groups.h"
#include "balance/one_child.h"
#include "base/hash.h"

namespace rondo {
namespace {

struct RandomSubsettingConfig {
  uint32_t size = 0;
  ChildConfig child;
  void Read(ConfigReader& r) {
    r.Need("subsetSize");
    r.Number("subsetSize", size, 1u);
    r.Child("childPolicy", child);
  }
};

// The `size` endpoints with the least hashes, in the order of these: whoever comes or goes moves at
// most one.
void KeepLeast(std::vector<Endpoint>& all, uint32_t size, uint64_t seed) {
  if (all.size() <= size) return;
  std::vector<std::pair<uint64_t, uint32_t>> ranks;
  for (uint32_t i = 0; i < all.size(); ++i)
    ranks.emplace_back(Hash64(all[i].addresses[0], seed), i);
  std::sort(ranks.begin(), ranks.end());
  std::vector<Endpoint> kept;
  for (uint32_t i = 0; i < size; ++i) kept.push_back(std::move(all[ranks[i].second]));
  all = std::move(kept);
}

class RandomSubsetting final : public OneChild {
 public:
  absl::Status OnUpdate(const Update& update, Control& control) override {
    const auto& config = ConfigAs<RandomSubsettingConfig>(update.config);
    if (!seed_) seed_ = control.Random(UINT64_MAX);
    std::vector<Endpoint> some = WithAddresses(update.endpoints);
    KeepLeast(some, config.size, *seed_);
    Update inner = update;
    inner.endpoints = std::move(some);
    return Pass(std::move(inner), config.child, control);
  }

 private:
  std::optional<uint64_t> seed_;  // Of this policy, for its life.
};

}  // namespace

PolicyFactory RandomSubsettingPolicy() {
  return {.name = "random_subsetting", .parse = ParseInto<RandomSubsettingConfig>, .make = [] {
            return std::make_unique<RandomSubsetting>();
          }};
}

}  // namespace rondo

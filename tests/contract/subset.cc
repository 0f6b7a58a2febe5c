// subset (A68): a combinator that only rewrites the list.
#include <algorithm>
#include <optional>

#include "balance/one_child.h"
#include "contract/policies.h"
#include "rondo/config.h"

namespace rondo::contract {
namespace {

struct SubsetConfig {
  uint32_t size = 0;
  ChildConfig child;
  void Read(ConfigReader& r) {
    r.Number("subsetSize", size, 1u);
    r.Child("childPolicy", child);
    if (size == 0) r.Bad("subsetSize", "is needed: 1 or more");
  }
};

class Subset final : public OneChild {
 public:
  absl::Status OnUpdate(const Update& update, Control& control) override {
    const SubsetConfig& config = ConfigAs<SubsetConfig>(update.config);
    if (!seed_) seed_ = control.Random(UINT64_MAX);
    Update inner = update;
    const auto rank = [this](const Endpoint& e) { return XxHash64(Cat(*seed_, e.addresses[0])); };
    std::sort(inner.endpoints.begin(), inner.endpoints.end(),
              [&](const Endpoint& a, const Endpoint& b) { return rank(a) < rank(b); });
    if (inner.endpoints.size() > config.size) inner.endpoints.resize(config.size);
    return Pass(std::move(inner), config.child, control);
  }

 private:
  std::optional<uint64_t> seed_;
};

}  // namespace

PolicyFactory SubsetPolicy() {
  return {.name = "subset", .parse = ParseInto<SubsetConfig>, .make = [] {
            return std::make_unique<Subset>();
          }};
}

}  // namespace rondo::contract

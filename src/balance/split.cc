#include "balance/split.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "balance/state_tally.h"

namespace rondo {
namespace {

struct WeightedPicker final : Picker {
  PickResult Pick(const PickArgs& args) const override {
    const uint32_t at = args.chance->Below(up_to.back().first);
    auto it = std::upper_bound(up_to.begin(), up_to.end(), at,
                               [](uint32_t x, const auto& e) { return x < e.first; });
    return it->second->Pick(args);
  }
  std::vector<std::pair<uint32_t, PickerRef>> up_to;  // Running sums.
};

}  // namespace

Connectivity StateOf(std::span<const Share> all) {
  StateTally tally;
  for (const Share& share : all) tally.Add(share.counted);
  return tally.Sum();
}

PickerRef SplitPicker(std::span<const Share> all, const View& view) {
  const Connectivity sum = StateOf(all);
  if (sum == Connectivity::kConnecting) return QueuePicker()(view);
  // Of failed ones those that have words for it: one that tries again only queues.
  const bool exact =
      std::any_of(all.begin(), all.end(), [&](const Share& s) { return s.child->state() == sum; });
  auto picker = std::make_shared<WeightedPicker>();
  uint32_t total = 0;
  for (const Share& share : all) {
    if ((exact ? share.child->state() : share.counted) != sum) continue;
    picker->up_to.emplace_back(total += share.weight, share.child->picker(view));
  }
  if (picker->up_to.size() == 1) return picker->up_to[0].second;
  return picker;
}

}  // namespace rondo

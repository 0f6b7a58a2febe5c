// weighted_target (A28): named children share the calls by weight.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "balance/builtin.h"
#include "balance/graceful_switch.h"
#include "balance/groups.h"
#include "balance/seat.h"
#include "balance/state_tally.h"
#include "base/text.h"
#include "rondo/config.h"

namespace rondo {
namespace {

struct WeightedTargetConfig {
  struct Target {
    uint32_t weight = 0;
    ChildConfig child;
  };
  std::map<std::string, Target> targets;

  void Read(ConfigReader& r) {
    uint64_t sum = 0;
    r.Map("targets", [&](const std::string& name, ConfigReader& c) {
      Target& target = targets[name];
      c.Need("weight");
      c.Number("weight", target.weight, 1u);
      c.Child("childPolicy", target.child);
      sum += target.weight;
    });
    if (sum > UINT32_MAX) {
      r.Bad("targets", Cat("the weights add up to ", sum, "; at most ", UINT32_MAX, " is allowed"));
    }
  }
};

// Draws a child by weight: O(log n).
struct TargetPicker final : Picker {
  PickResult Pick(const PickArgs& args) const override {
    const uint32_t at = args.chance->Below(up_to.back().first);
    auto it = std::upper_bound(up_to.begin(), up_to.end(), at,
                               [](uint32_t x, const auto& e) { return x < e.first; });
    return it->second->Pick(args);
  }
  std::vector<std::pair<uint32_t, PickerRef>> up_to;  // Running sums.
};

class WeightedTarget final : public Policy {
 public:
  absl::Status OnUpdate(const Update& update, Control& control) override;
  void OnResolverError(const absl::Status& why, Control& control) override;
  void OnIdleExit(Control& control) override {
    for (auto& [_, child] : children_) child->OnIdleExit(control);
  }
  void OnChild(Seat& seat, Control& control) {
    Child& child = static_cast<Child&>(seat);
    const bool retries = child.counted == Connectivity::kTransientFailure &&
                         child.state() == Connectivity::kConnecting;
    if (!retries) child.counted = child.state();
    Publish(control);
  }

 private:
  // The child stands below a graceful switch: another policy for a target breaks no call.
  struct Child final : SeatOf<WeightedTarget> {
    Child(FactoryRef factory, WeightedTarget& parent, std::string n)
        : SeatOf(std::move(factory), parent), name(std::move(n)) {}
    std::string_view label() const override { return name; }
    const std::string name;
    uint32_t weight = 0;
    // What it counts as: one that failed and tries again has failed until it is ready.
    Connectivity counted = Connectivity::kConnecting;
  };

  Connectivity Sum() const {
    StateTally tally;
    for (const auto& [_, child] : children_) tally.Add(child->counted);
    return tally.Sum();
  }
  void Publish(Control& control);
  PickerRef Build(const View& view);

  const FactoryRef switch_ = std::make_shared<const PolicyFactory>(GracefulSwitchPolicy());
  std::map<std::string, std::unique_ptr<Child>> children_;
};

absl::Status WeightedTarget::OnUpdate(const Update& update, Control& control) {
  const auto& targets = ConfigAs<WeightedTargetConfig>(update.config).targets;
  std::map<std::string, std::vector<Endpoint>> groups = ByPath(update.endpoints);
  std::erase_if(children_, [&](const auto& c) { return !targets.contains(c.first); });
  for (const auto& [name, target] : targets) {
    std::unique_ptr<Child>& child = children_[name];
    if (child == nullptr) child = std::make_unique<Child>(switch_, *this, name);
    child->weight = target.weight;
  }
  absl::Status first;
  Update inner = update;
  for (const auto& [name, target] : targets) {
    inner.endpoints = std::move(groups[name]);
    inner.config = std::make_shared<SwitchConfig>(target.child);
    const absl::Status status = children_.at(name)->OnUpdate(inner, control);
    if (first.ok() && !status.ok()) {
      first = absl::Status(status.code(),
                           Cat("weighted_target: target ", name, ": ", status.message()));
    }
  }
  Publish(control);
  return first;
}

void WeightedTarget::OnResolverError(const absl::Status& why, Control& control) {
  for (auto& [_, child] : children_) child->OnResolverError(why, control);
  if (!children_.empty()) return;
  const absl::Status failed(why.code(), Cat("weighted_target: ", why.message()));
  control.Publish(Connectivity::kTransientFailure, FailPicker(failed));
}

void WeightedTarget::Publish(Control& control) {
  if (children_.empty()) {
    const absl::Status why = absl::UnavailableError("weighted_target: no targets to pick from");
    return control.Publish(Connectivity::kTransientFailure, FailPicker(why));
  }
  control.Publish(Sum(), [this](const View& view) { return Build(view); });
}

// The children in the state that all are in together; idle ones too, so that a call wakes them.
PickerRef WeightedTarget::Build(const View& view) {
  const Connectivity sum = Sum();
  if (sum == Connectivity::kConnecting) return QueuePicker()(view);
  // Of failed ones those that have words for it: one that tries again only queues.
  const bool exact = std::any_of(children_.begin(), children_.end(),
                                 [&](const auto& c) { return c.second->state() == sum; });
  auto picker = std::make_shared<TargetPicker>();
  uint32_t total = 0;
  for (auto& [_, child] : children_) {
    if ((exact ? child->state() : child->counted) != sum) continue;
    picker->up_to.emplace_back(total += child->weight, child->picker(view));
  }
  if (picker->up_to.size() == 1) return picker->up_to[0].second;
  return picker;
}

}  // namespace

PolicyFactory WeightedTargetPolicy() {
  return {.name = "weighted_target", .parse = ParseInto<WeightedTargetConfig>, .make = [] {
            return std::make_unique<WeightedTarget>();
          }};
}

}  // namespace rondo

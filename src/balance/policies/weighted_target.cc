// weighted_target (A28): named children share the calls by weight.
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "balance/builtin.h"
#include "balance/graceful_switch.h"
#include "balance/groups.h"
#include "balance/seat.h"
#include "balance/split.h"
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

class WeightedTarget final : public Policy {
 public:
  absl::Status OnUpdate(const Update& update, Control& control) override;
  void OnResolverError(const absl::Status& why, Control& control) override;
  void OnIdleExit(Control& control) override {
    for (auto& [_, child] : children_) child->OnIdleExit(control);
  }
  void OnChild(Seat& seat, Control& control) {
    Child& child = static_cast<Child&>(seat);
    child.counted.Follow(child.state());
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
    CountedState counted;
  };

  std::vector<Share> Shares() const {
    std::vector<Share> all;
    for (const auto& [_, child] : children_) {
      all.push_back({child.get(), child->counted.value(), child->weight});
    }
    return all;
  }
  void Publish(Control& control);

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
  control.Publish(StateOf(Shares()), [this](const View& v) { return SplitPicker(Shares(), v); });
}

}  // namespace

PolicyFactory WeightedTargetPolicy() {
  return {.name = "weighted_target", .parse = ParseInto<WeightedTargetConfig>, .make = [] {
            return std::make_unique<WeightedTarget>();
          }};
}

}  // namespace rondo

// weighted_target (A28): children share the calls by weight.
#include <algorithm>
#include <map>

#include "balance/state_tally.h"
#include "contract/one_child.h"
#include "contract/policies.h"
#include "rondo/config.h"

namespace rondo::contract {
namespace {

constexpr Connectivity kConnecting = Connectivity::kConnecting,
                       kFailed = Connectivity::kTransientFailure;

struct TargetsConfig {
  struct Target {
    uint32_t weight = 0;
    ChildConfig child;
  };
  std::map<std::string, Target> targets;
  void Read(ConfigReader& r) {
    r.Map("targets", [&](const std::string& name, ConfigReader& c) {
      c.Number("weight", targets[name].weight, 1u);
      c.Child("childPolicy", targets[name].child);
    });
  }
};

struct WeightedPicker final : Picker {
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
  absl::Status OnUpdate(const Update& update, Control& control) override {
    config_ = ConfigAs<TargetsConfig>(update.config);
    auto groups = ByPath(update.endpoints);
    std::erase_if(children_, [&](const auto& c) { return !config_.targets.contains(c.first); });
    for (auto& [name, target] : config_.targets) {
      auto& seat = children_[name];
      if (seat == nullptr || seat->factory().name != target.child.factory->name) {
        seat = std::make_unique<Child>(target.child.factory, *this);
      }
      Update inner{groups[name], target.child.config, update.note, update.watch_health};
      seat->OnUpdate(inner, control).IgnoreError();
    }
    Publish(control);
    return absl::OkStatus();
  }
  void OnResolverError(const absl::Status& why, Control& control) override {
    for (auto& [_, c] : children_) c->OnResolverError(why, control);
    if (children_.empty()) control.Publish(kFailed, FailPicker(why));
  }
  void OnIdleExit(Control& control) override {
    for (auto& [_, c] : children_) c->OnIdleExit(control);
  }
  void OnChild(Seat& seat, Control& control) {
    Child& child = static_cast<Child&>(seat);
    if (child.counted != kFailed || seat.state() != kConnecting) child.counted = seat.state();
    Publish(control);
  }

 private:
  struct Child final : SeatOf<WeightedTarget> {
    using SeatOf::SeatOf;
    Connectivity counted = kConnecting;  // A failed one that only retries stays failed.
  };
  Connectivity Sum() const {
    StateTally tally;
    for (auto& [_, c] : children_)
      if (c != nullptr) tally.Add(c->counted);
    return tally.Sum();
  }
  void Publish(Control& control) {
    if (children_.empty()) {
      const absl::Status why = absl::UnavailableError("weighted_target: no targets");
      return control.Publish(kFailed, FailPicker(why));
    }
    control.Publish(Sum(), [this](const View& v) { return Build(v); });
  }
  PickerRef Build(const View& view) {
    const Connectivity sum = Sum();
    if (sum == kConnecting) return QueuePicker()(view);
    auto picker = std::make_shared<WeightedPicker>();
    uint32_t total = 0;
    for (auto& [name, c] : children_) {
      if (c->counted != sum) continue;
      picker->up_to.emplace_back(total += config_.targets.at(name).weight, c->picker(view));
    }
    return picker;
  }
  TargetsConfig config_;
  std::map<std::string, std::unique_ptr<Child>> children_;
};

}  // namespace

PolicyFactory WeightedTargetPolicy() {
  return {.name = "weighted_target", .parse = ParseInto<TargetsConfig>, .make = [] {
            return std::make_unique<WeightedTarget>();
          }};
}

}  // namespace rondo::contract

// The runtime's half of the short forms: a Spread over pick_first around the user's code.
#include <algorithm>
#include <limits>
#include <utility>

#include "balance/builtin.h"
#include "balance/select/best_of.h"
#include "balance/spread.h"
#include "rondo/policy.h"

namespace rondo {
namespace {

class ShortSpread final : public Spread {
 public:
  ShortSpread(std::string name, FactoryRef child, std::unique_ptr<ShortForm> form)
      : Spread(std::move(name), std::move(child), Reconnect::kAtOnce), form_(std::move(form)) {}

 private:
  void OnConfig(const ConfigRef& config, Control& control) override {
    config_ = config;
    Arm(control);
  }
  void Arm(Control& control) {
    refresh_ = nullptr;
    const Duration period = form_->Refresh(config_);
    if (period <= Duration{}) return;
    refresh_ = control.After(period, [this](Control& c) {
      Arm(c);
      if (Aggregate() == Connectivity::kReady) Publish(c);
    });
  }
  PickerRef Build(const View& view) override {
    if (Aggregate() != Connectivity::kReady) return Spread::Build(view);
    return form_->Build(config_, ReadyChildren(view), view);
  }

  const std::unique_ptr<ShortForm> form_;
  ConfigRef config_;
  std::unique_ptr<Timer> refresh_;
};

class FunctionForm final : public ShortForm {
 public:
  explicit FunctionForm(std::shared_ptr<const PickFunction> pick) : pick_(std::move(pick)) {}
  PickerRef Build(const ConfigRef&, const ReadySet& ready, const View&) override {
    return std::make_shared<FunctionPicker>(pick_, ready);
  }

 private:
  struct FunctionPicker final : Picker {
    FunctionPicker(std::shared_ptr<const PickFunction> p, const ReadySet& r)
        : pick(std::move(p)), ready(r) {}
    PickResult Pick(const PickArgs& args) const override {
      PickResult r = (*pick)(ready, args);
      if (r.picked() && r.subchannel() == nullptr) return Queue{};
      return r;
    }
    const std::shared_ptr<const PickFunction> pick;
    const ReadySet ready;
  };
  const std::shared_ptr<const PickFunction> pick_;
};

}  // namespace

PolicyFactory FromShortForm(PolicyFactory named, std::function<std::unique_ptr<ShortForm>()> make) {
  auto child = std::make_shared<const PolicyFactory>(PickFirstPolicy());
  named.make = [name = named.name, child, make = std::move(make)] {
    return std::make_unique<ShortSpread>(name, child, make());
  };
  return named;
}

PolicyFactory PolicyFrom(std::string name, PickFunction pick) {
  auto shared = std::make_shared<const PickFunction>(std::move(pick));
  return FromShortForm({.name = std::move(name)},
                       [shared] { return std::make_unique<FunctionForm>(shared); });
}

namespace {

// Fewest calls, and among equals any: `seen` of them so far (reservoir sampling).
struct Best {
  void Consider(const Subchannel* s, Chance& chance) {
    const int32_t load = s->load.in_flight();
    if (found != nullptr && load > least) return;
    if (found == nullptr || load < least) seen = 0;
    if (chance.Below(++seen) == 0) found = s;
    least = load;
  }
  const Subchannel* found = nullptr;
  int32_t least = 0;
  uint32_t seen = 0;
};

}  // namespace

const Subchannel* LeastLoaded(const ReadySet& set, const PickArgs& args, uint32_t choices) {
  const auto n = static_cast<uint32_t>(set.size());
  choices = std::clamp(choices, 1u, DifferentDraws::kMost);
  Best fresh, any;
  if (n > 2 * choices) {
    DifferentDraws draw(n, *args.chance);
    for (uint32_t i = 0; i < choices; ++i) {
      const Subchannel* s = set[draw()].subchannel.get();
      if (!args.Tried(s)) fresh.Consider(s, *args.chance);
    }
    if (fresh.found != nullptr) return fresh.found;
  }
  // Few, or a retry that drew only what it had tried.
  for (const Ready& r : set) {
    const Subchannel* s = r.subchannel.get();
    (args.Tried(s) ? any : fresh).Consider(s, *args.chance);
  }
  return fresh.found != nullptr ? fresh.found : any.found;
}

}  // namespace rondo

// route (A28's routing, by a service config alone): the method and the headers of a call choose
// among children, by weight; each child has the endpoints whose labels fit.
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "balance/builtin.h"
#include "balance/graceful_switch.h"
#include "balance/groups.h"
#include "balance/select/route_rules.h"
#include "balance/split.h"
#include "base/text.h"

namespace rondo {
namespace {

struct RoutePicker final : Picker {
  PickResult Pick(const PickArgs& args) const override {
    const std::vector<RouteRule>& rules = ConfigAs<RouteConfig>(config).routes;
    for (size_t i = 0; i < rules.size(); ++i) {
      if (rules[i].Fits(args)) return routes[i]->Pick(args);
    }
    return Drop{none};
  }
  ConfigRef config;               // Keeps the rules.
  std::vector<PickerRef> routes;  // As many.
  absl::Status none;
};

class Route final : public Policy {
 public:
  absl::Status OnUpdate(const Update& update, Control& control) override;
  void OnResolverError(const absl::Status& why, Control& control) override;
  void OnIdleExit(Control& control) override {
    for (auto& [_, child] : children_) child->OnIdleExit(control);
  }
  void OnChild(Seat& seat, Control& control) {
    Child& child = static_cast<Child&>(seat);
    child.counted.Follow(child.state());
    if (!feeding_) Publish(control);
  }

 private:
  // The child stands below a graceful switch: another policy for it breaks no call.
  struct Child final : SeatOf<Route> {
    Child(FactoryRef factory, Route& parent, std::string n)
        : SeatOf(std::move(factory), parent), name(std::move(n)) {}
    std::string_view label() const override { return name; }
    const std::string name;
    CountedState counted;
  };

  const RouteConfig& config() const { return ConfigAs<RouteConfig>(config_); }
  absl::Status Feed(const Update& update, Control& control);
  void Publish(Control& control);
  PickerRef Build(const View& view);

  const FactoryRef switch_ = std::make_shared<const PolicyFactory>(GracefulSwitchPolicy());
  ConfigRef config_;
  std::map<std::string, std::unique_ptr<Child>> children_;
  bool feeding_ = false;  // What children say now counts when all of them are fed.
};

std::string Written(const std::vector<std::string>& labels) {
  std::string out;
  for (const std::string& label : labels) out += Cat(out.empty() ? "" : ",", label);
  return out;
}

absl::Status Route::OnUpdate(const Update& update, Control& control) {
  config_ = update.config;
  // Children that go end when the others have their endpoints: one may have moved there.
  const std::map<std::string, std::unique_ptr<Child>> gone =
      TakeWithout(children_, config().children);
  for (const auto& [name, _] : config().children) {
    std::unique_ptr<Child>& child = children_[name];
    if (child == nullptr) child = std::make_unique<Child>(switch_, *this, name);
  }
  feeding_ = true;
  absl::Status status = Feed(update, control);
  feeding_ = false;
  Publish(control);
  return status;
}

// A child without endpoints is no reason to ask the resolver again: a canary comes and goes. If no
// child can use the list, that is one.
absl::Status Route::Feed(const Update& update, Control& control) {
  absl::Status first;
  bool any = false;
  Update inner = update;
  for (const auto& [name, child] : config().children) {
    std::vector<Endpoint> own;
    for (const Endpoint& e : update.endpoints) {
      if (child.Has(e)) own.push_back(e);
    }
    inner.endpoints = std::move(own);
    inner.note = update.note;
    if (inner.endpoints.empty() && !update.endpoints.empty()) {
      inner.note = Cat("route: none of ", update.endpoints.size(), " has the labels ",
                       Written(child.labels), " of the child ", name);
    }
    inner.config = std::make_shared<SwitchConfig>(child.policy);
    const absl::Status status = children_.at(name)->OnUpdate(inner, control);
    any = any || status.ok();
    if (first.ok() && !status.ok()) {
      first = absl::Status(status.code(), Cat("route: child ", name, ": ", MessageOf(status)));
    }
  }
  return any ? absl::OkStatus() : first;
}

void Route::OnResolverError(const absl::Status& why, Control& control) {
  for (auto& [_, child] : children_) child->OnResolverError(why, control);
  if (!children_.empty()) return;
  const absl::Status failed(why.code(), Cat("route: ", MessageOf(why)));
  control.Publish(Connectivity::kTransientFailure, FailPicker(failed));
}

void Route::Publish(Control& control) {
  std::vector<Share> all;
  for (const auto& [_, child] : children_) all.push_back({child.get(), child->counted.value(), 1});
  control.Publish(StateOf(all), [this](const View& view) { return Build(view); });
}

PickerRef Route::Build(const View& view) {
  auto picker = std::make_shared<RoutePicker>();
  picker->config = config_;
  picker->none = absl::UnavailableError(
      "route: no route fits the call; add one without path, prefix and headers for all others");
  std::vector<Share> shares;
  for (const RouteRule& route : config().routes) {
    shares.clear();
    for (const auto& [name, weight] : route.weights) {
      Child& child = *children_.at(name);
      shares.push_back({&child, child.counted.value(), weight});
    }
    picker->routes.push_back(SplitPicker(shares, view));
  }
  return picker;
}

}  // namespace

PolicyFactory RoutePolicy() {
  return {.name = "route", .parse = ParseInto<RouteConfig>, .make = [] {
            return std::make_unique<Route>();
          }};
}

}  // namespace rondo

// priority (A56, A115): the first child that works. Lower ones begin when they are needed, and are
// kept for a while when they aren't any more.
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
#include "base/text.h"
#include "rondo/config.h"

namespace rondo {
namespace {

constexpr Duration kFailover = std::chrono::seconds(10);   // A56
constexpr Duration kRetention = std::chrono::minutes(15);  // A56

struct PriorityConfig {
  struct Child {
    ChildConfig config;
    bool ignore_reresolution = false;
  };
  std::map<std::string, Child> children;
  std::vector<std::string> order;

  void Read(ConfigReader& r) {
    r.Map("children", [&](const std::string& name, ConfigReader& c) {
      c.Child("config", children[name].config);
      c.Bool("ignoreReresolutionRequests", children[name].ignore_reresolution);
    });
    r.Texts("priorities", order);
    for (const std::string& name : order) {
      if (!children.contains(name)) {
        r.Bad("priorities", Cat("\"", name, "\" is not one of the children"));
      } else if (std::count(order.begin(), order.end(), name) > 1) {
        r.Bad("priorities", Cat("\"", name, "\" stands there more than once"));
      }
    }
    for (const auto& [name, _] : children) {
      if (std::find(order.begin(), order.end(), name) == order.end()) {
        r.Bad("children", Cat("\"", name, "\" is not one of the priorities"));
      }
    }
  }
};

class Priority final : public Policy {
 public:
  absl::Status OnUpdate(const Update& update, Control& control) override;
  void OnResolverError(const absl::Status& why, Control& control) override;
  void OnIdleExit(Control& control) override {
    if (chosen_ != nullptr) chosen_->OnIdleExit(control);
  }
  void OnChild(Seat& seat, Control& control);

 private:
  struct Child final : SeatOf<Priority> {
    Child(FactoryRef factory, Priority& parent, std::string n)
        : SeatOf(std::move(factory), parent), name(std::move(n)) {}
    std::string_view label() const override { return name; }
    void OnReresolve(Control& up) override {
      if (!parent_.config().children.at(name).ignore_reresolution) up.Reresolve();
    }
    const std::string name;
    absl::Status status;  // Of its last update.
    Connectivity before = Connectivity::kConnecting;
    bool failed_last = false;  // More recently than it was ready or idle.
    bool news = false;         // It has published and nobody has passed it on.
    std::unique_ptr<Timer> failover, retention;
  };

  const PriorityConfig& config() const { return ConfigAs<PriorityConfig>(update_.config); }
  void StartFailover(Child& child, Control& control);
  void Feed(Child& child, Control& control);
  Child& Activate(const std::string& name, Control& control);
  void Choose(Control& control);
  void Use(Child& child, size_t retire_from, Control& control);
  void Retire(const std::string& name, Control& control);

  const FactoryRef switch_ = std::make_shared<const PolicyFactory>(GracefulSwitchPolicy());
  Update update_;  // Without endpoints.
  std::map<std::string, std::vector<Endpoint>> endpoints_;
  std::map<std::string, std::unique_ptr<Child>> children_;
  Child* chosen_ = nullptr;
  bool feeding_ = false;  // What children say now counts when all of them are fed.
};

// ---- From above --------------------------------------------------------------------------------

absl::Status Priority::OnUpdate(const Update& update, Control& control) {
  update_ = update;
  update_.endpoints = {};
  endpoints_ = ByPath(update.endpoints);
  chosen_ = nullptr;
  std::erase_if(children_, [&](const auto& c) { return !config().children.contains(c.first); });
  for (auto& [_, child] : children_) Feed(*child, control);
  Choose(control);
  return chosen_ == nullptr ? absl::OkStatus() : chosen_->status;
}

void Priority::OnResolverError(const absl::Status& why, Control& control) {
  for (auto& [_, child] : children_) child->OnResolverError(why, control);
  if (!children_.empty()) return;
  const absl::Status failed(why.code(), Cat("priority: ", why.message()));
  control.Publish(Connectivity::kTransientFailure, FailPicker(failed));
}

void Priority::Feed(Child& child, Control& control) {
  Update inner = update_;
  if (auto group = endpoints_.find(child.name); group != endpoints_.end()) {
    inner.endpoints = group->second;
  }
  inner.config = std::make_shared<SwitchConfig>(config().children.at(child.name).config);
  feeding_ = true;
  child.status = child.OnUpdate(inner, control);
  feeding_ = false;
}

// ---- From below --------------------------------------------------------------------------------

void Priority::OnChild(Seat& seat, Control& control) {
  Child& child = static_cast<Child&>(seat);
  child.news = true;
  const Connectivity before = std::exchange(child.before, child.state());
  switch (child.state()) {
    case Connectivity::kReady:
    case Connectivity::kIdle:
      child.failed_last = false;
      child.failover = nullptr;
      break;
    case Connectivity::kTransientFailure:
      child.failed_last = true;
      child.failover = nullptr;
      break;
    case Connectivity::kConnecting:
      if (before != Connectivity::kConnecting && !child.failed_last) StartFailover(child, control);
      break;
  }
  if (!feeding_) Choose(control);
}

void Priority::StartFailover(Child& child, Control& control) {
  child.failover = control.After(kFailover, [this, c = &child](Control& up) {
    c->failover = nullptr;
    Choose(up);
  });
}

// ---- The choice --------------------------------------------------------------------------------

// A56: the first that works or has still time to; else the first that is connecting; else the last.
void Priority::Choose(Control& control) {
  const std::vector<std::string>& order = config().order;
  Child* connecting = nullptr;
  Child* last = nullptr;
  for (size_t i = 0; i < order.size(); ++i) {
    Child& child = Activate(order[i], control);
    const Connectivity state = child.state();
    if (state == Connectivity::kReady || state == Connectivity::kIdle) {
      return Use(child, i + 1, control);
    }
    if (child.failover != nullptr) return Use(child, order.size(), control);
    if (connecting == nullptr && state == Connectivity::kConnecting) connecting = &child;
    last = &child;
  }
  if (connecting != nullptr) return Use(*connecting, order.size(), control);
  if (last != nullptr) return Use(*last, order.size(), control);
  const absl::Status why =
      absl::UnavailableError("priority: no priority is provided, all priorities are removed");
  control.Publish(Connectivity::kTransientFailure, FailPicker(why));
}

// Begins the child, or goes on with one that was to be forgotten.
Priority::Child& Priority::Activate(const std::string& name, Control& control) {
  std::unique_ptr<Child>& child = children_[name];
  if (child == nullptr) {
    child = std::make_unique<Child>(switch_, *this, name);
    StartFailover(*child, control);
    Feed(*child, control);
  }
  child->retention = nullptr;
  return *child;
}

void Priority::Use(Child& child, size_t retire_from, Control& control) {
  const std::vector<std::string>& order = config().order;
  for (size_t i = retire_from; i < order.size(); ++i) Retire(order[i], control);
  const bool another = std::exchange(chosen_, &child) != &child;
  if (!std::exchange(child.news, false) && !another) return;
  control.Publish(child.state(), [this](const View& view) { return chosen_->picker(view); });
}

void Priority::Retire(const std::string& name, Control& control) {
  auto it = children_.find(name);
  if (it == children_.end() || it->second->retention != nullptr) return;
  it->second->retention =
      control.After(kRetention, [this, name](Control&) { children_.erase(name); });
}

}  // namespace

PolicyFactory PriorityPolicy() {
  return {.name = "priority", .parse = ParseInto<PriorityConfig>, .make = [] {
            return std::make_unique<Priority>();
          }};
}

}  // namespace rondo

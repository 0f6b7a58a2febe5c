// priority (A56): the first child that works; others are born late and kept for a while.
#include <map>
#include <string>

#include "balance/state_tally.h"
#include "contract/one_child.h"
#include "contract/policies.h"
#include "rondo/config.h"

namespace rondo::contract {
namespace {

constexpr Connectivity kReady = Connectivity::kReady, kConnecting = Connectivity::kConnecting,
                       kIdle = Connectivity::kIdle, kFailed = Connectivity::kTransientFailure;

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
      if (!children.contains(name)) r.Bad("priorities", Cat(name, " is no child"));
    }
  }
};

class Priority final : public Policy {
 public:
  absl::Status OnUpdate(const Update& update, Control& control) override {
    config_ = ConfigAs<PriorityConfig>(update.config);
    update_ = update;
    endpoints_ = ByPath(update.endpoints);
    std::erase_if(children_, [&](const auto& c) { return !config_.children.contains(c.first); });
    chosen_ = nullptr;
    const std::vector<std::string> order = config_.order;  // What runs below may add children.
    for (const std::string& name : order) {
      if (auto it = children_.find(name); it != children_.end()) Feed(*it->second, control);
    }
    Choose(control);
    return absl::OkStatus();
  }
  void OnResolverError(const absl::Status& why, Control& control) override {
    for (auto& [_, c] : children_) c->OnResolverError(why, control);
    if (children_.empty()) control.Publish(kFailed, FailPicker(why));
  }
  void OnIdleExit(Control& control) override {
    if (chosen_ != nullptr) chosen_->OnIdleExit(control);
  }
  void OnChild(Seat& seat, Control& control) {
    Child& child = static_cast<Child&>(seat);
    const Connectivity before = std::exchange(child.before, child.state());
    if (child.state() == kReady || child.state() == kIdle) child.failed_last = false;
    if (child.state() == kFailed) child.failed_last = true;
    if (child.state() != kConnecting) {
      child.failover = nullptr;
    } else if (before != kConnecting && !child.failed_last) {
      StartFailover(child, control);
    }
    Choose(control);
  }

 private:
  struct Child final : SeatOf<Priority> {
    Child(FactoryRef f, Priority& p, std::string n) : SeatOf(std::move(f), p), name(std::move(n)) {}
    void OnReresolve(Control& up) override {
      if (!parent_.config_.children.at(name).ignore_reresolution) up.Reresolve();
    }
    const std::string name;
    Connectivity before = kConnecting;
    bool failed_last = false;
    std::unique_ptr<Timer> failover, retention;
  };
  void StartFailover(Child& child, Control& control) {
    child.failover = control.After(std::chrono::seconds(10), [this, c = &child](Control& up) {
      c->failover = nullptr;
      Choose(up);
    });
  }
  void Feed(Child& child, Control& control) {
    Update inner = update_;
    inner.endpoints = endpoints_[child.name];
    inner.config = std::make_shared<SwitchConfig>(config_.children.at(child.name).config);
    child.OnUpdate(inner, control).IgnoreError();
  }
  void Choose(Control& control) {
    Child* connecting = nullptr;
    Child* last = nullptr;
    for (size_t i = 0; i < config_.order.size(); ++i) {
      std::unique_ptr<Child>& c = children_[config_.order[i]];
      const bool fresh = c == nullptr;
      if (fresh) {
        c = std::make_unique<Child>(switch_, *this, config_.order[i]);
        StartFailover(*c, control);
        return Feed(*c, control), Choose(control);  // Its first word counts.
      }
      c->retention = nullptr;
      if (c->state() == kReady || c->state() == kIdle) return Use(*c, i + 1, control);
      if (c->failover != nullptr) return Use(*c, config_.order.size(), control);
      if (connecting == nullptr && c->state() == kConnecting) connecting = c.get();
      last = c.get();
    }
    if (connecting != nullptr) last = connecting;
    if (last != nullptr) return Use(*last, config_.order.size(), control);
    control.Publish(kFailed, FailPicker(absl::UnavailableError("priority: no child is left")));
  }
  void Forget(const std::string& name) { children_.erase(name); }
  void Use(Child& child, size_t retire_from, Control& control) {
    chosen_ = &child;
    for (size_t i = retire_from; i < config_.order.size(); ++i) {
      const std::string& name = config_.order[i];
      auto it = children_.find(name);
      if (it == children_.end() || it->second->retention != nullptr) continue;
      it->second->retention =
          control.After(std::chrono::minutes(15), [this, name](Control&) { Forget(name); });
    }
    control.Publish(child.state(), [this](const View& v) { return chosen_->picker(v); });
  }
  const FactoryRef switch_ = std::make_shared<const PolicyFactory>(GracefulSwitchPolicy());
  PriorityConfig config_;
  Update update_;
  std::map<std::string, std::vector<Endpoint>> endpoints_;
  std::map<std::string, std::unique_ptr<Child>> children_;
  Child* chosen_ = nullptr;
};

}  // namespace

PolicyFactory PriorityPolicy() {
  return {.name = "priority", .parse = ParseInto<PriorityConfig>, .make = [] {
            return std::make_unique<Priority>();
          }};
}

}  // namespace rondo::contract

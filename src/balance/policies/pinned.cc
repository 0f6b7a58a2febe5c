// pinned: a call that names a backend goes to it, or to it alone; any other call goes where the
// child policy says. Beside A55's cookies, which need xDS.
#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "balance/builtin.h"
#include "balance/graceful_switch.h"
#include "balance/groups.h"
#include "balance/header_name.h"
#include "balance/lazy.h"
#include "balance/spread.h"
#include "base/text.h"
#include "rondo/config.h"

namespace rondo {
namespace {

struct PinnedConfig {
  std::string header = "x-backend";
  bool strict = false;
  ChildConfig child;

  void Read(ConfigReader& r) {
    HeaderName(r, "header", header);
    if (header.empty()) r.Bad("header", "must name the header that names the backend");
    r.Bool("strict", strict);
    r.Child("childPolicy", child);
  }
};

// Backends by each of their addresses, and by their hash keys.
struct PinHash {
  using is_transparent = void;
  size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
};
using PinNames = std::unordered_map<std::string, uint32_t, PinHash, std::equal_to<>>;

struct PinPicker final : Picker {
  struct Backend {
    Connectivity state;
    PickerRef picker;
    SubchannelRef sole;  // If the picker always picks this one.
  };
  PickResult Pick(const PickArgs& args) const override {
    if (args.metadata == nullptr) return others->Pick(args);
    const auto pin = args.metadata->Find(header);
    if (!pin) return others->Pick(args);
    const auto found = names->find(*pin);
    if (found == names->end()) return strict ? Unknown(*pin) : others->Pick(args);
    const Backend& backend = backends[found->second];
    if (!strict && IsNoUse(backend, args)) return others->Pick(args);
    if (backend.sole != nullptr) return Picked{backend.sole.get(), "its pin"};
    PickResult result = backend.picker->Pick(args);
    if (result.kind() != PickResult::Kind::kFail) return result;
    const absl::Status& why = result.status();
    return Fail{absl::Status(why.code(), Cat("pinned: ", *pin, ": ", why.message()))};
  }
  // Whether a call that only prefers it had better go elsewhere.
  static bool IsNoUse(const Backend& backend, const PickArgs& args) {
    if (backend.state == Connectivity::kTransientFailure) return true;
    return backend.sole != nullptr && args.Tried(backend.sole.get());
  }
  static PickResult Unknown(std::string_view pin) {
    constexpr size_t kShown = 100;  // Somebody else may have written it.
    return Fail{absl::UnavailableError(
        Cat("pinned: the call is for \"", pin.substr(0, kShown), pin.size() > kShown ? "..." : "",
            "\", which is none of the resolver's endpoints; drop the pin to go elsewhere"))};
  }

  std::string header;
  bool strict = false;
  PickerRef others;
  std::shared_ptr<const PinNames> names;
  std::vector<Backend> backends;
};

FactoryRef LazyPickFirstForPins() {
  return std::make_shared<const PolicyFactory>(
      LazyPolicy(std::make_shared<const PolicyFactory>(PickFirstPolicy())));
}

// Has a child of its own for each endpoint, beside the child policy's; it connects when a call
// comes for it, and shares the connection that the child policy may have.
class Pinned final : public Spread {
 public:
  Pinned() : Spread("pinned", LazyPickFirstForPins(), Reconnect::kWhenAsked) {}

  absl::Status OnUpdate(const Update& update, Control& control) override {
    config_ = ConfigAs<PinnedConfig>(update.config);
    if (others_ == nullptr) others_ = std::make_unique<Others>(switch_, *this);
    Update inner = update;
    inner.config = std::make_shared<SwitchConfig>(config_.child);
    absl::Status status = others_->OnUpdate(inner, control);
    inner.endpoints = WithAddresses(update.endpoints);
    names_ = nullptr;
    // Whether first calls are held back is the child's affair.
    if (inner.settings.Get<StartupWait>() != nullptr) inner.settings.Set(StartupWait{.ready = 0});
    const absl::Status pins = Spread::OnUpdate(inner, control);
    return status.ok() ? pins : status;
  }
  void OnResolverError(const absl::Status& why, Control& control) override {
    if (others_ != nullptr) others_->OnResolverError(why, control);
    Spread::OnResolverError(why, control);
  }
  void OnIdleExit(Control& control) override {
    if (others_ != nullptr) others_->OnIdleExit(control);
  }

 private:
  // Its step in metrics is the child's own.
  struct Others final : Seat {
    Others(FactoryRef factory, Pinned& pinned) : Seat(std::move(factory)), parent(pinned) {}
    void OnPublish(Control& up) override { parent.Publish(up); }
    std::string_view label() const override { return ""; }
    Pinned& parent;
  };

  // Calls without a pin decide.
  Connectivity Aggregate() const override { return others_->state(); }
  PickerRef Build(const View& view) override {
    auto picker = std::make_shared<PinPicker>();
    picker->header = config_.header;
    picker->strict = config_.strict;
    picker->others = others_->picker(view);
    picker->names = Names();
    for (const auto& child : children()) {
      const PickerRef& one = child->picker(view);
      picker->backends.push_back({child->state(), one, one->Sole()});
    }
    return picker;
  }
  // A name that two have is the first one's.
  std::shared_ptr<const PinNames> Names() {
    if (names_ != nullptr) return names_;
    auto names = std::make_shared<PinNames>();
    for (uint32_t i = 0; i < children().size(); ++i) {
      const Endpoint& endpoint = children()[i]->endpoint;
      for (const std::string& address : endpoint.addresses) names->emplace(address, i);
      if (!endpoint.hash_key.empty()) names->emplace(endpoint.hash_key, i);
    }
    return names_ = std::move(names);
  }

  const FactoryRef switch_ = std::make_shared<const PolicyFactory>(GracefulSwitchPolicy());
  PinnedConfig config_;
  std::unique_ptr<Others> others_;
  std::shared_ptr<const PinNames> names_;  // Null: to be made anew, of the endpoints of now.
};

}  // namespace

PolicyFactory PinnedPolicy() {
  return {.name = "pinned", .parse = ParseInto<PinnedConfig>, .make = [] {
            return std::make_unique<Pinned>();
          }};
}

}  // namespace rondo

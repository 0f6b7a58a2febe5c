// cluster_impl (A32, A37): drops, and a limit on calls that all channels share.
#include <string>
#include <vector>

#include "balance/one_child.h"
#include "contract/policies.h"
#include "rondo/config.h"

namespace rondo::contract {
namespace {

struct ClusterConfig {
  std::string cluster;
  int64_t max_calls = 1024;
  std::vector<std::pair<std::string, uint32_t>> drops;  // Category, per million.
  ChildConfig child;
  void Read(ConfigReader& r) {
    r.Text("cluster", cluster);
    r.Number("maxConcurrentRequests", max_calls);
    r.List("dropCategories", [&](ConfigReader& d) {
      auto& [category, rate] = drops.emplace_back();
      d.Text("category", category);
      d.Number("requestsPerMillion", rate, 0u, 1000000u);
    });
    r.Child("childPolicy", child);
  }
};

struct LimitPicker final : Picker {
  PickResult Pick(const PickArgs& args) const override {
    if (child_ready) {
      for (const auto& [_, rate] : config.drops) {
        if (args.chance->Below(1000000) >= rate) continue;
        return Drop{absl::UnavailableError("the call is dropped")};
      }
    }
    if (calls->fetch_add(1) >= config.max_calls) {
      calls->fetch_sub(1);
      return Drop{absl::UnavailableError(Cat(config.cluster, ": too many calls at once"))};
    }
    PickResult r = child->Pick(args);
    if (r.picked())
      r.Tell(this, 0);
    else
      calls->fetch_sub(1);
    return r;
  }
  void OnDone(uint64_t, const CallEnd&) const override { calls->fetch_sub(1); }
  ClusterConfig config;
  PickerRef child;
  bool child_ready = false;
  std::shared_ptr<Gauge> calls;
};

class ClusterImpl final : public OneChild {
 public:
  absl::Status OnUpdate(const Update& update, Control& control) override {
    config_ = ConfigAs<ClusterConfig>(update.config);
    calls_ = control.Shared(Cat("calls/", config_.cluster));
    absl::Status s = Pass(update, config_.child, control);
    OnChild(*seat_, control);  // The config may have changed where the child hasn't.
    return s;
  }

 private:
  PickerRef Wrap(PickerRef child) override {
    auto picker = std::make_shared<LimitPicker>();
    picker->config = config_;
    picker->child = std::move(child);
    picker->child_ready = seat_->state() == Connectivity::kReady;
    picker->calls = calls_;
    return picker;
  }
  ClusterConfig config_;
  std::shared_ptr<Gauge> calls_;
};

}  // namespace

PolicyFactory ClusterImplPolicy() {
  return {.name = "cluster_impl",
          .parse = ParseInto<ClusterConfig>,
          .make = [] { return std::make_unique<ClusterImpl>(); },
          .watches = 1};
}

}  // namespace rondo::contract

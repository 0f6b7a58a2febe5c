// circuit_breaking (A32, A37: what gRPC's xds_cluster_impl does to calls): drops a share of the
// calls by category, and those beyond a number in flight.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "balance/builtin.h"
#include "balance/one_child.h"
#include "base/text.h"

namespace rondo {
namespace {

struct CircuitBreakingConfig {
  struct Category {
    std::string name;
    uint32_t per_million = 0;
  };
  static constexpr size_t kMostCategories = 100;
  static constexpr uint32_t kMillion = 1'000'000;

  std::string cluster;
  uint32_t most = 1024;  // A32
  std::vector<Category> categories;
  ChildConfig child;

  void Read(ConfigReader& r) {
    r.Text("cluster", cluster);
    r.Number("maxConcurrentRequests", most);
    r.List("dropCategories", [&](ConfigReader& c) {
      Category& category = categories.emplace_back();
      c.Need("category");
      c.Text("category", category.name);
      c.Need("requestsPerMillion");
      c.Number("requestsPerMillion", category.per_million, 0u, kMillion);
    });
    if (categories.size() > kMostCategories) {
      r.Bad("dropCategories", Cat("has ", categories.size(), " categories; at most ",
                                  kMostCategories, " are allowed"));
    }
    r.Child("childPolicy", child);
  }
};

// A reason to drop calls. Counts them until the policy tells.
struct DropReason {
  std::string category;  // Empty: too many are in flight.
  uint64_t up_to = 0;    // Of 2^32: a draw below it is dropped by this reason or one before it.
  absl::Status status;
  mutable std::atomic<uint64_t> dropped{0};
};

// Of one config: what its pickers share.
struct Breaker {
  Breaker(const CircuitBreakingConfig& config, std::shared_ptr<Gauge> calls, NudgeRef nudge);
  // Of the categories, by one draw for all; null: none.
  const DropReason* Drawn(Chance& chance) const {
    if (drops.empty()) return nullptr;
    const uint64_t drawn = chance.Next() >> 32;
    if (drawn >= drops.back().up_to) return nullptr;
    return &*std::partition_point(drops.begin(), drops.end(),
                                  [&](const DropReason& r) { return r.up_to <= drawn; });
  }
  // Exact: a call that finds no place doesn't take one even for a moment.
  bool Enter() const {
    int64_t n = in_flight->load(std::memory_order_relaxed);
    while (n < most) {
      if (in_flight->compare_exchange_weak(n, n + 1, std::memory_order_relaxed)) return true;
    }
    return false;
  }
  void Leave() const { in_flight->fetch_sub(1, std::memory_order_relaxed); }
  PickResult By(const DropReason& reason, const PickArgs& args) const {
    reason.dropped.fetch_add(1, std::memory_order_relaxed);
    args.Raise(news);
    return Drop{reason.status};
  }

  const int64_t most;
  std::vector<DropReason> drops;
  DropReason full;
  const std::shared_ptr<Gauge> in_flight;
  const NudgeRef news;
};

Breaker::Breaker(const CircuitBreakingConfig& config, std::shared_ptr<Gauge> calls, NudgeRef nudge)
    : most(config.most),
      drops(config.categories.size()),
      in_flight(std::move(calls)),
      news(std::move(nudge)) {
  double kept = 1;  // The share that no category before has dropped.
  for (size_t i = 0; i < drops.size(); ++i) {
    const auto& category = config.categories[i];
    kept *= 1 - static_cast<double>(category.per_million) / CircuitBreakingConfig::kMillion;
    drops[i].category = category.name;
    drops[i].up_to = static_cast<uint64_t>(std::llround((1 - kept) * 0x1p32));
    drops[i].status = absl::UnavailableError(
        Cat("circuit_breaking: the call is dropped by category ", category.name, ", as ",
            category.per_million, " of a million are"));
  }
  full.status = absl::UnavailableError(Cat(
      "circuit_breaking: the call is dropped, for ", most,
      " are in flight, the most that maxConcurrentRequests allows; allow more, or send fewer at "
      "once"));
}

struct BreakerPicker final : Picker {
  BreakerPicker(std::shared_ptr<const Breaker> b, PickerRef c, bool r)
      : breaker(std::move(b)), child(std::move(c)), ready(r) {}
  // A32: in this order, and categories only while there is somebody to call.
  PickResult Pick(const PickArgs& args) const override {
    if (ready) {
      if (const DropReason* reason = breaker->Drawn(*args.chance)) {
        return breaker->By(*reason, args);
      }
    }
    if (!breaker->Enter()) return breaker->By(breaker->full, args);
    PickResult r = child->Pick(args);
    if (r.picked()) {
      r.Tell(this, 0);
    } else {
      breaker->Leave();
    }
    return r;
  }
  void OnDone(uint64_t, const CallEnd&) const override { breaker->Leave(); }

  const std::shared_ptr<const Breaker> breaker;
  const PickerRef child;
  const bool ready;
};

class CircuitBreaking final : public OneChild {
 public:
  absl::Status OnUpdate(const Update& update, Control& control) override;

 private:
  PickerRef Wrap(PickerRef child) override {
    return std::make_shared<BreakerPicker>(breaker_, std::move(child),
                                           seat_->state() == Connectivity::kReady);
  }
  void Tell(Control& control);

  std::shared_ptr<const Breaker> breaker_;
  std::string cluster_;
  std::unique_ptr<NudgeHandle> nudge_;
};

absl::Status CircuitBreaking::OnUpdate(const Update& update, Control& control) {
  const auto& config = ConfigAs<CircuitBreakingConfig>(update.config);
  if (nudge_ == nullptr) nudge_ = control.OnNudge([this](Control& c) { Tell(c); });
  // Calls in flight leave where they entered, so a count that goes on is the same one.
  std::shared_ptr<Gauge> calls;
  if (breaker_ != nullptr && config.cluster == cluster_) {
    calls = breaker_->in_flight;
  } else if (config.cluster.empty()) {
    calls = std::make_shared<Gauge>(0);
  } else {
    calls = control.Shared(Cat("circuit_breaking/", config.cluster));
  }
  Tell(control);
  cluster_ = config.cluster;
  breaker_ = std::make_shared<const Breaker>(config, std::move(calls), nudge_->Ref());
  absl::Status status = Pass(update, config.child, control);
  OnChild(*seat_, control);  // The child may have had nothing to say, but the limits are new.
  return status;
}

void CircuitBreaking::Tell(Control& control) {
  if (breaker_ == nullptr) return;
  const auto tell = [&](const DropReason& reason) {
    const uint64_t n = reason.dropped.exchange(0, std::memory_order_relaxed);
    if (n == 0) return;
    const MetricPoint::Label label{"rondo.lb.drop_category", reason.category};
    control.Metric({.name = "rondo.lb.circuit_breaking.drops",
                    .value = static_cast<double>(n),
                    .labels = std::span(&label, 1)});
  };
  for (const DropReason& reason : breaker_->drops) tell(reason);
  tell(breaker_->full);
}

}  // namespace

PolicyFactory CircuitBreakingPolicy() {
  return {.name = "circuit_breaking",
          .parse = ParseInto<CircuitBreakingConfig>,
          .make = [] { return std::make_unique<CircuitBreaking>(); },
          .watches = 1};
}

}  // namespace rondo

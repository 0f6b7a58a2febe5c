// p2c_ewma: of two backends drawn by chance the one with the lower peak latency times calls in
// flight (Finagle's and Linkerd's default), and failures count as slow answers.
#include <algorithm>
#include <limits>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "balance/builtin.h"
#include "balance/load/is_failure.h"
#include "balance/load/peak_ewma.h"
#include "balance/seconds_within.h"
#include "balance/select/best_of.h"
#include "rondo/policy.h"

namespace rondo {
namespace {

constexpr uint32_t kMostAtAll = 10, kCompareAll = 8;
constexpr Duration kWorst = std::chrono::seconds(30);  // No failure counts as slower.

struct P2cEwmaConfig {
  uint32_t choices = 2;
  Duration decay = std::chrono::seconds(10), failure_penalty = std::chrono::seconds(1);

  void Read(ConfigReader& r) {
    r.Number("choiceCount", choices, 2u);
    choices = std::min(choices, kMostAtAll);
    SecondsWithin(r, "decayTime", decay, std::chrono::milliseconds(1), std::chrono::hours(1));
    SecondsWithin(r, "failurePenalty", failure_penalty, Duration{}, kWorst);
  }
};

// Lives as long as any picker or the policy knows its backend.
using EwmaRef = std::shared_ptr<PeakEwma>;

struct EwmaPicker final : Picker {
  PickResult Pick(const PickArgs& args) const override {
    const auto n = static_cast<uint32_t>(all.size());
    const auto cost = [&](uint32_t i) { return Cost(i, args.now); };
    uint32_t best;
    if (n <= kCompareAll) {  // From anywhere on, so that equals share.
      uint32_t next = args.chance->Below(n);
      best = BestOf(n, [&] { return next = next + 1 < n ? next + 1 : 0; }, cost);
    } else {
      best = BestOf(std::min(config.choices, n), DifferentDraws(n, *args.chance), cost);
    }
    if (!args.tried.empty()) best = Untried(best, all, args);
    PickResult result = Picked{all[best], "low latency and load"};
    result.Tell(this, best);
    return result;
  }
  // One of which nothing is known yet gets one call, and no second before the first has ended.
  float Cost(uint32_t i, Time now) const {
    constexpr float kUnknown = 1e15f;  // Nanoseconds: more than any latency.
    const auto in_flight = static_cast<float>(all[i]->load.in_flight());
    const float latency = ewmas[i]->At(now, config.decay);
    if (latency == 0) return in_flight == 0 ? 0 : kUnknown * (in_flight + 1) * inverse[i];
    return latency * (in_flight + 1) * inverse[i];
  }
  void OnDone(uint64_t token, const CallEnd& end) const override {
    PeakEwma& ewma = *ewmas[token];
    Duration sample = end.latency;
    if (IsFailure(end.status.code())) {
      const Duration twice(static_cast<int64_t>(2 * ewma.At(end.now, config.decay)));
      sample = std::max(sample, std::min(kWorst, std::max(twice, config.failure_penalty)));
    } else if (end.status.code() == absl::StatusCode::kCancelled &&
               static_cast<float>(sample.count()) <= ewma.At(end.now, config.decay)) {
      return;  // Its caller gave up early, which says nothing.
    }
    ewma.Observe(sample, end.now, config.decay);
  }

  P2cEwmaConfig config;
  ReadySet ready;  // Holds what `all` points to.
  std::vector<const Subchannel*> all;
  std::vector<EwmaRef> ewmas;
  std::vector<float> inverse;  // 1 / weight.
};

class P2cEwma final : public ShortForm {
 public:
  PickerRef Build(const ConfigRef& config, const ReadySet& ready, const View&) override {
    auto picker = std::make_shared<EwmaPicker>();
    picker->config = ConfigAs<P2cEwmaConfig>(config);
    picker->ready = ready;
    std::unordered_map<SubchannelRef, EwmaRef> kept;
    for (const Ready& r : ready) {
      auto known = ewmas_.find(r.subchannel);
      EwmaRef ewma = known == ewmas_.end() ? std::make_shared<PeakEwma>() : known->second;
      picker->all.push_back(r.subchannel.get());
      picker->ewmas.push_back(ewma);
      picker->inverse.push_back(1 / static_cast<float>(std::max(r.endpoint.weight, 1u)));
      kept.emplace(r.subchannel, std::move(ewma));
    }
    ewmas_ = std::move(kept);  // Of those that are ready: another begins anew.
    return picker;
  }

 private:
  std::unordered_map<SubchannelRef, EwmaRef> ewmas_;
};

}  // namespace

PolicyFactory P2cEwmaPolicy() {
  return FromShortForm(
      {.name = "p2c_ewma", .parse = ParseInto<P2cEwmaConfig>, .make = {}, .watches = 1},
      [] { return std::make_unique<P2cEwma>(); });
}

}  // namespace rondo

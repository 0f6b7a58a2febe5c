// locality_aware (brpc's `la`): calls go where they are answered soonest, in proportion to the
// calls that a backend answers in a second, divided by how long it takes.
#include <algorithm>
#include <chrono>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "balance/builtin.h"
#include "balance/load/is_failure.h"
#include "balance/load/throughput.h"
#include "balance/seconds_within.h"
#include "balance/select/best_of.h"
#include "balance/select/draw.h"
#include "rondo/policy.h"

namespace rondo {
namespace {

constexpr Duration kWorstFailure = std::chrono::seconds(30);  // No failure counts as slower.
constexpr double kPatience = 1.5;          // Latencies after which silence counts; as brpc's.
constexpr double kFailureAsLatency = 1.2;  // How a failure compares with an answer; as brpc's.

struct LocalityAwareConfig {
  double least_share = 0.01;
  Duration failure_penalty = std::chrono::seconds(1);
  Duration update = std::chrono::milliseconds(100);

  void Read(ConfigReader& r) {
    r.Number("minShare", least_share, 0.0, 1.0);
    SecondsWithin(r, "failurePenalty", failure_penalty, Duration{}, kWorstFailure);
    SecondsWithin(r, "updatePeriod", update, std::chrono::milliseconds(10),
                  std::chrono::minutes(1));
  }
};

struct LocalityPicker final : Picker {
  struct Backend {
    std::shared_ptr<CallTally> tally;
    double latency;  // Nanoseconds, the mean; 0: nothing is known of anybody.
  };
  PickResult Pick(const PickArgs& args) const override {
    uint32_t at = Accepted(args);
    if (!args.tried.empty()) at = Untried(at, all, args);
    if (all[at]->load.in_flight() == 0) backends[at].tally->Heard(args.now);
    PickResult result = Picked{all[at], "quick answers"};
    result.Tell(this, at);
    return result;
  }
  // What has been silent for too long is taken more rarely than its weight says. brpc keeps the sum
  // of the starts of the calls in flight for that, which a pick that comes to nothing would spoil.
  uint32_t Accepted(const PickArgs& args) const {
    constexpr int kDraws = 8;
    uint32_t best = 0;
    double kept = -1;
    for (int i = 0; i < kDraws; ++i) {
      const uint32_t drawn = draw(*args.chance);
      const double keeps = Keeps(drawn, args.now);
      if (keeps >= 1 || args.chance->Below(1 << 24) < keeps * (1 << 24)) return drawn;
      if (keeps <= kept) continue;
      best = drawn;
      kept = keeps;
    }
    return best;
  }
  // Of its weight.
  double Keeps(uint32_t i, Time now) const {
    const double patience = kPatience * backends[i].latency;
    if (patience == 0 || all[i]->load.in_flight() == 0) return 1;
    const auto silence = static_cast<double>(backends[i].tally->Silence(now).count());
    return silence <= patience ? 1 : patience / silence;
  }
  void OnDone(uint64_t token, const CallEnd& end) const override {
    if (!end.started) return;
    const Backend& backend = backends[token];
    if (IsFailure(end.status.code())) {
      const Duration least(static_cast<int64_t>(kFailureAsLatency * backend.latency));
      backend.tally->Failed(
          std::min(kWorstFailure, std::max({end.latency, least, config.failure_penalty})), end.now);
    } else if (end.status.code() == absl::StatusCode::kCancelled) {
      // Its caller gave up, which says at most that it wasn't quick.
      if (static_cast<double>(end.latency.count()) > backend.latency) {
        backend.tally->Failed(end.latency, end.now);
      }
    } else {
      backend.tally->Answered(end.latency, end.now);
    }
  }

  LocalityAwareConfig config;
  ReadySet ready;  // Holds what `all` points to.
  std::vector<const Subchannel*> all;
  std::vector<Backend> backends;
  Draw draw;
};

class LocalityAware final : public ShortForm {
 public:
  PickerRef Build(const ConfigRef& config, const ReadySet& ready, const View& view) override {
    auto picker = std::make_shared<LocalityPicker>();
    picker->config = ConfigAs<LocalityAwareConfig>(config);
    picker->ready = ready;
    const std::vector<const Known*> known = Learn(ready, view.now);
    const Mean mean = MeanOf(known);
    std::vector<double> weights;
    for (size_t i = 0; i < ready.size(); ++i) {
      const Throughput& t = known[i]->throughput;
      const double latency = t.knows_latency() ? t.latency() : mean.latency;
      const double rate = t.knows_rate() ? t.rate() : mean.rate;
      const double weight = t.knows_latency() ? rate / latency : mean.weight;
      weights.push_back(weight * std::max(ready[i].endpoint.weight, 1u));
      picker->all.push_back(ready[i].subchannel.get());
      picker->backends.push_back({known[i]->tally, latency});
    }
    picker->draw = Draw(Whole(std::move(weights), picker->config.least_share));
    return picker;
  }
  Duration Refresh(const ConfigRef& config) override {
    return ConfigAs<LocalityAwareConfig>(config).update;
  }

 private:
  // Of a backend while it is ready. The tally lives as long as any picker that knows it.
  struct Known {
    std::shared_ptr<CallTally> tally;
    Throughput throughput;
  };
  struct Mean {
    double latency = 0, rate = 1, weight = 1;  // Of those of whom it is known.
  };

  // Takes in what happened since the last time. In the order of `ready`; another begins anew.
  std::vector<const Known*> Learn(const ReadySet& ready, Time now) {
    std::unordered_map<SubchannelRef, Known> kept;
    std::vector<const Known*> all;
    for (const Ready& r : ready) {
      auto known = known_.find(r.subchannel);
      auto [it, fresh] =
          known == known_.end()
              ? kept.emplace(r.subchannel, Known{std::make_shared<CallTally>(), Throughput(now)})
              : kept.emplace(r.subchannel, std::move(known->second));
      if (!fresh) {  // A second endpoint with one backend.
        all.push_back(&it->second);
        continue;
      }
      if (known == known_.end()) {
        it->second.tally->Heard(now);  // Calls of before, such as streams, may be in flight.
      } else {
        known_.erase(known);
      }
      it->second.throughput.Take(it->second.tally->Get(), now);
      all.push_back(&it->second);
    }
    known_ = std::move(kept);  // The nodes stay where they are.
    return all;
  }
  static Mean MeanOf(const std::vector<const Known*>& known) {
    double latency = 0, rate = 0, weight = 0;
    int latencies = 0, rates = 0;
    for (const Known* k : known) {
      const Throughput& t = k->throughput;
      if (t.knows_latency()) latency += t.latency(), ++latencies;
      if (t.knows_rate()) rate += t.rate(), weight += t.rate() / t.latency(), ++rates;
    }
    Mean mean;
    if (latencies > 0) mean.latency = latency / latencies;
    if (rates > 0) mean.rate = rate / rates;
    mean.weight = rates > 0 ? weight / rates : latencies > 0 ? mean.rate / mean.latency : 1;
    return mean;
  }
  // As whole numbers, none below `least` of the mean.
  static std::vector<uint32_t> Whole(std::vector<double> weights, double least) {
    constexpr double kLargest = 1e9;
    double sum = 0, most = 0;
    for (double w : weights) sum += w;
    for (double& w : weights) {
      w = std::max(w, least * sum / static_cast<double>(weights.size()));
      most = std::max(most, w);
    }
    std::vector<uint32_t> whole;
    for (double w : weights) {
      whole.push_back(most > 0 ? std::max(1u, static_cast<uint32_t>(w / most * kLargest)) : 1u);
    }
    return whole;
  }

  std::unordered_map<SubchannelRef, Known> known_;
};

}  // namespace

PolicyFactory LocalityAwarePolicy() {
  return FromShortForm(
      {.name = "locality_aware", .parse = ParseInto<LocalityAwareConfig>, .make = {}, .watches = 1},
      [] { return std::make_unique<LocalityAware>(); });
}

}  // namespace rondo

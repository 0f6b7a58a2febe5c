// weighted_round_robin (A58): weights from load reports, with each call or out of band.
#include <algorithm>
#include <cmath>
#include <map>

#include "balance/builtin.h"
#include "balance/spread.h"
#include "balance/turns.h"
#include "contract/policies.h"
#include "rondo/config.h"

namespace rondo::contract {
namespace {

struct Config {
  bool oob = false;
  double penalty = 1;
  Duration period = std::chrono::seconds(10), blackout = std::chrono::seconds(10);
  Duration expiration = std::chrono::minutes(3), update = std::chrono::seconds(1);
  void Read(ConfigReader& r) {
    r.Bool("enableOobLoadReport", oob);
    r.Seconds("oobReportingPeriod", period);
    r.Seconds("blackoutPeriod", blackout);
    r.Seconds("weightExpirationPeriod", expiration);
    r.Seconds("weightUpdatePeriod", update);
    r.Number("errorUtilizationPenalty", penalty);
    update = std::max<Duration>(update, std::chrono::milliseconds(100));
  }
};

// Largest 65535; empty: plain turns. Weights are held within 1/100 and 10 times their mean.
std::vector<uint16_t> StrideWeights(const std::vector<double>& weights) {
  double sum = 0, max = 0;
  int some = 0;
  for (double w : weights) {
    if (w > 0) sum += w, ++some;
  }
  if (some < 2) return {};
  const double mean = sum / some;
  for (double w : weights) max = std::max(max, std::min(w, 10 * mean));
  std::vector<uint16_t> out;
  for (double w : weights) {
    const double capped = std::clamp(w > 0 ? w : mean, mean / 100, 10 * mean);
    out.push_back(static_cast<uint16_t>(std::max(1.0, std::round(capped * 65535 / max))));
  }
  return out;
}

struct StridePicker final : Picker {
  PickResult Pick(const PickArgs& args) const override {
    const uint64_t n = ready.size();
    for (;;) {
      const uint32_t seq = turns->Next(args.shard);
      const uint32_t i = seq % static_cast<uint32_t>(n);
      const uint64_t w = weight.empty() ? 65535 : weight[i];
      if ((w * (seq / n) + i * uint64_t{32767}) % 65535 >= 65535 - w) return Picked{ready[i].get()};
    }
  }
  std::vector<SubchannelRef> ready;
  std::vector<uint16_t> weight;
  std::shared_ptr<const Turns> turns;
};

class WeightedRoundRobin final : public Spread {
 public:
  WeightedRoundRobin()
      : Spread("weighted_round_robin", std::make_shared<const PolicyFactory>(PickFirstPolicy()),
               Reconnect::kAtOnce) {}

 private:
  struct Source {  // Of one child that is ready.
    SubchannelRef subchannel;
    std::unique_ptr<SubchannelHandle> listener;  // A second handle: only to ask for reports.
    Time since{}, last{};
    double weight = 0;
  };
  void OnConfig(const ConfigRef& config, Control& control) override {
    config_ = ConfigAs<Config>(config);
    if (turns_ == nullptr) turns_ = std::make_shared<Turns>(control.Shards());
    Arm(control);
    for (auto& [_, s] : sources_) Listen(s, control);
  }
  void Arm(Control& control) {
    timer_ = control.After(config_.update, [this](Control& c) {
      Arm(c);
      if (Aggregate() == Connectivity::kReady) Publish(c);
    });
  }
  void Listen(Source& s, Control& control) {
    s.listener = nullptr;
    if (!config_.oob) return;
    s.listener = control.Open({.address = s.subchannel->address, .report_period = config_.period},
                              [](const SubchannelState&, Control&) {});
  }
  void OnChange(Child& child, Connectivity, Control& control) override {
    if (child.state() != Connectivity::kReady) {
      sources_.erase(&child);
      return;
    }
    Chance unused(0);
    SubchannelRef now = child.picker({control.Now(), control.Shards(), unused})->Sole();
    Source& s = sources_[&child];
    if (s.subchannel == now) return;
    s = Source();
    s.subchannel = std::move(now);
    Listen(s, control);
  }
  void OnGone(Child& child) override { sources_.erase(&child); }
  double Weight(Source& s, Time ready_since, Time now) {
    const auto from = config_.oob ? ReportSource::kOutOfBand : ReportSource::kPerCall;
    const LoadReport r = s.subchannel->load.Report(from);
    const double use = r.application > 0 ? r.application : r.cpu;
    if (use > 0 && r.qps > 0 && r.at >= ready_since && r.at > s.last) {
      if (s.since == Time{}) s.since = r.at;
      s.last = r.at;
      s.weight = r.qps / (use + r.eps / r.qps * config_.penalty);
    }
    if (s.last == Time{}) return 0;
    if (now - s.last >= config_.expiration) return s.since = Time{}, 0;
    if (config_.blackout > Duration{} && now - s.since < config_.blackout) return 0;
    return s.weight;
  }
  PickerRef Build(const View& view) override {
    if (Aggregate() != Connectivity::kReady) return Spread::Build(view);
    auto picker = std::make_shared<StridePicker>();
    std::vector<double> weights;
    for (auto& c : children()) {
      auto it = sources_.find(c.get());
      if (it == sources_.end()) continue;
      picker->ready.push_back(it->second.subchannel);
      weights.push_back(Weight(it->second, c->ready_since, view.now));
    }
    picker->turns = turns_;
    picker->weight = StrideWeights(weights);
    return picker;
  }

  Config config_;
  std::map<Child*, Source> sources_;
  std::shared_ptr<const Turns> turns_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace

PolicyFactory WeightedRoundRobinPolicy() {
  return {.name = "weighted_round_robin", .parse = ParseInto<Config>, .make = [] {
            return std::make_unique<WeightedRoundRobin>();
          }};
}

}  // namespace rondo::contract

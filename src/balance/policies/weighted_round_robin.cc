// weighted_round_robin (A58, A114): turns by weight, which servers' load reports tell.
#include <algorithm>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "balance/builtin.h"
#include "balance/load/reported_weight.h"
#include "balance/select/best_of.h"
#include "balance/select/stride.h"
#include "balance/select/weighted_turns.h"
#include "balance/spread.h"
#include "balance/turns.h"
#include "base/text.h"
#include "rondo/config.h"

namespace rondo {
namespace {

// Of the histogram of weights: A78 leaves them open.
constexpr double kWeightBounds[] = {0,   1,    2,    5,    10,    20,    50,    100,   200,
                                    500, 1000, 2000, 5000, 10000, 20000, 50000, 100000};

struct WeightedRoundRobinConfig {
  bool out_of_band = false;
  double penalty = 1;
  Duration period = std::chrono::seconds(10), update = std::chrono::seconds(1);
  ReportedWeight::Limits limits{.blackout = std::chrono::seconds(10),
                                .expiration = std::chrono::minutes(3)};
  UtilizationMetrics metrics;

  void Read(ConfigReader& r) {
    r.Bool("enableOobLoadReport", out_of_band);
    r.Seconds("oobReportingPeriod", period);
    r.Seconds("blackoutPeriod", limits.blackout);
    r.Seconds("weightExpirationPeriod", limits.expiration);
    r.Seconds("weightUpdatePeriod", update);
    update = std::clamp<Duration>(update, std::chrono::milliseconds(100), std::chrono::hours(24));
    // 0 is proto3's way to say nothing.
    if (period == Duration{}) period = std::chrono::seconds(10);
    r.Number("errorUtilizationPenalty", penalty);
    ReadMetrics(r);
  }
  void ReadMetrics(ConfigReader& r) {
    constexpr std::string_view kField = "metricNamesForComputingUtilization";
    std::vector<std::string> names;
    r.Texts(kField, names);
    for (const std::string& name : names) {
      if (name == "application_utilization") {
        metrics.standard.push_back(Utilization::kApplication);
      } else if (name == "cpu_utilization") {
        metrics.standard.push_back(Utilization::kCpu);
      } else if (name == "mem_utilization") {
        metrics.standard.push_back(Utilization::kMemory);
      } else if (IsNamed(name, "utilization.") || IsNamed(name, "named_metrics.")) {
        metrics.named.push_back(name);
      } else {
        r.Bad(kField, Cat("\"", name,
                          "\" can't be read; what can: application_utilization, cpu_utilization, "
                          "mem_utilization, utilization.KEY, named_metrics.KEY"));
      }
    }
  }
  static bool IsNamed(std::string_view name, std::string_view map) {
    return name.starts_with(map) && name.size() > map.size();
  }
};

struct WeightedPicker final : Picker {
  PickResult Pick(const PickArgs& args) const override {
    uint32_t i = plain ? turns->Next(args.shard) % static_cast<uint32_t>(all.size())
                       : by_weight->Next(*turns, args);
    if (!args.tried.empty()) i = Untried(i, all, args);
    return Picked{all[i], plain ? "its turn" : "its turn by weight"};
  }
  bool plain = true;
  ReadySet ready;  // Holds what `all` points to.
  std::vector<const Subchannel*> all;
  std::unique_ptr<const WeightedTurns> by_weight;
  std::shared_ptr<const Turns> turns;
};

class WeightedRoundRobin final : public Spread {
 public:
  WeightedRoundRobin()
      : Spread("weighted_round_robin", std::make_shared<const PolicyFactory>(PickFirstPolicy()),
               Reconnect::kAtOnce) {}

 private:
  // Of a child since it got ready.
  struct Source {
    SubchannelRef subchannel;
    std::unique_ptr<SubchannelHandle> listener;  // A second handle, only to ask for reports.
    ReportedWeight weight;
  };
  // Of the pickers that were built since the last tick.
  struct Counts {
    double fallback = 0, not_yet = 0, stale = 0;
    std::vector<double> weights;  // Of the last one, as reported; 0: can't be used.
  };

  void OnConfig(const ConfigRef& config, Control& control) override;
  void OnChange(Child& child, Connectivity before, Control& control) override;
  void OnGone(Child& child) override { sources_.erase(&child); }
  void Arm(Control& control);
  void Listen(const Child& child, Source& source, Control& control);
  void Tell(Control& control);
  double Weight(Source& source, Time ready_since, Time now);
  std::vector<double> Weights(const ReadySet& ready, Time now);
  PickerRef Build(const View& view) override;

  WeightedRoundRobinConfig config_;
  std::unordered_map<const Child*, Source> sources_;
  std::shared_ptr<const Turns> turns_;
  Counts counts_;
  std::unique_ptr<Timer> timer_;
};

// ---- Reports -----------------------------------------------------------------------------------

void WeightedRoundRobin::OnConfig(const ConfigRef& config, Control& control) {
  const auto& fresh = ConfigAs<WeightedRoundRobinConfig>(config);
  const bool listen = fresh.out_of_band != config_.out_of_band || fresh.period != config_.period;
  config_ = fresh;
  if (turns_ == nullptr) {
    // So that the clients of a fleet, and the shards of one, don't go in step.
    turns_ = std::make_shared<const Turns>(control.Shards());
    for (uint32_t s = 0; s < control.Shards(); ++s) {
      turns_->Set(s, static_cast<uint32_t>(control.Random(UINT32_MAX)));
    }
  }
  Arm(control);
  for (const auto& child : children()) {
    auto source = sources_.find(child.get());
    if (listen && source != sources_.end()) Listen(*child, source->second, control);
  }
}

void WeightedRoundRobin::Arm(Control& control) {
  timer_ = control.After(config_.update, [this](Control& c) {
    Arm(c);
    Tell(c);
    if (Aggregate() == Connectivity::kReady) Publish(c);
  });
}

void WeightedRoundRobin::OnChange(Child& child, Connectivity before, Control& control) {
  if (child.state() != Connectivity::kReady) {
    sources_.erase(&child);
    return;
  }
  SubchannelRef now = SoleOf(child, control);
  if (now == nullptr) return;
  Source& source = sources_[&child];
  if (before == Connectivity::kReady && source.subchannel == now) return;
  source = Source();
  source.subchannel = std::move(now);
  Listen(child, source, control);
}

void WeightedRoundRobin::Listen(const Child& child, Source& source, Control& control) {
  source.listener = nullptr;
  if (!config_.out_of_band) return;
  source.listener = control.Open({.address = source.subchannel->address,
                                  .report_period = config_.period,
                                  .transport = &child.endpoint.transport},
                                 [](const SubchannelState&, Control&) {});
}

void WeightedRoundRobin::Tell(Control& control) {
  const auto tell = [&](std::string_view name, double n) {
    if (n > 0) control.Metric({.name = name, .value = n});
  };
  tell("grpc.lb.wrr.rr_fallback", counts_.fallback);
  tell("grpc.lb.wrr.endpoint_weight_not_yet_usable", counts_.not_yet);
  tell("grpc.lb.wrr.endpoint_weight_stale", counts_.stale);
  if (!counts_.weights.empty()) {
    control.Metric({.name = "grpc.lb.wrr.endpoint_weights",
                    .samples = counts_.weights,
                    .bounds = kWeightBounds});
  }
  counts_ = {};
}

// ---- Weights -----------------------------------------------------------------------------------

double WeightedRoundRobin::Weight(Source& source, Time ready_since, Time now) {
  const auto from = config_.out_of_band ? ReportSource::kOutOfBand : ReportSource::kPerCall;
  LoadReport report = source.subchannel->load.Report(from);
  // Perhaps already those of a newer report: its other figures count next time.
  if (!config_.metrics.named.empty()) report.named = source.subchannel->load.Named(from);
  if (report.at >= ready_since) {
    source.weight.Take(WeightOf(report, config_.metrics, config_.penalty), report.at);
  }
  auto use = ReportedWeight::Use::kUsable;
  const double weight = source.weight.At(now, config_.limits, use);
  if (use == ReportedWeight::Use::kNotYet) ++counts_.not_yet;
  if (use == ReportedWeight::Use::kStale) ++counts_.stale;
  return weight;
}

// Reported weights times those of the endpoints.
std::vector<double> WeightedRoundRobin::Weights(const ReadySet& ready, Time now) {
  // By what is ready: suspect children may have been left out.
  std::unordered_map<const Subchannel*, Source*> by_subchannel;
  for (auto& [child, source] : sources_) by_subchannel[source.subchannel.get()] = &source;
  std::vector<double> reported;
  for (const Ready& r : ready) {
    auto source = by_subchannel.find(r.subchannel.get());
    reported.push_back(source == by_subchannel.end() ? 0 : Weight(*source->second, r.since, now));
  }
  std::vector<double> weights = FillIn(reported);
  counts_.weights = std::move(reported);
  if (weights.size() != ready.size()) {
    ++counts_.fallback;
    weights.assign(ready.size(), 1);
  }
  for (size_t i = 0; i < weights.size(); ++i) weights[i] *= std::max(ready[i].endpoint.weight, 1u);
  return weights;
}

PickerRef WeightedRoundRobin::Build(const View& view) {
  if (Aggregate() != Connectivity::kReady) return Spread::Build(view);
  auto picker = std::make_shared<WeightedPicker>();
  picker->ready = ReadyChildren(view);
  for (const Ready& r : picker->ready) picker->all.push_back(r.subchannel.get());
  if (picker->all.empty()) return QueuePicker()(view);
  picker->turns = turns_;
  picker->by_weight = std::make_unique<const WeightedTurns>(Weights(picker->ready, view.now));
  picker->plain = picker->by_weight->even();
  return picker;
}

}  // namespace

PolicyFactory WeightedRoundRobinPolicy() {
  return {.name = "weighted_round_robin",
          .parse = ParseInto<WeightedRoundRobinConfig>,
          .make = [] { return std::make_unique<WeightedRoundRobin>(); },
          .call_reports = true};
}

}  // namespace rondo

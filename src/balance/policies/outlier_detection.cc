// outlier_detection (A50, A61, A91): takes backends that fail more than others out of use for a
// while. It counts from load cells and ejects through the health of subchannels, so that a pick
// costs nothing more.
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "balance/builtin.h"
#include "balance/one_child.h"
#include "balance/policies/outlier_detection_config.h"
#include "balance/tap_handle.h"
#include "base/text.h"

namespace rondo {
namespace {

class OutlierDetection final : public OneChild {
 public:
  OutlierDetection() = default;
  ~OutlierDetection() override { seat_ = nullptr; }  // Its taps refer to what is here.
  absl::Status OnUpdate(const Update& update, Control& control) override;

 private:
  struct Tap;
  struct TapSeat;
  using Key = std::vector<std::string>;  // Sorted addresses: an endpoint's identity.
  // An endpoint.
  struct Host {
    uint64_t good = 0, bad = 0;   // Calls that ended in the last interval.
    std::optional<Time> ejected;  // Since when.
    int times = 0;                // Ejections, less the intervals since without one.
    double rate() const { return static_cast<double>(good) / static_cast<double>(good + bad); }
  };
  // What a subchannel had counted by the last interval. Kept until the next one if it closes.
  struct Counted {
    SubchannelRef subchannel;
    uint64_t good = 0, bad = 0;
    int taps = 0;
  };
  struct Method {
    std::string_view name;
    uint32_t enforcement;
  };

  std::unique_ptr<Seat> MakeSeat() override;

  // ---- Endpoints
  void TakeHosts(const std::vector<Endpoint>& endpoints);
  Host* HostOf(const std::string& address);
  bool Ejected(const std::string& address);
  void TellAll(Control& control);

  // ---- The interval
  void StartOrStop(Control& control);
  void Arm(Duration delay, Control& control);
  void Judge(Control& control);
  void Count();
  std::vector<Host*> Candidates(uint32_t request_volume, uint32_t minimum_hosts);
  void JudgeSuccessRates(Control& control);
  void JudgeFailurePercentages(Control& control);
  void Eject(Host& host, const Method& method, Control& control);
  void Recover(Time now);

  OutlierDetectionConfig config_;
  std::map<Key, Host> hosts_;
  std::unordered_map<std::string, Host*> by_address_;
  std::set<Tap*> taps_;
  std::unordered_map<const Subchannel*, Counted> counted_;
  std::optional<Time> began_;  // The interval.
  std::unique_ptr<Timer> timer_;
};

// ---- Between a subchannel and its owner ---------------------------------------------------------

// Passes everything on but the health of an ejected backend.
struct OutlierDetection::Tap final : TapHandle {
  Tap(OutlierDetection& p, std::string_view a, OnSubchannelState f)
      : TapHandle(std::move(f)), parent(p), address(a) {}
  ~Tap() override {
    parent.taps_.erase(this);
    auto it = parent.counted_.find(inner->Ref().get());
    if (--it->second.taps == 0 && parent.timer_ == nullptr) parent.counted_.erase(it);
  }
  void Say(Control& control) {
    SubchannelState state = last;
    told_ejected = parent.Ejected(address);
    if (told_ejected && state.connectivity == Connectivity::kReady) {
      state.health = Connectivity::kTransientFailure;
      state.why = absl::UnavailableError("ejected by outlier_detection, it fails more than others");
    }
    Tell(state, control);  // The owner may drop this tap in here.
  }
  OutlierDetection& parent;
  const std::string address;
  SubchannelState last;
  bool told_ejected = false;
};

struct OutlierDetection::TapSeat final : ChildSeat<OutlierDetection> {
  using ChildSeat::ChildSeat;
  std::unique_ptr<SubchannelHandle> OnOpen(const OpenOptions& options, OnSubchannelState told,
                                           Control& up) override {
    // Who doesn't heed health can't be told, such as a pick_first that nobody spreads over (A61).
    if (!options.watch_health) return up.Open(options, std::move(told));
    auto tap = std::make_unique<Tap>(parent_, options.address, std::move(told));
    tap->inner = up.Open(options, [t = tap.get()](const SubchannelState& s, Control& c) {
      t->last = s;
      t->Say(c);
    });
    SubchannelRef subchannel = tap->inner->Ref();
    Counted& counted = parent_.counted_[subchannel.get()];
    if (counted.subchannel == nullptr) {
      counted.good = subchannel->load.succeeded();
      counted.bad = subchannel->load.failed();
      counted.subchannel = std::move(subchannel);
    }
    ++counted.taps;
    parent_.taps_.insert(tap.get());
    return tap;
  }
};

std::unique_ptr<Seat> OutlierDetection::MakeSeat() {
  return std::make_unique<TapSeat>(switch_, *this);
}

// ---- Endpoints ---------------------------------------------------------------------------------

absl::Status OutlierDetection::OnUpdate(const Update& update, Control& control) {
  config_ = ConfigAs<OutlierDetectionConfig>(update.config);
  TakeHosts(update.endpoints);
  StartOrStop(control);
  absl::Status status = Pass(update, config_.child, control);
  TellAll(control);
  return status;
}

// Endpoints that stay keep their record; others go, and no longer count as ejected.
void OutlierDetection::TakeHosts(const std::vector<Endpoint>& endpoints) {
  std::map<Key, Host> old = std::exchange(hosts_, {});
  by_address_.clear();
  for (const Endpoint& e : endpoints) {
    Key key = e.addresses;
    std::sort(key.begin(), key.end());
    Host& host = hosts_[key];
    if (auto it = old.find(key); it != old.end()) host = it->second;
    for (const std::string& address : e.addresses) by_address_.emplace(address, &host);
  }
}

OutlierDetection::Host* OutlierDetection::HostOf(const std::string& address) {
  auto it = by_address_.find(address);
  return it == by_address_.end() ? nullptr : it->second;
}

bool OutlierDetection::Ejected(const std::string& address) {
  const Host* host = HostOf(address);
  return host != nullptr && host->ejected.has_value();
}

// To those for whom something changed. Telling one may close others, and open some.
void OutlierDetection::TellAll(Control& control) {
  std::vector<Tap*> changed;
  for (Tap* tap : taps_) {
    if (tap->told_ejected != Ejected(tap->address)) changed.push_back(tap);
  }
  for (Tap* tap : changed) {
    if (!taps_.contains(tap) || tap->told_ejected == Ejected(tap->address)) continue;
    if (tap->last.connectivity == Connectivity::kReady) {
      tap->Say(control);
    } else {
      tap->told_ejected = !tap->told_ejected;
    }
  }
}

// ---- The interval ------------------------------------------------------------------------------

void OutlierDetection::StartOrStop(Control& control) {
  timer_ = nullptr;
  if (!config_.ejects()) {
    began_.reset();
    for (auto& [_, host] : hosts_) host = Host();
    std::erase_if(counted_, [](const auto& c) { return c.second.taps == 0; });
    return;
  }
  if (!began_) {
    began_ = control.Now();
    Count();  // What was before doesn't count.
  }
  Arm(std::max(Duration{}, config_.interval - (control.Now() - *began_)), control);
}

void OutlierDetection::Arm(Duration delay, Control& control) {
  timer_ = control.After(delay, [this](Control& c) {
    began_ = c.Now();
    Arm(config_.interval, c);
    Judge(c);
  });
}

void OutlierDetection::Judge(Control& control) {
  Count();
  if (config_.success_rate) JudgeSuccessRates(control);
  if (config_.failure_percentage) JudgeFailurePercentages(control);
  Recover(control.Now());
  TellAll(control);
}

void OutlierDetection::Count() {
  for (auto& [_, host] : hosts_) host.good = host.bad = 0;
  for (auto it = counted_.begin(); it != counted_.end();) {
    Counted& c = it->second;
    const LoadCell& load = c.subchannel->load;
    // Failures first: the sum then includes them.
    const uint64_t bad = load.failed(), good = load.succeeded();
    if (Host* host = HostOf(c.subchannel->address); host != nullptr) {
      host->bad += bad - c.bad;
      host->good += std::max(good, c.good) - c.good;
    }
    c.good = good;
    c.bad = bad;
    it = c.taps == 0 ? counted_.erase(it) : std::next(it);
  }
}

std::vector<OutlierDetection::Host*> OutlierDetection::Candidates(uint32_t request_volume,
                                                                  uint32_t minimum_hosts) {
  std::vector<Host*> all;
  for (auto& [_, host] : hosts_) {
    const uint64_t calls = host.good + host.bad;
    if (calls > 0 && calls >= request_volume) all.push_back(&host);
  }
  if (all.size() < minimum_hosts) all.clear();
  return all;
}

void OutlierDetection::JudgeSuccessRates(Control& control) {
  const auto& config = *config_.success_rate;
  const std::vector<Host*> all = Candidates(config.request_volume, config.minimum_hosts);
  if (all.empty()) return;
  const auto n = static_cast<double>(all.size());
  double mean = 0, variance = 0;
  for (const Host* host : all) mean += host->rate() / n;
  for (const Host* host : all) variance += (host->rate() - mean) * (host->rate() - mean) / n;
  const double required = mean - std::sqrt(variance) * config.stdev_factor / 1000;
  constexpr double kRounding = 1e-9;
  for (Host* host : all) {
    if (host->rate() < required - kRounding) {
      Eject(*host, {"success_rate", config.enforcement}, control);
    }
  }
}

void OutlierDetection::JudgeFailurePercentages(Control& control) {
  const auto& config = *config_.failure_percentage;
  for (Host* host : Candidates(config.request_volume, config.minimum_hosts)) {
    if (100 * host->bad > config.threshold * (host->good + host->bad)) {
      Eject(*host, {"failure_percentage", config.enforcement}, control);
    }
  }
}

// Unless too many are, or chance spares it. One can always be, however few there are (A50).
void OutlierDetection::Eject(Host& host, const Method& method, Control& control) {
  if (host.ejected) return;
  const auto out = std::count_if(hosts_.begin(), hosts_.end(),
                                 [](const auto& h) { return h.second.ejected.has_value(); });
  std::string_view reason;
  if (static_cast<size_t>(out) * 100 >= config_.max_percent * hosts_.size()) {
    reason = "max_ejection_overflow";
  } else if (control.Random(100) >= method.enforcement) {
    reason = "enforcement_percentage";
  }
  const MetricPoint::Label labels[] = {{"grpc.lb.outlier_detection.detection_method", method.name},
                                       {"grpc.lb.outlier_detection.unenforced_reason", reason}};
  if (!reason.empty()) {
    return control.Metric(
        {.name = "grpc.lb.outlier_detection.ejections_unenforced", .labels = labels});
  }
  host.ejected = control.Now();
  ++host.times;
  control.Metric(
      {.name = "grpc.lb.outlier_detection.ejections_enforced", .labels = std::span(labels, 1)});
}

void OutlierDetection::Recover(Time now) {
  for (auto& [_, host] : hosts_) {
    if (!host.ejected) {
      if (host.times > 0) --host.times;
    } else if (now - *host.ejected > config_.EjectionTime(host.times)) {
      host.ejected.reset();
    }
  }
}

}  // namespace

PolicyFactory OutlierDetectionPolicy() {
  return {.name = "outlier_detection", .parse = ParseInto<OutlierDetectionConfig>, .make = [] {
            return std::make_unique<OutlierDetection>();
          }};
}

}  // namespace rondo

// outlier_detection (A50): counts from load cells, ejects through the health of subchannels.
// Failure percentage only.
#include <algorithm>
#include <map>
#include <optional>

#include "balance/one_child.h"
#include "contract/policies.h"
#include "rondo/config.h"

namespace rondo::contract {
namespace {

constexpr Connectivity kReady = Connectivity::kReady, kFailed = Connectivity::kTransientFailure;

struct OutlierConfig {
  Duration interval = std::chrono::seconds(10), base = std::chrono::seconds(30);
  Duration longest = std::chrono::seconds(300);
  uint32_t max_percent = 10, threshold = 85, min_hosts = 5, volume = 50, enforcement = 100;
  ChildConfig child;
  void Read(ConfigReader& r) {
    r.Seconds("interval", interval);
    r.Seconds("baseEjectionTime", base);
    r.Seconds("maxEjectionTime", longest);
    r.Number("maxEjectionPercent", max_percent, 0u, 100u);
    r.Map("failurePercentageEjection", [](const std::string&, ConfigReader&) {});
    r.Number("threshold", threshold, 0u, 100u);  // Flat here; nested in the real config.
    r.Number("minimumHosts", min_hosts);
    r.Number("requestVolume", volume);
    r.Child("childPolicy", child);
  }
};

class OutlierDetection final : public OneChild {
 public:
  absl::Status OnUpdate(const Update& update, Control& control) override {
    config_ = ConfigAs<OutlierConfig>(update.config);
    if (timer_ == nullptr) Arm(control);
    return Pass(update, config_.child, control);
  }

 private:
  struct Tap;
  struct Host {
    std::vector<Tap*> taps;
    uint64_t succeeded = 0, failed = 0;  // At the last interval.
    std::optional<Time> ejected;
    int times = 0;
  };
  // Stands between a subchannel and its owner, which sees nothing of it but the health.
  struct Tap final : SubchannelHandle {
    Tap(OutlierDetection& p, std::string a, OnSubchannelState f)
        : parent(p),
          address(std::move(a)),
          tell(std::make_shared<OnSubchannelState>(std::move(f))) {}
    ~Tap() override {
      std::vector<Tap*>& taps = parent.hosts_.at(address).taps;
      std::erase(taps, this);
      if (taps.empty()) parent.hosts_.erase(address);
    }
    SubchannelRef Ref() const override { return inner->Ref(); }
    void Connect() override { inner->Connect(); }
    void Say(Control& control) {
      SubchannelState s = last;
      if (parent.hosts_.at(address).ejected && s.connectivity == kReady) {
        s.health = kFailed;
        s.why = absl::UnavailableError(Cat(address, " is ejected by outlier_detection"));
      }
      auto keep = tell;  // The owner may drop this tap in here.
      (*keep)(s, control);
    }
    OutlierDetection& parent;
    const std::string address;
    std::shared_ptr<OnSubchannelState> tell;
    std::unique_ptr<SubchannelHandle> inner;
    SubchannelState last;
  };
  struct TapSeat final : SeatOf<OutlierDetection> {
    using SeatOf::SeatOf;
    std::unique_ptr<SubchannelHandle> OnOpen(const OpenOptions& o, OnSubchannelState f,
                                             Control& up) override {
      if (!o.watch_health) return up.Open(o, std::move(f));  // Its owner wouldn't listen.
      auto tap = std::make_unique<Tap>(parent_, std::string(o.address), std::move(f));
      tap->inner = up.Open(o, [t = tap.get()](const SubchannelState& s, Control& c) {
        t->last = s;
        t->Say(c);
      });
      Host& host = parent_.hosts_[tap->address];
      if (host.taps.empty()) Reset(host, *tap);
      host.taps.push_back(tap.get());
      return tap;
    }
    static void Reset(Host& host, const Tap& tap) {
      host.succeeded = tap.Ref()->load.succeeded();
      host.failed = tap.Ref()->load.failed();
    }
  };
  std::unique_ptr<Seat> MakeSeat() override { return std::make_unique<TapSeat>(switch_, *this); }

  void Arm(Control& control) {
    timer_ = control.After(config_.interval, [this](Control& c) {
      Arm(c);
      Judge(c);
    });
  }
  void Judge(Control& control) {
    std::vector<std::pair<std::string, bool>> candidates;  // Address, whether it fails too often.
    size_t out = 0;
    for (auto& [address, h] : hosts_) {
      const LoadCell& load = h.taps[0]->Ref()->load;
      const uint64_t good = load.succeeded() - std::exchange(h.succeeded, load.succeeded());
      const uint64_t bad = load.failed() - std::exchange(h.failed, load.failed());
      if (good + bad > 0 && good + bad >= config_.volume) {
        candidates.emplace_back(address, 100 * bad > config_.threshold * (good + bad));
      }
      out += h.ejected.has_value();
    }
    std::vector<std::string> changed;
    for (auto& [address, bad] : candidates) {
      Host& h = hosts_.at(address);
      if (candidates.size() < config_.min_hosts || !bad || h.ejected) continue;
      if (out * 100 >= config_.max_percent * hosts_.size()) {
        control.Metric({.name = "rondo.lb.outlier_detection.overflow"});
      } else if (control.Random(100) < config_.enforcement) {
        h.ejected = control.Now();
        ++h.times, ++out;
        changed.push_back(address);
      }
    }
    for (auto& [address, h] : hosts_) {
      if (!h.ejected) {
        if (h.times > 0) --h.times;
      } else if (control.Now() > *h.ejected + std::min(config_.base * h.times, Longest())) {
        h.ejected.reset();
        changed.push_back(address);
      }
    }
    for (const std::string& address : changed) {
      auto it = hosts_.find(address);
      const std::vector<Tap*> taps = it == hosts_.end() ? std::vector<Tap*>{} : it->second.taps;
      for (Tap* t : taps) {
        auto now = hosts_.find(address);  // Telling one may close others.
        if (now == hosts_.end()) break;
        const auto& live = now->second.taps;
        if (std::find(live.begin(), live.end(), t) != live.end()) t->Say(control);
      }
    }
  }
  Duration Longest() const { return std::max(config_.base, config_.longest); }
  OutlierConfig config_;
  std::map<std::string, Host> hosts_;
  std::unique_ptr<Timer> timer_;

 public:
  ~OutlierDetection() override { seat_ = nullptr; }  // Its taps refer to hosts_.
};

}  // namespace

PolicyFactory OutlierDetectionPolicy() {
  return {.name = "outlier_detection", .parse = ParseInto<OutlierConfig>, .make = [] {
            return std::make_unique<OutlierDetection>();
          }};
}

}  // namespace rondo::contract

// slow_start (Envoy's, gRFC A100's formula): a backend that is new gets few calls at first, by its
// weight, which grows for a while.
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "balance/address_tally.h"
#include "balance/builtin.h"
#include "balance/one_child.h"
#include "balance/seconds_within.h"
#include "balance/tap_handle.h"

namespace rondo {
namespace {

// Many may fall cold one after another: each time the child hears of all endpoints.
constexpr Duration kLeastGap = std::chrono::milliseconds(100);

struct SlowStartConfig {
  Duration window{};
  double aggression = 1;
  double least_percent = 10;
  ChildConfig child;

  void Read(ConfigReader& r) {
    r.Need("window");
    SecondsWithin(r, "window", window, std::chrono::seconds(1), std::chrono::hours(24));
    r.Number("aggression", aggression, 0.01, 100.0);
    r.Number("minWeightPercent", least_percent, 0.0, 100.0);
    r.Child("childPolicy", child);
  }
  // Of its weight, `since` after it became ready.
  double Factor(Duration since) const {
    const Duration counted = std::max<Duration>(since, std::chrono::seconds(1));
    const double passed =
        static_cast<double>(counted.count()) / static_cast<double>(window.count());
    return std::min(1.0, std::max(least_percent / 100, std::pow(passed, 1 / aggression)));
  }
  // How often weights are changed while somebody is warming up.
  Duration Step() const { return std::max<Duration>(window / 20, std::chrono::seconds(1)); }
};

class SlowStart final : public OneChild {
 public:
  SlowStart() = default;
  ~SlowStart() override { seat_ = nullptr; }  // Its taps refer to what is here.
  absl::Status OnUpdate(const Update& update, Control& control) override;
  void OnChild(Seat& seat, Control& control) {
    Settle(control);
    OneChild::OnChild(seat, control);
  }

 private:
  struct Tap;
  struct TapSeat;
  using Key = std::vector<std::string>;  // Sorted addresses: an endpoint's identity.
  // An endpoint. One that isn't cold has its full weight.
  struct Host {
    bool cold = true;
    std::optional<Time> since;  // It is ready. Only if it is cold.
    int ready = 0, failed = 0;  // Of its addresses.
    size_t addresses = 1;
  };

  std::unique_ptr<Seat> MakeSeat() override;
  void TakeHosts(const std::vector<Endpoint>& endpoints);
  void OnAddress(const std::string& address, AddressTally::Seen before, AddressTally::Seen now);
  void Settle(Control& control);
  void Arm(Duration delay, Control& control);
  absl::Status Feed(Control& control);
  double FactorOf(Host& host, Time now) const;

  SlowStartConfig config_;
  Update update_;
  std::vector<Host*> order_;  // Of the update's endpoints.
  std::map<Key, Host> hosts_;
  std::unordered_map<std::string, std::vector<Host*>> by_address_;
  AddressTally tally_{[this](const std::string& address, AddressTally::Seen before,
                             AddressTally::Seen now) { OnAddress(address, before, now); }};
  std::vector<Host*> risen_;  // Cold ones that got ready: their time isn't taken yet.
  bool fallen_ = false;       // Somebody fell cold, which the child isn't told yet.
  std::unique_ptr<Timer> timer_;
  Time fed_{};           // When the child was told its endpoints.
  bool urgent_ = false;  // The timer is for somebody who fell cold.
};

// ---- Between a subchannel and its owner ---------------------------------------------------------

struct SlowStart::Tap final : TapHandle {
  Tap(SlowStart& p, const OpenOptions& options, OnSubchannelState f)
      : TapHandle(std::move(f)), parent(p), part(p.tally_, options.address, options.watch_health) {}
  SlowStart& parent;
  AddressTally::Part part;
};

struct SlowStart::TapSeat final : ChildSeat<SlowStart> {
  using ChildSeat::ChildSeat;
  std::unique_ptr<SubchannelHandle> OnOpen(const OpenOptions& options, OnSubchannelState told,
                                           Control& up) override {
    parent_.Settle(up);
    auto tap = std::make_unique<Tap>(parent_, options, std::move(told));
    tap->inner = up.Open(options, [t = tap.get()](const SubchannelState& s, Control& c) {
      SlowStart& parent = t->parent;
      t->part.Tell(s);
      parent.Settle(c);
      t->Tell(s, c);  // The owner may drop this tap in here.
      parent.Settle(c);
    });
    return tap;
  }
};

std::unique_ptr<Seat> SlowStart::MakeSeat() { return std::make_unique<TapSeat>(switch_, *this); }

// Whether it says that nobody can take calls there.
bool IsFailing(AddressTally::Seen seen) {
  return seen == AddressTally::Seen::kFailed || seen == AddressTally::Seen::kUnhealthy;
}

// A client that is new says nothing of its servers: those of its first list are warm, unless they
// can't be reached at first. Whoever comes later, or comes back, is cold.
void SlowStart::OnAddress(const std::string& address, AddressTally::Seen before,
                          AddressTally::Seen now) {
  const auto hosts = by_address_.find(address);
  if (hosts == by_address_.end()) return;
  const bool was_ready = before == AddressTally::Seen::kReady;
  for (Host* host : hosts->second) {
    host->ready += (now == AddressTally::Seen::kReady) - was_ready;
    host->failed += IsFailing(now) - IsFailing(before);
    if (host->ready > 0) {
      if (host->cold && !host->since) risen_.push_back(host);
      continue;
    }
    const bool down = was_ready || host->failed >= static_cast<int>(host->addresses);
    if (!down || (host->cold && !host->since)) continue;
    // Its weight falls before it is ready again.
    host->cold = true;
    host->since.reset();
    fallen_ = true;
  }
}

// What addresses have changed: a handle's end is seen where no timer can be had.
void SlowStart::Settle(Control& control) {
  for (Host* host : std::exchange(risen_, {})) {
    if (host->ready == 0 || !host->cold || host->since) continue;
    host->since = control.Now();
    if (timer_ == nullptr) Arm(config_.Step(), control);
  }
  if (!std::exchange(fallen_, false) || std::exchange(urgent_, true)) return;
  Arm(std::max(Duration{}, fed_ + kLeastGap - control.Now()), control);
}

// ---- Weights -----------------------------------------------------------------------------------

absl::Status SlowStart::OnUpdate(const Update& update, Control& control) {
  config_ = ConfigAs<SlowStartConfig>(update.config);
  update_ = update;
  TakeHosts(update.endpoints);
  return Feed(control);
}

void SlowStart::TakeHosts(const std::vector<Endpoint>& endpoints) {
  std::map<Key, Host> old = std::exchange(hosts_, {});
  by_address_.clear();
  order_.clear();
  risen_.clear();
  for (const Endpoint& e : endpoints) {
    Key key = e.addresses;
    std::sort(key.begin(), key.end());
    key.erase(std::unique(key.begin(), key.end()), key.end());
    const auto [it, fresh] = hosts_.try_emplace(key);
    Host& host = it->second;
    order_.push_back(&host);
    if (!fresh) continue;
    if (auto known = old.find(key); known != old.end()) host = known->second;
    host.cold = old.empty() ? false : host.cold;
    host.addresses = std::max<size_t>(key.size(), 1);
    host.ready = host.failed = 0;
    for (const std::string& address : key) {
      by_address_[address].push_back(&host);
      const AddressTally::Seen seen = tally_.Of(address);
      host.ready += seen == AddressTally::Seen::kReady;
      host.failed += IsFailing(seen);
    }
  }
  for (auto& [_, host] : hosts_) {
    if (host.ready == 0) {
      host.since.reset();
    } else if (host.cold && !host.since) {
      host.cold = false;  // Another set of addresses, but somebody is connected to it.
    }
  }
}

double SlowStart::FactorOf(Host& host, Time now) const {
  if (!host.cold) return 1;
  const Duration since = host.since ? now - *host.since : Duration{};
  if (since < config_.window) return config_.Factor(since);
  host.cold = false;
  host.since.reset();
  return 1;
}

void SlowStart::Arm(Duration delay, Control& control) {
  timer_ = control.After(delay, [this](Control& c) { Feed(c).IgnoreError(); });
}

// Tells the child its endpoints, with the weights of now.
absl::Status SlowStart::Feed(Control& control) {
  timer_ = nullptr;
  urgent_ = false;
  fed_ = control.Now();
  bool cold = false, warming = false;
  uint32_t heaviest = 1;
  std::vector<double> factors;
  for (size_t i = 0; i < order_.size(); ++i) {
    factors.push_back(FactorOf(*order_[i], control.Now()));
    cold |= order_[i]->cold;
    warming |= order_[i]->since.has_value();
    heaviest = std::max(heaviest, update_.endpoints[i].weight);
  }
  Update inner = update_;
  if (cold) {
    // Whole numbers, so all are multiplied: who has weight 1 can have a tenth of it.
    const double scale = std::min<double>(1000, UINT32_MAX / heaviest);
    std::vector<Endpoint> all = update_.endpoints;
    for (size_t i = 0; i < factors.size(); ++i) {
      uint32_t& weight = all[i].weight;
      weight = static_cast<uint32_t>(
          std::max(1.0, std::round(std::max(weight, 1u) * scale * factors[i])));
    }
    inner.endpoints = std::move(all);
  }
  if (warming) Arm(config_.Step(), control);
  return Pass(std::move(inner), config_.child, control);
}

}  // namespace

PolicyFactory SlowStartPolicy() {
  return {.name = "slow_start", .parse = ParseInto<SlowStartConfig>, .make = [] {
            return std::make_unique<SlowStart>();
          }};
}

}  // namespace rondo

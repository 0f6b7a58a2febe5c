// zone_aware: calls stay in the client's zone, or go to others as far as that is full or down.
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "balance/address_tally.h"
#include "balance/builtin.h"
#include "balance/graceful_switch.h"
#include "balance/groups.h"
#include "balance/select/zone_shares.h"
#include "balance/split.h"
#include "balance/tap_handle.h"
#include "base/text.h"
#include "rondo/config.h"
#include "rondo/zone.h"

namespace rondo {
namespace {

constexpr Duration kTick = std::chrono::seconds(1);
constexpr Duration kStale = std::chrono::seconds(30);  // Older reports say nothing of now.
constexpr double kFresh = 0.2;  // Of what is new in a tick: an average over about 5 s.

struct ZoneAwareConfig {
  enum class Mode : uint8_t { kStrict, kPrefer, kProportional };
  Mode mode = Mode::kPrefer;
  std::string zone;
  uint32_t min_endpoints = 1;
  SpillRules rules;
  std::map<std::string, uint32_t> clients;
  ChildConfig child;

  void Read(ConfigReader& r) {
    std::string written = "prefer";
    r.Text("mode", written);
    if (written == "strict") {
      mode = Mode::kStrict;
    } else if (written == "proportional") {
      mode = Mode::kProportional;
    } else if (written != "prefer") {
      r.Bad("mode", Cat("\"", written, "\" is not strict, prefer or proportional"));
    }
    r.Text("zone", zone);
    r.Number("minEndpoints", min_endpoints, 1u);
    r.Number("utilizationMargin", rules.margin, 0.0, 1.0);
    double percent = 100 * rules.probe;
    r.Number("remoteProbePercent", percent, 0.0, 100.0);
    rules.probe = percent / 100;
    r.Map("clientZones", [&](const std::string& name, ConfigReader& c) {
      c.Need("clients");
      c.Number("clients", clients[name], 1u);
    });
    if (mode == Mode::kProportional) r.Need("clientZones");
    r.Child("childPolicy", child);
  }
};

class ZoneAware final : public Policy {
 public:
  absl::Status OnUpdate(const Update& update, Control& control) override;
  void OnResolverError(const absl::Status& why, Control& control) override;
  void OnIdleExit(Control& control) override;
  void OnChild(Seat& seat, Control& control);

 private:
  struct Tap;
  struct Taps {
    AddressTally tally;
    std::set<Tap*> all;
  };
  struct Zone;

  const ZoneAwareConfig& config() const { return ConfigAs<ZoneAwareConfig>(config_); }
  absl::Status Fail(absl::Status why, Control& control);
  absl::Status Feed(const Update& update, std::map<std::string, std::vector<Endpoint>> groups,
                    Control& control);
  void Arm(Control& control);
  void OnTick(Control& control);
  std::vector<ZoneLoad> Loads() const;
  std::vector<double> Aim() const;
  std::vector<Share> Shares(const std::vector<double>& shares) const;
  void Publish(Control& control);
  PickerRef Build(const View& view);

  const FactoryRef switch_ = std::make_shared<const PolicyFactory>(GracefulSwitchPolicy());
  ConfigRef config_;
  std::string own_;  // The client's zone.
  std::map<std::string, std::unique_ptr<Zone>> zones_;
  double home_ = 1;             // What the own zone should have by utilisation; moves slowly.
  std::vector<double> shares_;  // Of the last picker.
  bool feeding_ = false;        // What children say now counts when all of them are fed.
  std::unique_ptr<Timer> timer_;
};

// ---- A zone and its subchannels -----------------------------------------------------------------

// One child for the zone's endpoints. Stands below a graceful switch.
struct ZoneAware::Zone final : SeatOf<ZoneAware> {
  Zone(FactoryRef factory, ZoneAware& parent, std::string n)
      : SeatOf(std::move(factory), parent), name(std::move(n)) {}
  std::string_view label() const override {
    return name.empty() ? std::string_view("unknown") : std::string_view(name);
  }
  std::unique_ptr<SubchannelHandle> OnOpen(const OpenOptions& options, OnSubchannelState told,
                                           Control& up) override;
  void Measure(Time now);
  uint32_t Ready() const;  // Of its endpoints.

  const std::string name;
  CountedState counted;
  uint32_t endpoints = 0;
  std::optional<double> utilization;  // Smoothed.
  // Beside the seat, whose policy holds the taps: they outlive this member.
  const std::shared_ptr<Taps> taps = std::make_shared<Taps>();
};

struct ZoneAware::Tap final : TapHandle {
  Tap(std::shared_ptr<Taps> t, const OpenOptions& options, OnSubchannelState f)
      : TapHandle(std::move(f)),
        taps(std::move(t)),
        part(taps->tally, options.address, options.watch_health) {
    taps->all.insert(this);
  }
  ~Tap() override { taps->all.erase(this); }
  const std::shared_ptr<Taps> taps;
  AddressTally::Part part;
};

std::unique_ptr<SubchannelHandle> ZoneAware::Zone::OnOpen(const OpenOptions& options,
                                                          OnSubchannelState told, Control& up) {
  auto tap = std::make_unique<Tap>(taps, options, std::move(told));
  tap->inner = up.Open(options, [t = tap.get()](const SubchannelState& s, Control& c) {
    t->part.Tell(s);
    t->Tell(s, c);  // The owner may drop this tap in here.
  });
  return tap;
}

// A policy may connect to some of its endpoints only, or one after another: those that it connects
// to stand for the rest.
uint32_t ZoneAware::Zone::Ready() const {
  const uint64_t ready = taps->tally.ready(), in_use = taps->tally.in_use();
  if (ready == 0) return 0;
  return static_cast<uint32_t>(std::max<uint64_t>((endpoints * ready + in_use / 2) / in_use, 1));
}

// The mean of those that have reported of late; the application's own figure counts before the
// processor's.
void ZoneAware::Zone::Measure(Time now) {
  double sum = 0;
  int n = 0;
  std::unordered_set<const Subchannel*> seen;  // A child may have several handles on one.
  for (const Tap* tap : taps->all) {
    const SubchannelRef subchannel = tap->Ref();
    if (taps->tally.Of(tap->part.address()) != AddressTally::Seen::kReady) continue;
    if (!seen.insert(subchannel.get()).second) continue;
    LoadReport report = subchannel->load.Report(ReportSource::kPerCall);
    const LoadReport other = subchannel->load.Report(ReportSource::kOutOfBand);
    if (other.at > report.at) report = other;
    if (report.at == Time{} || now - report.at > kStale) continue;
    const double used = report.application > 0 ? report.application : report.cpu;
    if (!(used > 0)) continue;
    sum += std::min(used, 1.0);
    ++n;
  }
  if (n == 0) {
    utilization.reset();
  } else {
    const double fresh = sum / n;
    utilization = utilization ? *utilization + kFresh * (fresh - *utilization) : fresh;
  }
}

// ---- From above --------------------------------------------------------------------------------

absl::Status ZoneAware::Fail(absl::Status why, Control& control) {
  zones_.clear();  // Nobody is left that could take a connection over.
  timer_ = nullptr;
  control.Publish(Connectivity::kTransientFailure, FailPicker(why));
  return why;
}

absl::Status ZoneAware::OnUpdate(const Update& update, Control& control) {
  config_ = update.config;
  const auto* setting = update.settings.Get<ClientZone>();
  own_ = !config().zone.empty() || setting == nullptr ? config().zone : setting->value;
  if (own_.empty()) {
    return Fail(absl::UnavailableError(
                    "zone_aware: the client's own zone isn't known; set zone in its config, or "
                    "ClientZone in ChannelOptions::policy_settings"),
                control);
  }
  std::map<std::string, std::vector<Endpoint>> groups;
  const bool strict = config().mode == ZoneAwareConfig::Mode::kStrict;
  for (const Endpoint& e : update.endpoints) {
    if (!strict || e.zone == own_) groups[e.zone].push_back(e);
  }
  if (groups.empty()) {
    return Fail(
        absl::UnavailableError(
            update.endpoints.empty()
                ? Cat("zone_aware: the resolver returned no endpoints",
                      update.note.empty() ? "" : ": ", update.note)
                : Cat("zone_aware: none of ", update.endpoints.size(), " endpoints is in the zone ",
                      own_, ", and the mode is strict; add some there, or choose prefer")),
        control);
  }
  return Feed(update, std::move(groups), control);
}

absl::Status ZoneAware::Feed(const Update& update,
                             std::map<std::string, std::vector<Endpoint>> groups,
                             Control& control) {
  // Zones that go end when the others have their endpoints: one may have moved there.
  const std::map<std::string, std::unique_ptr<Zone>> gone = TakeWithout(zones_, groups);
  feeding_ = true;
  absl::Status first;
  bool any = false;
  Update inner = update;
  inner.config = std::make_shared<SwitchConfig>(config().child);
  for (auto& [name, endpoints] : groups) {
    std::unique_ptr<Zone>& zone = zones_[name];
    if (zone == nullptr) zone = std::make_unique<Zone>(switch_, *this, name);
    zone->endpoints = static_cast<uint32_t>(endpoints.size());
    inner.endpoints = std::move(endpoints);
    absl::Status status = zone->OnUpdate(inner, control);
    any = any || status.ok();
    if (first.ok()) first = std::move(status);
  }
  feeding_ = false;
  if (timer_ == nullptr || zones_.size() < 2) Arm(control);
  Publish(control);
  return any ? absl::OkStatus() : first;
}

void ZoneAware::OnResolverError(const absl::Status& why, Control& control) {
  for (auto& [_, zone] : zones_) zone->OnResolverError(why, control);
  if (!zones_.empty()) return;
  const absl::Status failed(why.code(), Cat("zone_aware: ", MessageOf(why)));
  control.Publish(Connectivity::kTransientFailure, FailPicker(failed));
}

void ZoneAware::OnIdleExit(Control& control) {
  for (auto& [_, zone] : zones_) zone->OnIdleExit(control);
}

// ---- Shares ------------------------------------------------------------------------------------

void ZoneAware::OnChild(Seat& seat, Control& control) {
  Zone& zone = static_cast<Zone&>(seat);
  zone.counted.Follow(zone.state());
  if (!feeding_) Publish(control);
}

void ZoneAware::Arm(Control& control) {
  timer_ = nullptr;
  if (zones_.size() < 2) return;  // Nothing is to be shared.
  timer_ = control.After(kTick, [this](Control& c) { OnTick(c); });
}

// A step only towards what utilisation asks for, or clients would move to and fro together.
void ZoneAware::OnTick(Control& control) {
  Arm(control);
  for (auto& [_, zone] : zones_) zone->Measure(control.Now());
  home_ += kFresh * (HomeByUtilization(Loads(), config().rules) - home_);
  const std::vector<double> aims = Aim();
  bool moved = aims.size() != shares_.size();
  for (size_t i = 0; i < aims.size() && !moved; ++i) moved = std::abs(aims[i] - shares_[i]) > 1e-3;
  if (moved) Publish(control);
}

std::vector<ZoneLoad> ZoneAware::Loads() const {
  std::vector<ZoneLoad> loads;
  for (const auto& [name, zone] : zones_) {
    const auto clients = config().clients.find(name);
    loads.push_back({.own = name == own_,
                     .endpoints = zone->endpoints,
                     .ready = zone->Ready(),
                     .utilization = zone->utilization,
                     .clients = clients == config().clients.end() ? 0.0 : clients->second});
  }
  return loads;
}

std::vector<double> ZoneAware::Aim() const {
  const std::vector<ZoneLoad> loads = Loads();
  const auto own = zones_.find(own_);
  if (own == zones_.end() || own->second->endpoints < config().min_endpoints) {
    return EvenShares(loads);
  }
  if (config().mode == ZoneAwareConfig::Mode::kProportional) return ProportionalShares(loads);
  return PreferredShares(loads, home_);
}

// ---- To above ----------------------------------------------------------------------------------

// Empty shares: all the same.
std::vector<Share> ZoneAware::Shares(const std::vector<double>& shares) const {
  constexpr double kWhole = 1e6;
  std::vector<Share> all;
  size_t i = 0;
  for (const auto& [_, zone] : zones_) {
    const double of = shares.empty() ? 1 : std::round(shares[i++] * kWhole);
    if (of < 1) continue;
    all.push_back({zone.get(), zone->counted.value(), static_cast<uint32_t>(of)});
  }
  return all;
}

void ZoneAware::Publish(Control& control) {
  control.Publish(StateOf(Shares({})), [this](const View& view) { return Build(view); });
}

// Once a turn, however many backends changed.
PickerRef ZoneAware::Build(const View& view) {
  shares_ = Aim();
  const std::vector<Share> all = Shares({}), some = Shares(shares_);
  // A zone whose backends are ready may yet have a child that isn't.
  return SplitPicker(some.empty() || StateOf(some) != StateOf(all) ? all : some, view);
}

}  // namespace

PolicyFactory ZoneAwarePolicy() {
  return {.name = "zone_aware",
          .parse = ParseInto<ZoneAwareConfig>,
          .make = [] { return std::make_unique<ZoneAware>(); },
          .call_reports = true};
}

}  // namespace rondo

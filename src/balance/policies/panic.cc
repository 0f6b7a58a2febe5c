// panic (Envoy's panic threshold): when too few backends are healthy, health is no longer heeded,
// so that those that are left don't break down under the calls of all.
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "balance/address_tally.h"
#include "balance/builtin.h"
#include "balance/one_child.h"
#include "balance/tap_handle.h"

namespace rondo {
namespace {

struct PanicConfig {
  double threshold = 50;  // Envoy's.
  ChildConfig child;
  void Read(ConfigReader& r) {
    r.Number("thresholdPercent", threshold, 0.0, 100.0);
    r.Child("childPolicy", child);
  }
};

class Panic final : public OneChild {
 public:
  Panic() = default;
  ~Panic() override { seat_ = nullptr; }  // Its taps refer to what is here.
  absl::Status OnUpdate(const Update& update, Control& control) override {
    const auto& config = ConfigAs<PanicConfig>(update.config);
    threshold_ = config.threshold;
    absl::Status status = Pass(update, config.child, control);
    Judge(control);
    return status;
  }

 private:
  struct Tap;
  struct TapSeat;
  std::unique_ptr<Seat> MakeSeat() override;
  void Judge(Control& control);
  void TellAll(Control& control);

  double threshold_ = 0;
  AddressTally tally_;
  bool panics_ = false;
  std::set<Tap*> taps_;
  std::unique_ptr<Timer> telling_;
};

// Passes everything on but, in a panic, bad health.
struct Panic::Tap final : TapHandle {
  Tap(Panic& p, std::string_view address, OnSubchannelState f)
      : TapHandle(std::move(f)), parent(p), part(p.tally_, address, true) {
    parent.taps_.insert(this);
  }
  ~Tap() override { parent.taps_.erase(this); }
  bool unhealthy() const {
    return last.connectivity == Connectivity::kReady && last.health != Connectivity::kReady;
  }
  void Become(const SubchannelState& now) {
    last = now;
    part.Tell(now);
  }
  void Say(Control& control) {
    SubchannelState state = last;
    told_panic = parent.panics_;
    if (told_panic && unhealthy()) {
      state.health = Connectivity::kReady;
      state.why = absl::OkStatus();
    }
    Tell(state, control);  // The owner may drop this tap in here.
  }
  Panic& parent;
  AddressTally::Part part;
  SubchannelState last;
  bool told_panic = false;
};

struct Panic::TapSeat final : ChildSeat<Panic> {
  using ChildSeat::ChildSeat;
  std::unique_ptr<SubchannelHandle> OnOpen(const OpenOptions& options, OnSubchannelState told,
                                           Control& up) override {
    // Who doesn't heed health has none to be spared.
    if (!options.watch_health) return up.Open(options, std::move(told));
    auto tap = std::make_unique<Tap>(parent_, options.address, std::move(told));
    tap->inner = up.Open(options, [t = tap.get()](const SubchannelState& s, Control& c) {
      t->Become(s);
      t->parent.Judge(c);
      t->Say(c);
    });
    return tap;
  }
};

std::unique_ptr<Seat> Panic::MakeSeat() { return std::make_unique<TapSeat>(switch_, *this); }

// Of the addresses that the child connects to: what it leaves alone, such as a subset's rest, is no
// sign. Without one that is connected and unhealthy nothing would be won.
void Panic::Judge(Control& control) {
  const uint32_t unhealthy =
      tally_.of(AddressTally::Seen::kUnhealthy) + tally_.of(AddressTally::Seen::kUnknown);
  const bool now = unhealthy > 0 && tally_.ready() * 100.0 < threshold_ * tally_.in_use();
  if (now == panics_) return;
  panics_ = now;
  if (now) control.Metric({.name = "rondo.lb.panic.entered"});
  // Not in here: whoever is told may be the one that tells.
  telling_ = control.After(Duration{}, [this](Control& c) {
    telling_ = nullptr;
    TellAll(c);
  });
}

// Those for whom something changed. Telling one may close others, and open some.
void Panic::TellAll(Control& control) {
  std::vector<Tap*> changed;
  for (Tap* tap : taps_) {
    if (tap->unhealthy() && tap->told_panic != panics_) changed.push_back(tap);
  }
  for (Tap* tap : changed) {
    if (!taps_.contains(tap) || !tap->unhealthy() || tap->told_panic == panics_) continue;
    tap->Say(control);
  }
}

}  // namespace

PolicyFactory PanicPolicy() {
  return {.name = "panic", .parse = ParseInto<PanicConfig>, .make = [] {
            return std::make_unique<Panic>();
          }};
}

}  // namespace rondo

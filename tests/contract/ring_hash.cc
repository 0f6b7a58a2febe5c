// ring_hash (A42, A61, A76): a Spread of lazy children; a pick asks for connections.
#include <algorithm>
#include <cmath>

#include "balance/builtin.h"
#include "balance/lazy.h"
#include "balance/spread.h"
#include "contract/policies.h"
#include "rondo/config.h"

namespace rondo::contract {
namespace {

struct Config {
  uint32_t min = 1024, max = 4096;
  std::string header;
  void Read(ConfigReader& r) {
    r.Number("minRingSize", min, 1u, 8388608u);
    r.Number("maxRingSize", max, 1u, 8388608u);
    r.Text("requestHashHeader", header);
    if (min > max) r.Bad("minRingSize", Cat(min, " is more than maxRingSize, ", max));
  }
};

struct RingPicker final : Picker {
  struct Member {
    Connectivity state;
    PickerRef picker;
  };
  PickResult Pick(const PickArgs& args) const override {
    std::optional<uint64_t> hash = args.affinity;
    if (!hash && !header.empty() && args.metadata != nullptr) {
      if (auto value = args.metadata->Find(header)) hash = XxHash64(*value);
    }
    if (!hash && header.empty()) {
      return Drop{absl::InternalError("ring_hash: the call has no hash")};
    }
    const bool known = hash.has_value();
    auto it = std::lower_bound(ring->begin(), ring->end(),
                               std::pair(known ? *hash : args.chance->Next(), uint32_t{0}));
    const size_t start = static_cast<size_t>(it - ring->begin()) % ring->size();
    bool waiting = any_connecting;
    for (size_t i = 0; i < ring->size(); ++i) {
      const Member& m = members[(*ring)[(start + i) % ring->size()].second];
      if (m.state == Connectivity::kTransientFailure) continue;
      if (known || m.state == Connectivity::kReady) return m.picker->Pick(args);
      if (m.state == Connectivity::kIdle && !waiting) {
        m.picker->Pick(args);  // An idle child's picker asks it to connect, and queues.
        waiting = true;
      }
    }
    if (waiting) return Queue{};
    return members[(*ring)[start].second].picker->Pick(args);
  }
  std::shared_ptr<const Ring> ring;
  std::vector<Member> members;
  std::string header;
  bool any_connecting = false;
};

class RingHash final : public Spread {
 public:
  RingHash()
      : Spread("ring_hash",
               std::make_shared<const PolicyFactory>(
                   LazyPolicy(std::make_shared<const PolicyFactory>(PickFirstPolicy()))),
               Reconnect::kWhenAsked) {}
  absl::Status OnUpdate(const Update& update, Control& control) override {
    Update sorted = update;
    const auto key = [](const Endpoint& e) {
      return e.hash_key.empty() ? e.addresses[0] : e.hash_key;
    };
    std::sort(sorted.endpoints.begin(), sorted.endpoints.end(),
              [&](const Endpoint& a, const Endpoint& b) { return key(a) < key(b); });
    std::vector<std::pair<std::string, uint32_t>> weights;
    for (const Endpoint& e : sorted.endpoints) weights.emplace_back(key(e), e.weight);
    config_ = ConfigAs<Config>(update.config);
    ring_ = MakeRing(weights, config_.min, config_.max);
    return Spread::OnUpdate(sorted, control);
  }

 private:
  void OnChange(Child&, Connectivity, Control& control) override {
    const Connectivity sum = Aggregate();
    if (sum == Connectivity::kReady || sum == Connectivity::kIdle) return;
    if (tally().of(Connectivity::kConnecting) > 0) return;
    for (auto& c : children()) {  // So that it recovers without picks.
      if (c->state() == Connectivity::kIdle) return c->OnIdleExit(control);
    }
  }
  Connectivity Aggregate() const override {
    const int failed = tally().of(Connectivity::kTransientFailure);
    if (tally().of(Connectivity::kReady) > 0) return Connectivity::kReady;
    if (failed >= 2) return Connectivity::kTransientFailure;
    if (tally().of(Connectivity::kConnecting) > 0) return Connectivity::kConnecting;
    if (failed == 1 && children().size() > 1) return Connectivity::kConnecting;
    if (tally().of(Connectivity::kIdle) > 0) return Connectivity::kIdle;
    return Connectivity::kTransientFailure;
  }
  PickerRef Build(const View& view) override {
    auto picker = std::make_shared<RingPicker>();
    picker->ring = ring_;
    picker->header = config_.header;
    picker->any_connecting = tally().of(Connectivity::kConnecting) > 0;
    for (auto& c : children()) picker->members.push_back({c->state(), c->picker(view)});
    return picker;
  }
  Config config_;
  std::shared_ptr<const Ring> ring_;
};

}  // namespace

std::shared_ptr<const Ring> MakeRing(const std::vector<std::pair<std::string, uint32_t>>& weights,
                                     uint32_t min, uint32_t max) {
  double sum = 0, least = 1;
  for (const auto& [_, w] : weights) sum += w;
  for (const auto& [_, w] : weights) least = std::min(least, w / sum);
  const double scale = std::min(std::ceil(least * min) / least, static_cast<double>(max));
  auto ring = std::make_shared<Ring>();
  double target = 0, current = 0;
  for (uint32_t i = 0; i < weights.size(); ++i) {
    target += scale * weights[i].second / sum;
    for (int k = 0; current < target; ++current, ++k) {
      ring->emplace_back(XxHash64(Cat(weights[i].first, "_", k)), i);
    }
  }
  std::sort(ring->begin(), ring->end());
  return ring;
}

PolicyFactory RingHashPolicy() {
  return {.name = "ring_hash", .parse = ParseInto<Config>, .make = [] {
            return std::make_unique<RingHash>();
          }};
}

}  // namespace rondo::contract

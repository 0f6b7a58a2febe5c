// aperture (Finagle's, the deterministic one): each client uses an arc of a ring of all endpoints,
// those at its ends with less weight, so that all clients together load each alike.
#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "balance/builtin.h"
#include "balance/fleet.h"
#include "balance/groups.h"
#include "balance/one_child.h"
#include "balance/select/aperture_slice.h"

namespace rondo {
namespace {

struct ApertureConfig {
  uint32_t least = 12;  // Finagle's: a weight is then respected, and nearly never are all away.
  ClientConfig client;
  ChildConfig child;

  void Read(ConfigReader& r) {
    r.Number("minAperture", least, 1u);
    client.Read(r);
    r.Child("childPolicy", child);
  }
};

class AperturePolicyNode final : public OneChild {
 public:
  absl::Status OnUpdate(const Update& update, Control& control) override {
    const auto& config = ConfigAs<ApertureConfig>(update.config);
    if (!drawn_) drawn_ = static_cast<uint32_t>(control.Random(kAnyOf));
    const PeerIndex peer = PeerOf(config.client, update).value_or(PeerIndex{*drawn_, kAnyOf});
    std::vector<Endpoint> all = WithAddresses(update.endpoints);
    if (!all.empty()) Keep(all, peer, config.least);
    Update inner = update;
    inner.endpoints = std::move(all);
    return Pass(std::move(inner), config.child, control);
  }

 private:
  static constexpr uint32_t kAnyOf = 1 << 20;  // Places to draw from.

  static void Keep(std::vector<Endpoint>& all, const PeerIndex& peer, uint32_t least) {
    const auto slices = Aperture(peer.index, peer.count, static_cast<uint32_t>(all.size()), least);
    const bool whole = std::all_of(slices.begin(), slices.end(),
                                   [](const ApertureSlice& s) { return s.share == 1; });
    if (slices.size() == all.size() && whole) return;
    const std::vector<uint32_t> order = RingOf(all);
    const double scale = Scale(all);
    std::vector<Endpoint> kept;
    for (const ApertureSlice& s : slices) {
      kept.push_back(std::move(all[order[s.item]]));
      if (whole) continue;
      const double weight = std::max(kept.back().weight, 1u) * s.share * scale;
      kept.back().weight = std::max(1u, static_cast<uint32_t>(std::llround(weight)));
    }
    all = std::move(kept);
  }
  // Weights are whole numbers: as fine as fits.
  static double Scale(const std::vector<Endpoint>& all) {
    constexpr double kFine = 10000;
    uint32_t heaviest = 1;
    for (const Endpoint& e : all) heaviest = std::max(heaviest, e.weight);
    return std::min(kFine, UINT32_MAX / static_cast<double>(heaviest));
  }
  // The same order for all clients, whatever that of their lists: by number, else by address.
  static std::vector<uint32_t> RingOf(const std::vector<Endpoint>& all) {
    std::vector<uint32_t> order(all.size());
    std::iota(order.begin(), order.end(), 0);
    const std::vector<uint32_t> number = IndicesOf(all);
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      if (!number.empty() && number[a] != number[b]) return number[a] < number[b];
      return all[a].addresses < all[b].addresses;
    });
    return order;
  }

  std::optional<uint32_t> drawn_;  // The client's place if its number isn't known; for its life.
};

}  // namespace

PolicyFactory AperturePolicy() {
  return {.name = "aperture", .parse = ParseInto<ApertureConfig>, .make = [] {
            return std::make_unique<AperturePolicyNode>();
          }};
}

}  // namespace rondo

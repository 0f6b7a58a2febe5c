// ringsteady: each client uses some of the endpoints, the next ones on a ring of even gaps. Where
// clients and backends are numbered the shares are even, and few connections move with a change.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "balance/builtin.h"
#include "balance/fleet.h"
#include "balance/groups.h"
#include "balance/one_child.h"
#include "balance/select/steady_ring.h"
#include "base/hash.h"

namespace rondo {
namespace {

struct RingsteadyConfig {
  uint32_t size = 0;
  ClientConfig client;
  ChildConfig child;

  void Read(ConfigReader& r) {
    r.Need("subsetSize");
    r.Number("subsetSize", size, 1u);
    client.Read(r);
    r.Child("childPolicy", child);
  }
};

class Ringsteady final : public OneChild {
 public:
  absl::Status OnUpdate(const Update& update, Control& control) override {
    const auto& config = ConfigAs<RingsteadyConfig>(update.config);
    if (!drawn_) drawn_ = control.Random(UINT64_MAX);
    const std::optional<PeerIndex> peer = PeerOf(config.client, update);
    std::vector<Endpoint> all = WithAddresses(update.endpoints);
    if (all.size() > config.size) {
      Keep(all, config.size, peer ? PlaceOnSteadyRing(peer->index) : *drawn_);
    }
    Update inner = update;
    inner.endpoints = std::move(all);
    return Pass(std::move(inner), config.child, control);
  }

 private:
  // By their numbers. Without, by hash: not so even, but the same for all clients and steady, which
  // places in a list aren't.
  static void Keep(std::vector<Endpoint>& all, uint32_t size, uint64_t from) {
    std::vector<uint64_t> places;
    for (uint32_t index : IndicesOf(all)) places.push_back(PlaceOnSteadyRing(index));
    if (places.empty()) {
      for (const Endpoint& e : all) places.push_back(Hash64(e.addresses[0]));
    }
    std::vector<Endpoint> kept;
    for (uint32_t i : NextOnRing(from, places, size)) kept.push_back(std::move(all[i]));
    all = std::move(kept);
  }

  std::optional<uint64_t> drawn_;  // The client's place if its number isn't known; for its life.
};

}  // namespace

PolicyFactory RingsteadyPolicy() {
  return {.name = "ringsteady", .parse = ParseInto<RingsteadyConfig>, .make = [] {
            return std::make_unique<Ringsteady>();
          }};
}

}  // namespace rondo

#include "balance/fleet.h"

#include <charconv>

#include "base/text.h"

namespace rondo {
namespace {

bool IsKnown(const PeerIndex* peer) { return peer != nullptr && peer->index < peer->count; }

}  // namespace

void ClientConfig::Read(ConfigReader& reader) {
  reader.Object("client", [&](ConfigReader& r) {
    PeerIndex given;
    r.Need("index");
    r.Need("count");
    r.Number("count", given.count, 1u);
    r.Number("index", given.index);
    if (r.ok() && given.index >= given.count) {
      r.Bad("index", Cat(given.index, " is not within 0..", given.count - 1,
                         ": it counts from 0 and stays below count"));
    }
    peer = given;
  });
}

std::optional<PeerIndex> PeerOf(const ClientConfig& config, const Update& update) {
  if (config.peer) return config.peer;
  for (const Endpoint& e : update.endpoints) {
    if (const auto* peer = e.attributes.Get<PeerIndex>(); IsKnown(peer)) return *peer;
  }
  if (const auto* peer = update.settings.Get<PeerIndex>(); IsKnown(peer)) return *peer;
  return std::nullopt;
}

std::vector<uint32_t> IndicesOf(const std::vector<Endpoint>& endpoints) {
  std::vector<uint32_t> all;
  for (const Endpoint& e : endpoints) {
    const auto label = e.labels.find("index");
    if (label == e.labels.end()) return {};
    const char* const end = label->second.data() + label->second.size();
    uint32_t index = 0;
    const auto [stop, error] = std::from_chars(label->second.data(), end, index);
    if (error != std::errc() || stop != end) return {};
    all.push_back(index);
  }
  return all;
}

}  // namespace rondo

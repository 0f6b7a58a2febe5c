#pragma once
// What policies that share backends out among clients know of both.
// Threads: home.
#include <optional>
#include <string>
#include <vector>

#include "rondo/balance.h"
#include "rondo/config.h"
#include "rondo/peer_index.h"

namespace rondo {

// `client`: {"index": 3, "count": 100}.
struct ClientConfig {
  std::optional<PeerIndex> peer;
  void Read(ConfigReader& reader);
};

// By the config, else by the first endpoint that has one, else by the channel's settings. None, or
// one that isn't below its count: unknown.
std::optional<PeerIndex> PeerOf(const ClientConfig& config, const Update& update);

// The whole numbers in the endpoints' label "index". Empty if any of them has none.
std::vector<uint32_t> IndicesOf(const std::vector<Endpoint>& endpoints);

}  // namespace rondo

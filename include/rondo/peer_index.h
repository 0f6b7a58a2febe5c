#pragma once
// Which of a fleet's clients this one is, for policies that share backends out among clients
// (docs/policies/aperture.md, ringsteady.md). A resolver that knows sets it in the `attributes` of
// its endpoints; a program that knows, from the ordinal of its pod for instance, in
// ChannelOptions::policy_settings. A service config may say it, too, and then counts first.
// Threads: a value.
#include <cstdint>

namespace rondo {

struct PeerIndex {
  uint32_t index = 0;  // Of this client, from 0 on; below `count`, or it counts as unknown.
  uint32_t count = 0;  // Clients in all.
  bool operator==(const PeerIndex&) const = default;
};

}  // namespace rondo

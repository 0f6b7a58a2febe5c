#pragma once
// Where a client runs, for the policy zone_aware.
// Threads: a value.
#include <string>

namespace rondo {

// The zone of the client, as Endpoint::zone names those of servers: a setting of the channel
// (ChannelOptions::policy_settings), such as ClientZone{std::getenv("ZONE")}. Empty: unknown.
struct ClientZone {
  std::string value{};
  bool operator==(const ClientZone&) const = default;
};

}  // namespace rondo

#pragma once
// Reads "host:port" as gRPC's targets write it.
// Threads: any; nothing here has state.
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace rondo::resolve {

// Of targets that name no port.
inline constexpr std::string_view kDefaultPort = "443";

struct HostPort {
  std::string host;   // Without brackets: "a.example", "1.2.3.4", "fe80::1%eth0".
  std::string port;   // A number of 0 to 65535 or a service's name, such as "http".
  int ip_family = 0;  // 4 or 6 if `host` is an IP address, else 0.

  // "host:port", with brackets around IPv6.
  std::string Text() const;
};

// "a", "a:80", "1.2.3.4", "[::1]:80", "::1", ":80" (localhost). INVALID_ARGUMENT says what is wrong
// without naming the target: the caller does.
absl::StatusOr<HostPort> ParseHostPort(std::string_view text,
                                       std::string_view default_port = kDefaultPort);

}  // namespace rondo::resolve

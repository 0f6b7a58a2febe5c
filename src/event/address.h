#pragma once
// Addresses as texts and as the operating system has them.
// Threads: any; nothing here has state.
#include <sys/socket.h>

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace rondo::event {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  bool is_tcp() const { return family() == AF_INET || family() == AF_INET6; }
};

// 4 or 6 for an IP address without brackets or port (a zone such as "%eth0" may follow one of
// IPv6), 0 for everything else.
int IpFamily(std::string_view text);

// "1.2.3.4:80", "[::1]:80", "[fe80::1%eth0]:80", "unix:path" (absolute or relative),
// "unix-abstract:name"; the port may be a service's name of /etc/services. INVALID_ARGUMENT names
// the text: no host names here.
absl::StatusOr<SocketAddress> ParseAddress(std::string_view text);
// The same form. What a unix peer without a name has is "unix:".
std::string AddressText(const SocketAddress& address);

}  // namespace rondo::event

#pragma once
// Whether this machine has IPv6 on its loopback.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rondo::sockets {

inline bool HasIpv6() {
  const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  any.sin6_addr = in6addr_loopback;
  const bool has = bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0;
  close(fd);
  return has;
}

}  // namespace rondo::sockets

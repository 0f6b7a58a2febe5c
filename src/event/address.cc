#include "event/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <charconv>
#include <cstddef>
#include <cstring>

#include "base/text.h"

namespace rondo::event {
namespace {

constexpr std::string_view kNoPort = "the port is neither a number of 0 to 65535 nor a service";

absl::Status Bad(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(Cat("address \"", text, "\": ", why));
}

absl::StatusOr<SocketAddress> UnixAddress(std::string_view text, std::string_view path,
                                          bool abstract) {
  SocketAddress out;
  auto* un = reinterpret_cast<sockaddr_un*>(&out.storage);
  const size_t room = sizeof un->sun_path - 1;  // A NUL before an abstract name, behind a path.
  if (path.empty()) return Bad(text, "the name is empty");
  if (path.size() > room)
    return Bad(text, Cat("longer than the ", room, " bytes of a unix socket's name"));
  un->sun_family = AF_UNIX;
  std::memcpy(un->sun_path + (abstract ? 1 : 0), path.data(), path.size());
  out.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return out;
}

bool ParsePort(std::string_view text, in_port_t& out) {
  uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (!text.empty() && stop == end && error == std::errc{}) {
    out = htons(port);
    return true;
  }
  servent entry{}, *found = nullptr;
  char room[1024];
  const int failed =
      getservbyname_r(std::string(text).c_str(), "tcp", &entry, room, sizeof room, &found);
  if (failed != 0 || found == nullptr) return false;
  out = static_cast<in_port_t>(found->s_port);  // In network order already.
  return true;
}

bool IsV6(std::string_view text, in6_addr& address) {
  return inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

// A zone is an interface's name or number; one that this machine lacks is an error.
bool ParseV6(std::string_view host, in6_addr& address, uint32_t& scope) {
  const size_t percent = host.find('%');
  if (percent != host.npos) {
    const std::string zone(host.substr(percent + 1));
    scope = if_nametoindex(zone.c_str());
    if (scope == 0) std::from_chars(zone.data(), zone.data() + zone.size(), scope);
    if (scope == 0) return false;
  }
  return IsV6(host.substr(0, percent), address);
}

}  // namespace

int IpFamily(std::string_view text) {
  in_addr v4;
  in6_addr v6;
  if (inet_pton(AF_INET, std::string(text).c_str(), &v4) == 1) return 4;
  const size_t percent = text.find('%');
  if (percent != text.npos && percent + 1 == text.size()) return 0;  // An empty zone.
  return IsV6(text.substr(0, percent), v6) ? 6 : 0;
}

absl::StatusOr<SocketAddress> ParseAddress(std::string_view text) {
  if (text.starts_with("unix:")) return UnixAddress(text, text.substr(5), false);
  if (text.starts_with("unix-abstract:")) return UnixAddress(text, text.substr(14), true);
  SocketAddress out;
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return Bad(text, "write host:port, [v6]:port or unix:path");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    v6->sin6_family = AF_INET6;
    out.size = sizeof *v6;
    if (!ParseV6(host.substr(1, host.size() - 2), v6->sin6_addr, v6->sin6_scope_id)) {
      return Bad(text, "no IPv6 address (of a known zone) in the brackets");
    }
    if (!ParsePort(port, v6->sin6_port)) return Bad(text, kNoPort);
    return out;
  }
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  v4->sin_family = AF_INET;
  out.size = sizeof *v4;
  if (inet_pton(AF_INET, std::string(host).c_str(), &v4->sin_addr) != 1) {
    return Bad(text, "not an IPv4 address before the port");
  }
  if (!ParsePort(port, v4->sin_port)) return Bad(text, kNoPort);
  return out;
}

std::string AddressText(const SocketAddress& address) {
  char host[INET6_ADDRSTRLEN] = "";
  switch (address.family()) {
    case AF_INET: {
      const auto& v4 = reinterpret_cast<const sockaddr_in&>(address.storage);
      inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
      return Cat(host, ":", ntohs(v4.sin_port));
    }
    case AF_INET6: {
      const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address.storage);
      if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {  // A peer on a socket of both families.
        inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, host, sizeof host);
        return Cat(host, ":", ntohs(v6.sin6_port));
      }
      inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
      char zone[IF_NAMESIZE] = "";
      if (v6.sin6_scope_id != 0) if_indextoname(v6.sin6_scope_id, zone);
      return Cat("[", host, zone[0] == 0 ? "" : "%", zone, "]:", ntohs(v6.sin6_port));
    }
    default: {
      const auto& un = reinterpret_cast<const sockaddr_un&>(address.storage);
      constexpr size_t kHead = offsetof(sockaddr_un, sun_path);
      if (address.size <= kHead) return "unix:";
      const std::string_view path(un.sun_path, address.size - kHead);
      if (path[0] == 0) {
        const std::string_view name = path.substr(1);
        return Cat("unix-abstract:", name.substr(0, name.find_last_not_of('\0') + 1));
      }
      return Cat("unix:", path.substr(0, path.find('\0')));
    }
  }
}

}  // namespace rondo::event

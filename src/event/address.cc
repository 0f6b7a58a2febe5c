#include "event/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

#include "base/text.h"

namespace rondo::event {
namespace {

constexpr std::string_view kNoPort = "the port is neither a number of 0 to 65535 nor a service";
constexpr std::string_view kNul = "a NUL byte can't be part of an address";

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

bool IsV4(std::string_view text, in_addr& address) {
  return text.find('\0') == text.npos &&
         inet_pton(AF_INET, std::string(text).c_str(), &address) == 1;
}

bool IsV6(std::string_view text, in6_addr& address) {
  return text.find('\0') == text.npos &&
         inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

// What an interface may be called, less what divides one address from the next part of a text.
bool IsZone(std::string_view text) {
  return !text.empty() && text.size() < IF_NAMESIZE &&
         std::ranges::all_of(
             text,
             [](char c) {
               return c > ' ' && c < 0x7f &&
                      std::string_view("\"%,/:[]").find(c) == std::string_view::npos;
             });
}

// The number of the interface of that name or number; 0: this machine has none.
uint32_t Scope(const std::string& zone) {
  if (const uint32_t scope = if_nametoindex(zone.c_str()); scope != 0) return scope;
  uint32_t number = 0;
  const char* end = zone.data() + zone.size();
  const auto [stop, error] = std::from_chars(zone.data(), end, number);
  char name[IF_NAMESIZE];
  const bool known = stop == end && error == std::errc{} && if_indextoname(number, name) != nullptr;
  return known ? number : 0;
}

// Empty, or what is wrong.
std::string ParseV6(std::string_view host, in6_addr& address, uint32_t& scope) {
  const size_t percent = host.find('%');
  if (!IsV6(host.substr(0, percent), address)) return "no IPv6 address in the brackets";
  if (percent == host.npos) return {};
  const std::string zone(host.substr(percent + 1));
  if (!IsZone(zone)) return Cat("the zone \"", zone, "\" is no name or number of an interface");
  scope = Scope(zone);
  return scope != 0 ? "" : Cat("this machine has no interface for the zone \"", zone, "\"");
}

std::string ZoneText(uint32_t scope) {
  if (scope == 0) return {};
  char name[IF_NAMESIZE];
  if (if_indextoname(scope, name) != nullptr) return Cat("%", name);
  return Cat("%", scope);  // The interface has gone meanwhile.
}

}  // namespace

int IpFamily(std::string_view text) {
  in_addr v4;
  in6_addr v6;
  if (IsV4(text, v4)) return 4;
  const size_t percent = text.find('%');
  if (percent != text.npos && !IsZone(text.substr(percent + 1))) return 0;
  return IsV6(text.substr(0, percent), v6) ? 6 : 0;
}

absl::StatusOr<SocketAddress> ParseAddress(std::string_view text) {
  if (text.find('\0') != text.npos) return Bad(text.substr(0, text.find('\0')), kNul);
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
    const std::string wrong =
        ParseV6(host.substr(1, host.size() - 2), v6->sin6_addr, v6->sin6_scope_id);
    if (!wrong.empty()) return Bad(text, wrong);
    if (!ParsePort(port, v6->sin6_port)) return Bad(text, kNoPort);
    return out;
  }
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  v4->sin_family = AF_INET;
  out.size = sizeof *v4;
  if (!IsV4(host, v4->sin_addr)) return Bad(text, "not an IPv4 address before the port");
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
      return Cat("[", host, ZoneText(v6.sin6_scope_id), "]:", ntohs(v6.sin6_port));
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

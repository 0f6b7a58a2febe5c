#include "resolve/host_port.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/text.h"
#include "event/address.h"

namespace rondo::resolve {
namespace {

constexpr std::string_view kWrongZone =
    "has a zone (behind the %) that is no name or number of an interface";

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsPort(std::string_view text) {
  if (std::ranges::all_of(text, IsDigit)) {
    uint16_t port = 0;
    return std::from_chars(text.data(), text.data() + text.size(), port).ec == std::errc{};
  }
  // A service's name: RFC 6335 section 5.1.
  return text.size() <= 15 && std::ranges::any_of(text, IsLetter) &&
         std::ranges::all_of(text, [](char c) { return IsLetter(c) || IsDigit(c) || c == '-'; });
}

// What the DNS can be asked for; an underscore is no host name's, but is in use.
bool IsHostName(std::string_view text) {
  return text.size() <= 254 && std::ranges::all_of(text, [](char c) {
           return IsLetter(c) || IsDigit(c) || c == '-' || c == '_' || c == '.';
         });
}

absl::Status Bad(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(Cat("\"", text, "\" ", why));
}

// An IPv6 address, but behind its percent sign stands what no interface is called.
bool HasWrongZone(std::string_view host) {
  if (host.starts_with('[')) host.remove_prefix(1);
  const size_t percent = host.find('%');
  return percent != host.npos && event::IpFamily(host.substr(0, percent)) == 6;
}

// The last colon outside brackets divides; nullopt: there is none, or there are several.
std::optional<std::pair<std::string_view, std::string_view>> Divide(std::string_view text) {
  const size_t from = text.starts_with('[') ? text.find(']') : 0;
  if (from == text.npos) return std::nullopt;
  const size_t colon = text.find(':', from);
  if (colon == text.npos || text.find(':', colon + 1) != text.npos) return std::nullopt;
  return std::pair{text.substr(0, colon), text.substr(colon + 1)};
}

}  // namespace

std::string HostPort::Text() const {
  return ip_family == 6 ? Cat("[", host, "]:", port) : Cat(host, ":", port);
}

absl::StatusOr<HostPort> ParseHostPort(std::string_view text, std::string_view default_port) {
  if (text.empty()) return absl::InvalidArgumentError("invalid target address: it is empty");
  if (const int family = event::IpFamily(text); family != 0) {
    return HostPort{std::string(text), std::string(default_port), family};
  }
  if (!text.starts_with('[') && HasWrongZone(text)) return Bad(text, kWrongZone);
  HostPort out{.host = {}, .port = std::string(default_port)};
  std::string_view host = text;
  if (const auto parts = Divide(text)) {
    host = parts->first;
    if (parts->second.empty()) return Bad(text, "ends with a colon: the port is missing");
    if (!IsPort(parts->second)) return Bad(text, "has no port after its colon");
    out.port = parts->second;
  } else if (!text.starts_with('[') && text.find(':') != text.npos) {
    return Bad(text, "has too many colons for host:port; write [v6]:port");
  }
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return Bad(text, "has a bracket that doesn't close");
    host = host.substr(1, host.size() - 2);
    if (event::IpFamily(host) != 6) {
      return Bad(text, HasWrongZone(host) ? kWrongZone : "has no IPv6 address in its brackets");
    }
  }
  out.ip_family = event::IpFamily(host);
  if (out.ip_family == 0 && !IsHostName(host)) return Bad(text, "is not a host name and port");
  out.host = host.empty() ? "localhost" : std::string(host);
  return out;
}

}  // namespace rondo::resolve

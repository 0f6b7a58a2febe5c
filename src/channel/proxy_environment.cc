#include "channel/proxy_environment.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/text.h"
#include "event/address.h"
#include "event/ip_range.h"
#include "resolve/host_port.h"
#include "wire/base64.h"
#include "wire/status_codec.h"

namespace rondo::channel {
namespace {

// http_proxy comes last, and HTTP_PROXY not at all: a server may have set that from a request.
constexpr std::string_view kProxies[] = {"grpc_proxy", "https_proxy", "HTTPS_PROXY", "http_proxy"};
constexpr std::string_view kExceptions[] = {"no_grpc_proxy", "no_proxy", "NO_PROXY"};
constexpr std::string_view kProxyPort = "80";  // RFC 9110, 4.2.1.

struct Setting {
  std::string_view name;
  std::string value;
};
template <size_t kSize>
std::optional<Setting> FirstSet(const ProxyRules::Variable& variable,
                                const std::string_view (&names)[kSize]) {
  for (const std::string_view name : names) {
    if (auto value = variable(name)) return Setting{name, *std::move(value)};
  }
  return std::nullopt;
}

std::string_view WithoutSpace(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string LowerCase(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return out;
}

// RFC 7617. `user_info` as the URL has it.
std::string Basic(std::string_view user_info) {
  std::string plain = wire::PercentDecode(user_info);
  if (user_info.find(':') == user_info.npos) plain += ':';
  std::string out = "Basic ";
  const size_t begin = out.size();
  wire::AppendBase64(out, plain);
  while ((out.size() - begin) % 4 != 0) out += '=';
  return out;
}

absl::Status NoProxy(const Setting& setting) {
  return absl::InvalidArgumentError(
      Cat(setting.name, ": the proxy is no host:port; write http://host:port"));
}

// "http://user:password@proxy.example:3128/", or without "http://".
absl::StatusOr<event::HttpProxy> ParseProxy(const Setting& setting) {
  std::string_view text = WithoutSpace(setting.value);
  if (const size_t scheme = text.find("://"); scheme != text.npos) {
    const std::string_view name = text.substr(0, scheme);
    // The value isn't shown: any part of a malformed one may be the password.
    if (!std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) != 0; })) {
      return NoProxy(setting);
    }
    if (LowerCase(name) != "http") {
      return absl::InvalidArgumentError(Cat(setting.name, ": the proxy's scheme is \"", name,
                                            "\", only http:// is spoken to a proxy"));
    }
    text.remove_prefix(scheme + 3);
  }
  const size_t end = std::min(text.find_first_of("/?#"), text.size());
  const bool wrong = text.find('@', end) != text.npos;
  text = text.substr(0, end);
  event::HttpProxy out;
  if (const size_t at = text.rfind('@'); at != text.npos) {
    out.authorization = Basic(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  const auto host = resolve::ParseHostPort(text, kProxyPort);
  if (!host.ok() || wrong || host->port.find_first_not_of("0123456789") != std::string::npos) {
    return NoProxy(setting);
  }
  out.host = host->host;
  out.port = host->port;
  return out;
}

bool CoversHost(std::string_view exception, std::string_view host, std::string_view port) {
  if (exception == "*") return true;
  if (const auto range = event::IpRange::Parse(exception)) return range->Contains(host);
  // "host:port", "[v6]:port".
  if (const size_t colon = exception.rfind(':');
      colon != exception.npos && !exception.ends_with(']')) {
    if (exception.substr(colon + 1) != port) return false;
    exception = exception.substr(0, colon);
  }
  if (exception.starts_with('[') && exception.ends_with(']')) {
    exception = exception.substr(1, exception.size() - 2);
  }
  if (const auto one = event::IpRange::Parse(exception)) return one->Contains(host);
  const bool only_below = exception.starts_with('.') || exception.starts_with("*.");
  if (only_below) exception.remove_prefix(exception.find('.') + 1);
  if (exception.ends_with('.')) exception.remove_suffix(1);
  if (exception.empty() || !host.ends_with(exception)) return false;
  if (host.size() == exception.size()) return !only_below;
  return host[host.size() - exception.size() - 1] == '.';
}

}  // namespace

absl::StatusOr<std::optional<ProxyRules>> ProxyRules::Read(const Variable& variable) {
  const auto setting = FirstSet(variable, kProxies);
  if (!setting || WithoutSpace(setting->value).empty()) return std::nullopt;
  auto proxy = ParseProxy(*setting);
  if (!proxy.ok()) return proxy.status();
  ProxyRules out;
  out.proxy_ = *std::move(proxy);
  if (const auto exceptions = FirstSet(variable, kExceptions)) {
    std::string_view rest = exceptions->value;
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      const std::string_view one = WithoutSpace(rest.substr(0, comma));
      if (!one.empty()) out.exceptions_.push_back(LowerCase(one));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return out;
}

bool ProxyRules::Excepts(std::string_view host, std::string_view port) const {
  std::string name = LowerCase(host);
  if (name.ends_with('.')) name.pop_back();
  if (name == "localhost" || name.ends_with(".localhost") || event::IsLoopback(name)) return true;
  return std::ranges::any_of(exceptions_,
                             [&](const std::string& e) { return CoversHost(e, name, port); });
}

}  // namespace rondo::channel

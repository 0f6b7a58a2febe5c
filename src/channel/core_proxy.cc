// Whether the channel's backends are reached through an HTTP proxy (gRFC A1).
#include <memory>
#include <utility>

#include "base/text.h"
#include "channel/core.h"
#include "channel/proxy_environment.h"
#include "event/address.h"
#include "event/proxy_network.h"
#include "resolve/host_port.h"

namespace rondo::channel {
namespace {

// CONNECT wants a number. Nullopt: the text is no address with a port that is known.
std::optional<std::string> ForConnect(const resolve::HostPort& at) {
  const auto any = event::ParseAddress(Cat("127.0.0.1:", at.port));
  if (!any.ok()) return std::nullopt;
  const std::string text = event::AddressText(*any);
  return resolve::HostPort{at.host, text.substr(text.rfind(':') + 1), at.ip_family}.Text();
}

}  // namespace

// Of the scheme dns the name itself is asked of the proxy, and not looked up here; of others each
// address that the resolver finds.
absl::Status Core::UseProxy() {
  if (!options_.enable_http_proxy || !env_.variable) return absl::OkStatus();
  auto read = ProxyRules::Read(env_.variable);
  if (!read.ok()) {
    // As gRPC does: an environment that is wrong is no reason to fail.
    Warn("environment", {Cat(MessageOf(read.status()), "; no proxy is used")});
    return absl::OkStatus();
  }
  if (!read->has_value()) return absl::OkStatus();
  const ProxyRules& rules = **read;
  event::IsDirect direct = [](std::string_view) { return false; };
  if (target_.scheme == "dns") {
    const auto host = resolve::ParseHostPort(target_.endpoint);
    if (!host.ok()) return absl::OkStatus();  // Its resolver says what is wrong.
    if (rules.Excepts(host->host, host->port)) return absl::OkStatus();
    const auto address = ForConnect(*host);
    if (!address) return absl::OkStatus();
    resolver_factory_ =
        FixedResolver(target_.scheme,
                      [address = *address](const Target&) -> absl::StatusOr<std::vector<Endpoint>> {
                        return std::vector<Endpoint>{{.addresses = {address}}};
                      });
  } else {
    direct = [rules](std::string_view address) {
      if (address.starts_with("unix:") || address.starts_with("unix-abstract:")) return true;
      const auto at = resolve::ParseHostPort(address, "");
      // What is no host:port is for the network to refuse.
      return !at.ok() || at->Text() != address || rules.Excepts(at->host, at->port);
    };
  }
  proxied_ = event::NetworkThrough(rules.proxy(), *env_.network, env_.names, std::move(direct));
  return absl::OkStatus();
}

}  // namespace rondo::channel

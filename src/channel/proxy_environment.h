#pragma once
// What the environment says of an HTTP proxy (gRFC A1), as gRPC's C++ and Go read it.
// Threads: any; the rules are a value.
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "event/proxy_network.h"

namespace rondo::channel {

class ProxyRules {
 public:
  // Of a variable's name; nullopt: it isn't set.
  using Variable = std::function<std::optional<std::string>(std::string_view)>;

  // The first that is set of grpc_proxy, https_proxy, HTTPS_PROXY and http_proxy; if it is empty,
  // or none is set, there is no proxy: nullopt. Exceptions: the first that is set of no_grpc_proxy,
  // no_proxy and NO_PROXY. INVALID_ARGUMENT names the variable, never its value, which may hold a
  // password.
  static absl::StatusOr<std::optional<ProxyRules>> Read(const Variable& variable);

  const event::HttpProxy& proxy() const { return proxy_; }
  // Whether the host is reached without the proxy: localhost and loopback addresses always, and
  // what the exceptions name. `host`: a name, or an IP address without brackets.
  bool Excepts(std::string_view host, std::string_view port) const;

 private:
  event::HttpProxy proxy_;
  std::vector<std::string> exceptions_;  // Lower case.
};

}  // namespace rondo::channel

#pragma once
// A network that reaches addresses through an HTTP proxy, by CONNECT (RFC 9110, 9.3.6; gRFC A1).
// Threads: as Network; what it is made over outlives it, and it outlives what is made from it.
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "event/name_service.h"
#include "event/socket.h"

namespace rondo::event {

struct HttpProxy {
  std::string host;             // A name, or an IP address without brackets.
  std::string port;             // A number, or a service's name.
  std::string authorization{};  // The value of Proxy-Authorization; empty: none is sent.

  std::string Text() const;  // "proxy.example:3128", without what is secret.
};

// Whether an address is reached without the proxy.
using IsDirect = std::function<bool(std::string_view address)>;

// Addresses that aren't direct may be names, "greeter.example:443": only the proxy looks them up.
// The proxy's own host is looked up at each attempt. Of several addresses of the proxy one is tried
// after the other; one that failed, or let the time of an attempt run out, comes last the next
// time. Listening has nothing to do with a proxy.
std::unique_ptr<Network> NetworkThrough(HttpProxy proxy, Network& inner, NameServiceFactory names,
                                        IsDirect direct);

}  // namespace rondo::event

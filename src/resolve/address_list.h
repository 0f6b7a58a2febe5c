#pragma once
// What the schemes ipv4 and ipv6 have in common.
#include <string>

#include "rondo/resolve.h"

namespace rondo::resolve {

// `scheme:a:1,b:2`: a list of IP addresses of one family (4 or 6), each an endpoint.
ResolverFactory AddressListScheme(std::string scheme, int family);

}  // namespace rondo::resolve

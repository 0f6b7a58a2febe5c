#pragma once
// What the schemes ipv4 and ipv6 have in common, and static in part.
#include <string>

#include "rondo/resolve.h"

namespace rondo::resolve {

// `scheme:a:1,b:2`: a list of IP addresses of one family (4 or 6), each an endpoint.
ResolverFactory AddressListScheme(std::string scheme, int family);

// The :authority of a list: its first item. The whole of a long one would go out with every call.
std::string AuthorityOfList(const Target& target);

}  // namespace rondo::resolve

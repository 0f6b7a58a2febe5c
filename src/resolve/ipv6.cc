// ipv6:[::1]:80,2001:db8::1: addresses, given in the target itself; one without a port (443) needs
// no brackets.
#include "resolve/address_list.h"
#include "resolve/builtin.h"

namespace rondo::resolve {

ResolverFactory Ipv6Scheme() { return AddressListScheme("ipv6", 6); }

}  // namespace rondo::resolve

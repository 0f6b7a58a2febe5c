// ipv4:1.2.3.4:80,5.6.7.8: addresses, given in the target itself; the port may be left out (443).
#include "resolve/address_list.h"
#include "resolve/builtin.h"

namespace rondo::resolve {

ResolverFactory Ipv4Scheme() { return AddressListScheme("ipv4", 4); }

}  // namespace rondo::resolve

#pragma once
// The dns scheme over any name service: what tests use instead of the system's.
#include "event/name_service.h"
#include "rondo/resolve.h"

namespace rondo::resolve {

ResolverFactory DnsSchemeOver(event::NameServiceFactory names, DnsOptions options);

}  // namespace rondo::resolve

#pragma once
// The schemes that every channel knows, and how a target finds its resolver.
// Threads: any, once built.
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "rondo/resolve.h"

namespace rondo::resolve {

ResolverFactory DnsScheme();
ResolverFactory FileScheme();
ResolverFactory Ipv4Scheme();
ResolverFactory Ipv6Scheme();
ResolverFactory PassthroughScheme();
ResolverFactory StaticScheme();
ResolverFactory UnixScheme();
ResolverFactory UnixAbstractScheme();

struct Found {
  Target target;
  const ResolverFactory* factory;  // Of the registry.
  std::string authority;
};

class Registry {
 public:
  explicit Registry(std::vector<ResolverFactory> users);
  // A target whose scheme is registered stands as it is; any other is the endpoint of the default
  // scheme. INVALID_ARGUMENT names the target and the schemes that are known.
  absl::StatusOr<Found> Find(std::string_view target, std::string_view default_scheme) const;

 private:
  const ResolverFactory* Lookup(std::string_view scheme) const;
  std::vector<ResolverFactory> factories_;  // The user's first: they win.
};

}  // namespace rondo::resolve

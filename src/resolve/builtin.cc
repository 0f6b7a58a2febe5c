#include "resolve/builtin.h"

#include <optional>

#include "base/text.h"
#include "resolve/target.h"

namespace rondo::resolve {

Registry::Registry(std::vector<ResolverFactory> users) : factories_(std::move(users)) {
  for (auto make : {DnsScheme, FileScheme, Ipv4Scheme, Ipv6Scheme, PassthroughScheme, StaticScheme,
                    UnixScheme, UnixAbstractScheme}) {
    factories_.push_back(make());
  }
}

const ResolverFactory* Registry::Lookup(std::string_view scheme) const {
  for (const ResolverFactory& f : factories_) {
    if (f.scheme == scheme) return &f;
  }
  return nullptr;
}

absl::StatusOr<Found> Registry::Find(std::string_view text, std::string_view default_scheme) const {
  std::optional<Target> target = ParseTarget(text);
  const ResolverFactory* factory = target ? Lookup(target->scheme) : nullptr;
  if (factory == nullptr) {
    target = ParseTarget(Cat(default_scheme, ":///", text));
    factory = target ? Lookup(target->scheme) : nullptr;
  }
  if (factory == nullptr) {
    std::string known;
    for (const ResolverFactory& f : factories_)
      Append(known, Cat(known.empty() ? "" : ", ", f.scheme));
    return absl::InvalidArgumentError(Cat("target \"", text, "\": not a URI, also not with \"",
                                          default_scheme,
                                          ":///\" before it; known schemes: ", known));
  }
  std::string authority = factory->authority ? factory->authority(*target) : "";
  if (authority.empty()) authority = AuthorityOf(*target);
  return Found{*std::move(target), factory, std::move(authority)};
}

}  // namespace rondo::resolve

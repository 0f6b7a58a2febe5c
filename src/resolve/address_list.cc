#include "resolve/address_list.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.h"
#include "resolve/host_port.h"
#include "resolve/target.h"

namespace rondo::resolve {
namespace {

absl::StatusOr<std::vector<Endpoint>> ReadList(const Target& target, int family) {
  const auto bad = [&](std::string_view why) {
    return absl::UnavailableError(Cat(target.text, ": ", why));
  };
  if (!target.authority.empty()) {
    return bad(Cat("invalid (non-empty) authority: ", target.authority));
  }
  std::vector<Endpoint> out;
  for (std::string_view rest = target.endpoint; !rest.empty();) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view item = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (item.empty()) continue;
    const absl::StatusOr<HostPort> address = ParseHostPort(item);
    if (!address.ok() || address->ip_family != family) {
      return bad(Cat("\"", item, "\" is not an IPv", family, " address and port"));
    }
    out.push_back({.addresses = {address->Text()}});
  }
  if (out.empty()) return bad(Cat("no address; write ", target.scheme, ":address:port"));
  return out;
}

}  // namespace

ResolverFactory AddressListScheme(std::string scheme, int family) {
  ResolverFactory out = FixedResolver(
      std::move(scheme), [family](const Target& target) { return ReadList(target, family); });
  out.authority = &AuthorityOfList;
  return out;
}

std::string AuthorityOfList(const Target& target) {
  std::string_view list = target.endpoint;
  list.remove_prefix(std::min(list.find_first_not_of(','), list.size()));
  return EncodeAuthority(list.substr(0, list.find_first_of(",;")));
}

}  // namespace rondo::resolve

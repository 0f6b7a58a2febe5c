// static:///host:port,host:port;w=3: a list of addresses, given in the target itself.
#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "resolve/address_list.h"
#include "resolve/builtin.h"

namespace rondo::resolve {
namespace {

absl::Status Bad(const Target& target, std::string_view why) {
  return absl::UnavailableError(
      Cat(target.text, ": ", why, "; write static:///host:port,host:port;w=3"));
}

absl::StatusOr<Endpoint> ReadItem(const Target& target, std::string_view item) {
  Endpoint endpoint;
  const size_t semicolon = item.find(';');
  endpoint.addresses.emplace_back(item.substr(0, semicolon));
  if (endpoint.addresses[0].empty()) return Bad(target, "an address is empty");
  if (semicolon == item.npos) return endpoint;
  const std::string_view option = item.substr(semicolon + 1);
  const char* end = option.data() + option.size();
  const char* digits = option.data() + std::min<size_t>(2, option.size());
  const auto [stop, error] = std::from_chars(digits, end, endpoint.weight);
  if (!option.starts_with("w=") || error != std::errc() || stop != end || endpoint.weight == 0) {
    return Bad(target, Cat("\"", option, "\" is not a weight of at least 1"));
  }
  return endpoint;
}

absl::StatusOr<std::vector<Endpoint>> ReadAddresses(const Target& target) {
  std::vector<Endpoint> out;
  std::string_view rest = target.endpoint;
  if (!target.authority.empty()) return Bad(target, "there is nobody to ask, so no authority");
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    if (comma > 0) {
      absl::StatusOr<Endpoint> item = ReadItem(target, rest.substr(0, comma));
      if (!item.ok()) return item.status();
      out.push_back(*std::move(item));
    }
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  if (out.empty()) return Bad(target, "no address");
  return out;
}

}  // namespace

ResolverFactory StaticScheme() {
  ResolverFactory out = FixedResolver("static", ReadAddresses);
  out.authority = &AuthorityOfList;
  return out;
}

}  // namespace rondo::resolve

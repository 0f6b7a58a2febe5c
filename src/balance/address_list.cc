#include "balance/address_list.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace rondo {
namespace {

enum class Family { kV4, kV6, kOther };

// "[fe80::1%eth0]:80" -> "fe80::1", "1.2.3.4:80" -> "1.2.3.4", "::1" -> "::1"
std::string_view HostOf(std::string_view address) {
  if (address.starts_with('[')) {
    address = address.substr(1, address.find(']') - 1);
  } else if (const size_t colon = address.find(':');
             colon != address.npos && colon == address.rfind(':')) {
    address = address.substr(0, colon);
  }
  return address.substr(0, address.find('%'));
}

Family FamilyOf(std::string_view address) {
  const std::string host(HostOf(address));
  in_addr v4;
  in6_addr v6;
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return Family::kV4;
  if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return Family::kOther;
  return IN6_IS_ADDR_V4MAPPED(&v6) ? Family::kV4 : Family::kV6;
}

}  // namespace

void ShuffleByWeight(std::vector<Endpoint>& endpoints, Control& control) {
  // Each draws u in [0, 1) and sorts by u^(1/weight), largest first; the logarithm has the same
  // order and keeps apart what large weights press together near 1.
  std::vector<std::pair<double, size_t>> keys;
  for (size_t i = 0; i < endpoints.size(); ++i) {
    constexpr uint64_t kSteps = uint64_t{1} << 53;
    const double u = static_cast<double>(control.Random(kSteps)) / static_cast<double>(kSteps);
    keys.emplace_back(-std::log(u) / std::max(endpoints[i].weight, 1u), i);
  }
  std::sort(keys.begin(), keys.end());
  std::vector<Endpoint> shuffled;
  shuffled.reserve(endpoints.size());
  for (const auto& [_, i] : keys) shuffled.push_back(std::move(endpoints[i]));
  endpoints = std::move(shuffled);
}

std::vector<Address> Flatten(const std::vector<Endpoint>& endpoints) {
  std::vector<Address> list;
  std::unordered_multimap<std::string_view, const Endpoint*> seen;
  for (const Endpoint& endpoint : endpoints) {
    for (const std::string& text : endpoint.addresses) {
      const auto [begin, end] = seen.equal_range(text);
      const bool twice = std::any_of(begin, end, [&](const auto& other) {
        return other.second->transport == endpoint.transport;
      });
      if (twice) continue;
      seen.emplace(text, &endpoint);
      list.push_back({text, endpoint.transport});
    }
  }
  return list;
}

std::vector<Address> Interleave(std::vector<Address> list) {
  std::vector<std::pair<Family, std::vector<Address>>> families;  // By first appearance.
  for (Address& address : list) {
    const Family family = FamilyOf(address.text);
    auto it = std::find_if(families.begin(), families.end(),
                           [&](const auto& f) { return f.first == family; });
    if (it == families.end()) it = families.insert(families.end(), {family, {}});
    it->second.push_back(std::move(address));
  }
  std::vector<Address> out;
  out.reserve(list.size());
  for (size_t i = 0; out.size() < list.size(); ++i) {
    for (auto& [_, members] : families) {
      if (i < members.size()) out.push_back(std::move(members[i]));
    }
  }
  return out;
}

}  // namespace rondo

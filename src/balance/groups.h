#pragma once
// Parts of a list of endpoints; by the child they belong to (A56's hierarchical path).
// Threads: any.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rondo/endpoint.h"

namespace rondo {

// Groups by the first name of the path, and takes that off. Endpoints without a path are left out.
inline std::map<std::string, std::vector<Endpoint>> ByPath(const std::vector<Endpoint>& all) {
  std::map<std::string, std::vector<Endpoint>> out;
  for (const Endpoint& e : all) {
    if (e.path.empty()) continue;
    Endpoint& inner = out[e.path[0]].emplace_back(e);
    inner.path.erase(inner.path.begin());
  }
  return out;
}

// Those that can be reached at all.
inline std::vector<Endpoint> WithAddresses(const std::vector<Endpoint>& all) {
  std::vector<Endpoint> out;
  out.reserve(all.size());
  for (const Endpoint& e : all) {
    if (!e.addresses.empty()) out.push_back(e);
  }
  return out;
}

// Takes those out of `all` whose names `kept` doesn't have.
template <class T, class Kept>
std::map<std::string, T> TakeWithout(std::map<std::string, T>& all, const Kept& kept) {
  std::map<std::string, T> out;
  for (auto it = all.begin(); it != all.end();) {
    const auto here = it++;
    if (!kept.contains(here->first)) out.insert(all.extract(here));
  }
  return out;
}

}  // namespace rondo

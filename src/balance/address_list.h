#pragma once
// pick_first's list: from endpoints to the order in which addresses are tried (A61, A62, A113).
// Threads: home.
#include <string>
#include <vector>

#include "rondo/balance.h"
#include "rondo/endpoint.h"

namespace rondo {

// Where to connect: what makes one connection another.
struct Address {
  std::string text;
  Attributes transport;
  bool operator==(const Address&) const = default;
};

// Heavier endpoints tend to the front: an endpoint is first with a chance of its weight among all
// weights, the rest likewise (A113). The addresses of one endpoint keep their order. O(n log n).
void ShuffleByWeight(std::vector<Endpoint>& endpoints, Control& control);

// All addresses in order, each once.
std::vector<Address> Flatten(const std::vector<Endpoint>& endpoints);

// Takes families in turn, so that a broken IPv6 or IPv4 costs one attempt, not all of them (A61,
// RFC 8305 section 4): IPv4 (with v4-mapped IPv6), IPv6, and what is no IP address. The family that
// comes first in the list goes first.
std::vector<Address> Interleave(std::vector<Address> list);

}  // namespace rondo

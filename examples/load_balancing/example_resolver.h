#pragma once
// The example's name resolver: knows one service name, and the addresses behind it.
#include <string>
#include <vector>

#include "rondo/resolve.h"

inline constexpr const char* kServiceName = "lb.example.grpc.io";

inline rondo::ResolverFactory ExampleResolver(std::vector<std::string> addresses) {
  return rondo::FixedResolver(
      "example",
      [addresses = std::move(addresses)](
          const rondo::Target& target) -> absl::StatusOr<std::vector<rondo::Endpoint>> {
        if (target.endpoint != kServiceName) {
          return absl::NotFoundError("example: unknown service name " + target.endpoint);
        }
        std::vector<rondo::Endpoint> endpoints;
        for (const std::string& address : addresses) {
          // Each is a group of its own, for policies that divide them.
          endpoints.push_back(
              {.addresses = {address}, .path = {endpoints.empty() ? "first" : "second"}});
        }
        return endpoints;
      });
}

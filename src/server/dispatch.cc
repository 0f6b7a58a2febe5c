#include "server/dispatch.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "wire/path.h"

namespace rondo::server {

void Dispatch::Add(ServerMethod method) {
  const std::string_view path = method.method->path;
  const std::optional<wire::Path> parts = wire::ParsePath(path);
  if (!parts) {
    problem_.Update(absl::InvalidArgumentError(
        Cat("server: a method's path is \"", path, "\", it should be /package.Service/Method")));
    return;
  }
  if (!routes_
           .try_emplace(path, Route{method.method, std::move(method.start), method.always_admitted})
           .second) {
    problem_.Update(absl::AlreadyExistsError(Cat("server: two handlers for ", path)));
    return;
  }
  services_.insert(parts->service);
}

void Dispatch::AddUnknown(std::function<void(ServerCall&)> start) {
  if (unknown_.start) {
    problem_.Update(absl::AlreadyExistsError("server: two handlers for unknown paths"));
    return;
  }
  unknown_.start = [start = std::move(start)](ServerCall& call, Bytes) { start(call); };
}

std::vector<std::string> Dispatch::ServiceNames() const {
  std::vector<std::string> names(services_.begin(), services_.end());
  std::ranges::sort(names);
  return names;
}

const Route* Dispatch::Find(std::string_view path) const {
  const auto found = routes_.find(path);
  if (found != routes_.end()) return &found->second;
  // What isn't a path is nobody's: a proxy must not hand it on either.
  return unknown_.start && wire::ParsePath(path) ? &unknown_ : nullptr;
}

absl::Status Dispatch::Unknown(std::string_view path) const {
  const std::optional<wire::Path> parts = wire::ParsePath(path);
  if (!parts) return absl::UnimplementedError(Cat("malformed path \"", path, "\""));
  if (!services_.contains(parts->service)) {
    return absl::UnimplementedError(Cat("unknown service ", parts->service));
  }
  return absl::UnimplementedError(
      Cat("unknown method ", parts->method, " for service ", parts->service));
}

}  // namespace rondo::server

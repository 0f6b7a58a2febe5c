#pragma once
// Which handler answers which path.
// Threads: filled before the server starts, then read by all loops.
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "absl/status/status.h"
#include "rondo/server.h"

namespace rondo::server {

// One method and its handler. `method->path` is empty for the handler of unknown paths.
struct Route {
  const Method* method;
  std::function<void(ServerCall&, Bytes)> start;
  bool always_admitted = false;
};

class Dispatch {
 public:
  void Add(ServerMethod method);
  void AddUnknown(std::function<void(ServerCall&)> start);
  // What was wrong with the first bad Add: ALREADY_EXISTS, INVALID_ARGUMENT.
  const absl::Status& problem() const { return problem_; }
  std::vector<std::string> ServiceNames() const;  // Sorted.

  // Null: Unknown() says why.
  const Route* Find(std::string_view path) const;
  // UNIMPLEMENTED: `unknown service x.Y`, `unknown method Z for service x.Y`, `malformed path
  // "//"`.
  absl::Status Unknown(std::string_view path) const;

 private:
  std::unordered_map<std::string_view, Route> routes_;  // The keys are the methods' own paths.
  std::unordered_set<std::string_view> services_;
  Method anything_{"", true, true};
  Route unknown_{&anything_, nullptr, false};
  absl::Status problem_;
};

}  // namespace rondo::server

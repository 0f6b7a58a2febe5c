#pragma once
// Endpoints and a service config as JSON text, for resolvers that read them from somewhere.
// Threads: any.
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "rondo/resolve.h"

namespace rondo::resolve {

// {"endpoints": ["host:port", {"address": ..., "weight": ...}], "serviceConfig": {...}}; the fields
// are those of docs/resolvers/file.md. The config's text stands where it stood, so that what its
// reader finds wrong has the lines and columns of `text`. INVALID_ARGUMENT: "line:column: what".
absl::StatusOr<Resolution> ReadEndpointList(std::string_view text);

}  // namespace rondo::resolve

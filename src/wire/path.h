#pragma once
// The shape of a request: its ":path" and its content-type.
// Threads: any; nothing here has state.
#include <optional>
#include <string_view>

namespace rondo::wire {

struct Path {
  std::string_view service, method;  // "package.Service", "Method"
};
// "/package.Service/Method". Nullopt unless it begins with one slash, has no empty part, and so has
// both a service and a method: what looks at a path to allow or to route must never see two
// spellings of one method (CVE-2026-33186).
std::optional<Path> ParsePath(std::string_view path);

// "application/grpc" and "application/grpc+proto", in any case, with or without ";parameters": what
// is answered in gRPC. Other codecs, and "application/grpc-web", are not.
bool IsGrpcContentType(std::string_view content_type);

}  // namespace rondo::wire

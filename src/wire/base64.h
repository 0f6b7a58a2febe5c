#pragma once
// Base64 as gRPC uses it for "-bin" metadata: written without padding, read with or without.
// Threads: any; nothing here has state.
#include <cstddef>
#include <string>
#include <string_view>

namespace rondo::wire {

constexpr size_t Base64Size(size_t bytes) { return (bytes * 4 + 2) / 3; }
void AppendBase64(std::string& out, std::string_view bytes);
// False: not base64 (RFC 4648 section 4); `out` may then hold a part.
bool AppendDecodedBase64(std::string& out, std::string_view text);

}  // namespace rondo::wire

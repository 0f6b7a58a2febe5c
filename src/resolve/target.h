#pragma once
// Reads targets (behaviour: RFC 3986 with a default scheme) and derives the channel's authority.
// Threads: any; nothing here has state.
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "rondo/resolve.h"

namespace rondo::resolve {

// The target as it stands, or nullopt if it is no URI with a scheme.
std::optional<Target> ParseTarget(std::string_view text);

// Everything but unreserved characters as %XX: `A-Za-z0-9-_.~!$&'()*+,;=:[]@` stay.
std::string EncodeAuthority(std::string_view text);

// The :authority of a target whose resolver has no opinion: the endpoint, "localhost" before a bare
// port.
std::string AuthorityOf(const Target& target);

}  // namespace rondo::resolve

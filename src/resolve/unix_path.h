#pragma once
// What the schemes unix and unix-abstract have in common.
#include <string>

#include "rondo/resolve.h"

namespace rondo::resolve {

// The target's path, first slash included, is the socket's name. :authority is "localhost".
ResolverFactory UnixPathScheme(std::string scheme);

}  // namespace rondo::resolve

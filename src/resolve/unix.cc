// unix:path, unix:///absolute/path: one server on a unix socket.
#include "resolve/builtin.h"
#include "resolve/unix_path.h"

namespace rondo::resolve {

ResolverFactory UnixScheme() { return UnixPathScheme("unix"); }

}  // namespace rondo::resolve

// unix-abstract:name: one server on a Linux unix socket that has a name, but no file.
#include "resolve/builtin.h"
#include "resolve/unix_path.h"

namespace rondo::resolve {

ResolverFactory UnixAbstractScheme() { return UnixPathScheme("unix-abstract"); }

}  // namespace rondo::resolve

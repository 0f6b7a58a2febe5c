// passthrough:///address: the endpoint is the one address; nothing is looked up.
#include "base/text.h"
#include "resolve/builtin.h"

namespace rondo::resolve {

ResolverFactory PassthroughScheme() {
  return FixedResolver(
      "passthrough", [](const Target& target) -> absl::StatusOr<std::vector<Endpoint>> {
        if (target.endpoint.empty()) {
          return absl::UnavailableError(Cat(target.text, ": invalid target address: it is empty"));
        }
        return std::vector<Endpoint>{{.addresses = {target.endpoint}}};
      });
}

}  // namespace rondo::resolve

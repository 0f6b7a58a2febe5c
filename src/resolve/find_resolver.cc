#include <utility>

#include "resolve/builtin.h"
#include "rondo/resolve.h"

namespace rondo {

absl::StatusOr<FoundResolver> FindResolver(std::string_view target, Loop& loop,
                                           OnResolution on_resolution,
                                           const ResolverOptions& options,
                                           std::vector<ResolverFactory> resolvers) {
  const resolve::Registry registry(std::move(resolvers));
  auto found = registry.Find(target, "dns");
  if (!found.ok()) return found.status();
  auto made = found->factory->make(found->target, loop, std::move(on_resolution), options);
  if (!made.ok()) return made.status();
  return FoundResolver{std::move(found->target), std::move(found->authority), *std::move(made)};
}

}  // namespace rondo

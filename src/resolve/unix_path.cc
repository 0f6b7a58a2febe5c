#include "resolve/unix_path.h"

#include <utility>
#include <vector>

#include "base/text.h"

namespace rondo::resolve {
namespace {

absl::StatusOr<std::vector<Endpoint>> ReadPath(const Target& target) {
  if (!target.authority.empty()) {
    return absl::UnavailableError(Cat(target.text, ": invalid (non-empty) authority: ",
                                      target.authority, "; write ", target.scheme, ":name"));
  }
  if (target.path.empty()) {
    return absl::UnavailableError(
        Cat(target.text, ": the socket's name is empty; write ", target.scheme, ":name"));
  }
  return std::vector<Endpoint>{{.addresses = {Cat(target.scheme, ":", target.path)}}};
}

}  // namespace

ResolverFactory UnixPathScheme(std::string scheme) {
  ResolverFactory out = FixedResolver(std::move(scheme), ReadPath);
  out.authority = [](const Target&) { return std::string("localhost"); };
  return out;
}

}  // namespace rondo::resolve

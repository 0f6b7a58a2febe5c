// A resolver that knows all it will ever say.
#include "base/lifetime.h"
#include "rondo/resolve.h"

namespace rondo {
namespace {

class Fixed final : public Resolver {
 public:
  Fixed(absl::StatusOr<std::vector<Endpoint>> endpoints, Loop& loop, OnResolution on_resolution)
      : endpoints_(std::move(endpoints)), loop_(loop), on_resolution_(std::move(on_resolution)) {}

  void Start() override {
    loop_.Post(lifetime_.Bind([this] {
      // There is nothing else to try: what the channel can't use, it can't.
      const OnResolution tell = on_resolution_;  // It may drop this resolver.
      tell({.endpoints = endpoints_, .note = "given in the target"}).IgnoreError();
    }));
  }

 private:
  const absl::StatusOr<std::vector<Endpoint>> endpoints_;
  Loop& loop_;
  const OnResolution on_resolution_;
  const Lifetime lifetime_;
};

}  // namespace

ResolverFactory FixedResolver(
    std::string scheme, std::function<absl::StatusOr<std::vector<Endpoint>>(const Target&)> find) {
  return {.scheme = std::move(scheme),
          .make = [find = std::move(find)](
                      const Target& target, Loop& loop, OnResolution f,
                      const ResolverOptions&) -> absl::StatusOr<std::unique_ptr<Resolver>> {
            absl::StatusOr<std::vector<Endpoint>> endpoints = find(target);
            if (!endpoints.ok()) return endpoints.status();
            return std::make_unique<Fixed>(*std::move(endpoints), loop, std::move(f));
          }};
}

}  // namespace rondo

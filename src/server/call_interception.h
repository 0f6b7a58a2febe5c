#pragma once
// The interceptors of one call on a server.
// Threads: the call's loop.
#include <string_view>

#include "event/interception.h"
#include "rondo/server.h"

namespace rondo::server {

class Call;

class CallInterception final : public detail::InterceptorChain<ServerCall> {
 public:
  CallInterception(Call& call, const std::vector<ServerInterceptor>& all)
      : InterceptorChain(all), call_(call) {}

 private:
  void OnNext() override;
  void OnChainEnd(absl::Status status, Stage when) override;
  std::string_view what() const override;

  Call& call_;
};

}  // namespace rondo::server

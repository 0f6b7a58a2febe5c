#pragma once
// A call of a channel that has interceptors: what they see of it, and their coroutines.
// Threads: home.
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "event/interception.h"
#include "rondo/interceptor.h"

namespace rondo::channel {

class Call;
class Core;

class CallInterception final : public detail::InterceptorChain<ClientCall>, public ClientCall {
 public:
  // `call` outlives it, or drops it before.
  CallInterception(Call& call, std::shared_ptr<Core> core, const Method& method, Metadata request,
                   Time deadline);

  void NoteEnd(const Metadata& headers, const Metadata& trailers, std::vector<Attempt> attempts) {
    headers_ = headers;
    trailers_ = trailers;
    attempts_ = std::move(attempts);
  }

 private:
  void OnNext() override;
  void OnChainEnd(absl::Status status, Stage when) override;
  std::string_view what() const override { return method().path; }

  const std::shared_ptr<Core> core_;  // The interceptors are its.
  Call& call_;
};

}  // namespace rondo::channel

// A call's way through the interceptors of its server to its handler, and back.
#include "server/call_interception.h"

#include "base/text.h"
#include "server/call.h"
#include "server/dispatch.h"

namespace rondo::server {

using Stage = CallInterception::Stage;

void CallInterception::OnNext() { call_.RunHandler(); }
void CallInterception::OnChainEnd(absl::Status status, Stage when) {
  call_.OnIntercepted(std::move(status), when);
}
std::string_view CallInterception::what() const { return call_.method(); }

// ---- The call.

void Call::Intercept(const std::vector<ServerInterceptor>& all) {
  interception_ = std::make_shared<CallInterception>(*this, all);
  const auto keep = interception_;  // The call may be over, and used again, before this returns.
  keep->Begin(*loop_, *this);
}

void Call::RunHandler() {
  if (over_) {  // Nobody waits for it any more.
    const auto keep = interception_;
    return keep->Resume(absl::CancelledError(Cat(method_, ": the caller has gone")));
  }
  route_->start(*this, request_);
}

// True: the interceptors hear of the handler's end first.
bool Call::HoldsEnd(const absl::Status& status, Slice* reply) {
  if (interception_ == nullptr || interception_->stage() != Stage::kInside) return false;
  StopCallbacks();
  if (reply != nullptr) held_reply_ = std::move(*reply);
  handler_failed_ = !status.ok();
  handler_status_ = status;
  const auto keep = interception_;
  keep->Resume(status);
  return true;
}

// The interceptors have ended.
void Call::OnIntercepted(absl::Status status, Stage when) {
  switch (when) {
    case Stage::kBefore:
      if (status.ok()) {
        status =
            absl::InternalError(Cat(method_, ": an interceptor returned OK without calling next"));
      }
      return FinishNow(status);
    case Stage::kInside:  // The handler runs on; its end will be the call's, unless this is.
      if (!status.ok()) Abandon(status);
      return;
    case Stage::kAfter:
      if (status.ok() && handler_failed_) return FinishNow(handler_status_);
      if (status.ok() && held_reply_.size() > 0) return ReplyNow(std::move(held_reply_));
      return FinishNow(status);
    case Stage::kOver:
      return;
  }
}

}  // namespace rondo::server

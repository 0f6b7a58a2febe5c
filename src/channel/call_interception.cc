// A call's way through the interceptors of its channel, and back.
#include "channel/call_interception.h"

#include "base/text.h"
#include "channel/call.h"

namespace rondo::channel {

using Stage = CallInterception::Stage;

CallInterception::CallInterception(Call& call, std::shared_ptr<Core> core, const Method& method,
                                   Metadata request, Time deadline)
    : InterceptorChain(core->options().interceptors),
      ClientCall(method, core->home()),
      core_(std::move(core)),
      call_(call) {
  metadata_ = std::move(request);
  if (deadline != Time::max()) deadline_ = deadline;
}

void CallInterception::OnNext() { call_.GoOn(metadata_, deadline_.value_or(Time::max())); }

void CallInterception::OnChainEnd(absl::Status status, Stage when) {
  call_.OnIntercepted(std::move(status), when);
}

// ---- The call.

// On the home loop. It stands among those that wait, so that the channel's end finds it.
void Call::BeginInterception() {
  {
    PlanSlots::Lease lease = core_->plans().Take(/*home=*/true);
    lease.CountCall();
    // They hold while the interceptors wait, too.
    const MethodConfig* method = lease.plan().config->Find(method_.path);
    if (method != nullptr) LowerLimits(*method);
  }
  where_ = Where::kIntercepted;
  interception_ =
      std::make_shared<CallInterception>(*this, core_, method_, std::move(metadata_), deadline_);
  core_->Rest(*this);
  if (core_->closed()) return End(absl::CancelledError("the channel is closed"));
  if (cancel_asked_.load()) return End(absl::CancelledError("the call was cancelled"));
  if (parent_ != nullptr && !parent_->Listen()) return OnParentCancelled();
  if (deadline_ != Time::max()) core_->home().Arm(*this, deadline_);
  interception_->Begin(core_->home(), *interception_);
}

// The last interceptor lets the call go.
void Call::GoOn(const Metadata& metadata, Time deadline) {
  LeaveQueue();
  metadata_ = metadata;
  deadline_ = std::min(deadline_, deadline);
  where_ = Where::kNew;
  StartHere(/*home=*/true);
}

// The interceptors have ended.
void Call::OnIntercepted(absl::Status status, Stage when) {
  switch (when) {
    case Stage::kBefore:
      LeaveQueue();
      if (status.ok()) {
        status = absl::InternalError(
            Cat(method_.path, ": an interceptor returned OK without calling next"));
      }
      return CompleteLater(std::move(status));
    case Stage::kInside:
      if (status.ok()) status = absl::CancelledError("an interceptor left the call before its end");
      return End(std::move(status));
    case Stage::kAfter:
      if (!status.ok()) status_ = std::move(status);
      return Later();
    case Stage::kOver:
      return;
  }
}

// True: the interceptors hear of the end first.
bool Call::HoldsEnd() {
  if (interception_ == nullptr) return false;
  switch (interception_->stage()) {
    case Stage::kBefore:
    case Stage::kOver:
      return false;
    case Stage::kInside:
      interception_->Resume(status_);
      return true;
    case Stage::kAfter:
      return true;
  }
  return false;
}

}  // namespace rondo::channel

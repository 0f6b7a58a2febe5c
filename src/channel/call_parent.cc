// What a call takes over from the one that it is made for: deadline, cancellation, metadata.
#include <algorithm>

#include "channel/call.h"
#include "channel/parent_link.h"
#include "rondo/server.h"

namespace rondo::channel {

void ParentLink::OnCancelled() {
  call_.core().home().Post([call = CallShare(&call_)] { call->OnParentCancelled(); });
}

void Call::OnParentCancelled() {
  End(absl::CancelledError("the call that it is made for was cancelled"));
}

void Call::TakeFrom(const ServerCall& parent) {
  if (parent.deadline().has_value()) deadline_ = std::min(deadline_, *parent.deadline());
  const auto has = [](const Metadata& in, std::string_view key) {
    return in.Find(key).has_value();
  };
  // The call's own word wins, then what the parent's handler says, then what came with it.
  Metadata more;
  for (const auto& [key, value] : parent.forwarded()) {
    if (!has(metadata_, key)) more.Add(key, value);
  }
  for (const std::string& key : core_->options().forward_metadata) {
    if (has(metadata_, key) || has(parent.forwarded(), key)) continue;
    for (const std::string_view value : parent.metadata().FindAll(key)) more.Add(key, value);
  }
  for (const auto& [key, value] : more) metadata_.Add(key, value);
  parent_ = std::make_unique<ParentLink>(*this, parent.cancel_signal());
}

}  // namespace rondo::channel

#pragma once
// What ties a call to the one that it is made for (CallOptions::parent).
// Threads: home, but for the constructor and what the parent's loop tells.
#include <memory>
#include <utility>

#include "base/cancel_signal.h"

namespace rondo::channel {

class Call;

class ParentLink final : private CancelSignal::Listener {
 public:
  ParentLink(Call& call, std::shared_ptr<CancelSignal> signal)
      : call_(call), signal_(std::move(signal)) {}
  ~ParentLink() { signal_->Remove(*this); }
  // False: the parent has been cancelled already.
  bool Listen() { return signal_->Add(*this); }

 private:
  void OnCancelled() override;  // call_parent.cc

  Call& call_;
  const std::shared_ptr<CancelSignal> signal_;
};

}  // namespace rondo::channel

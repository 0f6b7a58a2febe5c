#include "base/cancel_signal.h"

#include <memory>

#include "rondo/server.h"

namespace rondo {

std::shared_ptr<CancelSignal> ServerCall::cancel_signal() const {
  std::shared_ptr<CancelSignal> signal;
  {
    const std::lock_guard lock(signal_mutex_);
    if (signal_ == nullptr) signal_ = std::make_shared<CancelSignal>();
    signal = signal_;
  }
  // Whoever cancels sets the flag first and looks for the signal then.
  if (cancelled()) signal->Fire();
  return signal;
}

void ServerCall::SetCancelled() {
  cancelled_.store(true);
  std::shared_ptr<CancelSignal> signal;
  {
    const std::lock_guard lock(signal_mutex_);
    signal = signal_;
  }
  if (signal != nullptr) signal->Fire();
}

}  // namespace rondo

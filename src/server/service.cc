#include "rondo/service.h"

#include <exception>

#include "base/text.h"

namespace rondo {

absl::Status Unimplemented(const ServerCall& call) {
  return absl::UnimplementedError(Cat(call.method(), ": the server doesn't implement this method"));
}

namespace detail {

Answer::~Answer() {
  if (call_ == nullptr) return;
  Loop& loop = call_->loop();
  if (loop.IsHere()) {
    call_->Finish(otherwise_);
    return;
  }
  loop.Post([call = call_, status = std::move(otherwise_)] { call->Finish(status); });
}

absl::Status Thrown(const ServerCall& call) {
  try {
    throw;
  } catch (const std::exception& e) {
    return absl::UnknownError(Cat(call.method(), ": the handler threw: ", e.what()));
  } catch (...) {
    return absl::UnknownError(Cat(call.method(), ": the handler threw something"));
  }
}

absl::Status TooManyWait(const ServerCall& call) {
  return absl::ResourceExhaustedError(
      Cat(call.method(), ": too many calls wait for a worker of the server"));
}

}  // namespace detail
}  // namespace rondo

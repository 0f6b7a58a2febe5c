#include "rondo/message.h"

#include "base/text.h"

namespace rondo::detail {

absl::Status TooLarge(const Method& method, size_t size) {
  return absl::ResourceExhaustedError(Cat(method.path, ": a message of ", size,
                                          " bytes can't be sent: protobuf's limit is ",
                                          kLargestMessage, " bytes"));
}

absl::Status CannotParse(const Method& method, std::string_view what) {
  return absl::InternalError(Cat(method.path, ": the ", what,
                                 " can't be parsed; is it of the same message type on both sides"));
}

absl::Status WouldBlock(const Method& method) {
  return absl::FailedPreconditionError(Cat(
      method.path, ": would block the event loop that the call needs; pass a completion token"));
}

}  // namespace rondo::detail

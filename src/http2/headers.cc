#include "http2/headers.h"

#include <atomic>

namespace rondo::http2 {
namespace {
uint64_t NextSerial() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}
}  // namespace

Token TokenOf(std::string_view name) {
  using enum Token;
  switch (name.size()) {  // At most three comparisons, usually none.
    case 2:
      return name == "te" ? kTe : kOther;
    case 5:
      return name == ":path" ? kPath : kOther;
    case 7:
      if (name == ":status") return kStatus;
      if (name == ":method") return kMethod;
      return name == ":scheme" ? kScheme : kOther;
    case 10:
      if (name == ":authority") return kAuthority;
      return name == "user-agent" ? kUserAgent : kOther;
    case 11:
      return name == "grpc-status" ? kGrpcStatus : kOther;
    case 12:
      if (name == "content-type") return kContentType;
      if (name == "grpc-message") return kGrpcMessage;
      return name == "grpc-timeout" ? kGrpcTimeout : kOther;
    case 13:
      return name == "grpc-encoding" ? kGrpcEncoding : kOther;
    case 20:
      return name == "grpc-accept-encoding" ? kGrpcAcceptEncoding : kOther;
    case 23:
      return name == "grpc-status-details-bin" ? kGrpcStatusDetails : kOther;
    default:
      return kOther;
  }
}

HeaderTemplate::HeaderTemplate(Fields fields) : owned_(std::move(fields)), serial_(NextSerial()) {
  for (const auto& [name, value] : owned_) views_.push_back({name, value, TokenOf(name)});
}

}  // namespace rondo::http2

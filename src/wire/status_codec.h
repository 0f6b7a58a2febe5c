#pragma once
// absl::Status to grpc-status, grpc-message and grpc-status-details-bin and back; what other ends
// of a call mean as a status: HTTP status, RST_STREAM code. Threads: any; nothing here has state.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "wire/fields.h"

namespace rondo::wire {

// A status carries its details, a serialised google.rpc.Status, as the payload of this type.
inline constexpr char kStatusDetailsType[] = "type.googleapis.com/google.rpc.Status";

// "0" to "16"; any other code counts as UNKNOWN.
std::string_view CodeText(absl::StatusCode code);
// "OK", "DEADLINE_EXCEEDED".
std::string_view CodeName(absl::StatusCode code);

// Appends `text` with all but 0x20-0x7e without '%' as %XX.
void AppendPercentEncoded(std::string& out, std::string_view text);
// Never fails: what isn't % and two hexadecimal digits stays as it is.
std::string PercentDecode(std::string_view text);

// The values of a status's fields, made once; the views live as long as this object.
class StatusFields {
 public:
  explicit StatusFields(const absl::Status& status);
  StatusFields(const StatusFields&) = delete;
  StatusFields& operator=(const StatusFields&) = delete;

  std::string_view code() const { return code_; }        // grpc-status
  std::string_view message() const { return message_; }  // grpc-message; empty: leave it out
  std::string_view details() const { return details_; }  // grpc-status-details-bin; likewise

 private:
  std::string_view code_;
  std::string message_, details_;
};

// From the three fields' values (empty where a field is missing). A code that isn't a number of 0
// to 16 is UNKNOWN: `grpc-status "banana" is not a status code`, then the message. Details that are
// not base64 are dropped.
absl::Status DecodeStatus(std::string_view code, std::string_view message,
                          std::string_view details);
// From the block that ends an answer. Without grpc-status: INTERNAL.
template <class Block>
absl::Status DecodeStatus(const Block& block) {
  const auto code = ValueOf(block, "grpc-status");
  if (!code) return absl::InternalError("the server ended the answer without a grpc-status");
  return DecodeStatus(*code, ValueOf(block, "grpc-message").value_or(""),
                      ValueOf(block, "grpc-status-details-bin").value_or(""));
}

// An answer without grpc-status (http-grpc-status-mapping): 400 INTERNAL, 401 UNAUTHENTICATED, 403
// PERMISSION_DENIED, 404 UNIMPLEMENTED, 429/502/503/504 UNAVAILABLE, others UNKNOWN.
absl::StatusCode CodeOfHttp(std::string_view http_status);

// Whether the headers of an answer are gRPC's; from the values of ":status" and content-type. If
// not, the status that the call gets: `HTTP status 503, content-type "text/html", instead of a gRPC
// answer`.
absl::Status CheckAnswer(std::string_view http_status, std::string_view content_type);
// The same of a whole block. One with a grpc-status is an answer, whatever its HTTP status.
template <class Block>
absl::Status CheckResponseHeaders(const Block& block) {
  if (ValueOf(block, "grpc-status")) return absl::OkStatus();
  return CheckAnswer(ValueOf(block, ":status").value_or(""),
                     ValueOf(block, "content-type").value_or(""));
}

// RST_STREAM's code (RFC 9113 section 7) as a status code; CANCEL is DEADLINE_EXCEEDED once the
// deadline has passed, since a server that gives up then may be seen before our own timer.
absl::StatusCode CodeOfReset(uint32_t reset, bool deadline_passed);
// `the server reset the stream (REFUSED_STREAM)`.
absl::Status StatusOfReset(uint32_t reset, bool deadline_passed);
// The server broke a rule of HTTP/2 on this stream, and this side answered with
// RST_STREAM(`reset`): RESOURCE_EXHAUSTED for ENHANCE_YOUR_CALM (headers beyond the limit), else
// INTERNAL.
absl::Status StatusOfPeerFault(uint32_t reset);
// How a stream without trailers ended, as http2::Closed tells it.
template <class Closed>
absl::Status StatusOfClosed(const Closed& closed, bool deadline_passed) {
  using Cause = decltype(closed.cause);
  const auto code = static_cast<uint32_t>(closed.code);
  switch (closed.cause) {
    case Cause::kPeerReset:
      return StatusOfReset(code, deadline_passed);
    case Cause::kComplete:
      return absl::InternalError("the server ended the answer without a grpc-status");
    case Cause::kGoAway:
      return absl::UnavailableError("the server is going away and did not look at the call");
    case Cause::kPeerFault:
      return StatusOfPeerFault(code);
    case Cause::kConnection:
      return absl::UnavailableError("the connection was lost");
  }
  return absl::InternalError("the stream ended");
}
// "REFUSED_STREAM"; "code 77" for one that RFC 9113 doesn't name.
std::string ResetName(uint32_t reset);

// A54: pickers, config selectors and call credentials may not give the codes that belong to
// applications; such a status becomes INTERNAL and keeps its text:
// `illegal status NOT_FOUND from the control plane: ...`.
absl::Status RestrictControlPlane(absl::Status status);

}  // namespace rondo::wire

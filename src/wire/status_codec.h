#pragma once
// absl::Status to grpc-status, grpc-message and grpc-status-details-bin and back; what other ends
// of a call mean as a status: HTTP status, RST_STREAM code. Threads: any; nothing here has state.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

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

// An answer without grpc-status (http-grpc-status-mapping): 400 INTERNAL, 401 UNAUTHENTICATED, 403
// PERMISSION_DENIED, 404 UNIMPLEMENTED, 429/502/503/504 UNAVAILABLE, others UNKNOWN.
absl::StatusCode CodeOfHttp(std::string_view http_status);

// RST_STREAM's code (RFC 9113 section 7) as a status code; CANCEL is DEADLINE_EXCEEDED once the
// deadline has passed, since a server that gives up then may be seen before our own timer.
absl::StatusCode CodeOfReset(uint32_t reset, bool deadline_passed);
// "REFUSED_STREAM"; "code 77" for one that RFC 9113 doesn't name.
std::string ResetName(uint32_t reset);

// A54: pickers, config selectors and call credentials may not give the codes that belong to
// applications; such a status becomes INTERNAL and keeps its text:
// `illegal status NOT_FOUND from the control plane: ...`.
absl::Status RestrictControlPlane(absl::Status status);

}  // namespace rondo::wire

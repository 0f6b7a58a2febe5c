#include "wire/status_codec.h"

#include <array>
#include <charconv>

#include "absl/strings/cord.h"
#include "base/text.h"
#include "wire/base64.h"
#include "wire/path.h"

namespace rondo::wire {
namespace {

struct CodeWords {
  std::string_view number, name;
};
constexpr std::array<CodeWords, 17> kCodes = {{{"0", "OK"},
                                               {"1", "CANCELLED"},
                                               {"2", "UNKNOWN"},
                                               {"3", "INVALID_ARGUMENT"},
                                               {"4", "DEADLINE_EXCEEDED"},
                                               {"5", "NOT_FOUND"},
                                               {"6", "ALREADY_EXISTS"},
                                               {"7", "PERMISSION_DENIED"},
                                               {"8", "RESOURCE_EXHAUSTED"},
                                               {"9", "FAILED_PRECONDITION"},
                                               {"10", "ABORTED"},
                                               {"11", "OUT_OF_RANGE"},
                                               {"12", "UNIMPLEMENTED"},
                                               {"13", "INTERNAL"},
                                               {"14", "UNAVAILABLE"},
                                               {"15", "DATA_LOSS"},
                                               {"16", "UNAUTHENTICATED"}}};

// In the order of their numbers, with the status that each stands for.
struct ResetWords {
  std::string_view name;
  absl::StatusCode code;
};
constexpr std::array<ResetWords, 14> kResets = {{
    {"NO_ERROR", absl::StatusCode::kInternal},
    {"PROTOCOL_ERROR", absl::StatusCode::kInternal},
    {"INTERNAL_ERROR", absl::StatusCode::kInternal},
    {"FLOW_CONTROL_ERROR", absl::StatusCode::kResourceExhausted},
    {"SETTINGS_TIMEOUT", absl::StatusCode::kInternal},
    {"STREAM_CLOSED", absl::StatusCode::kInternal},
    {"FRAME_SIZE_ERROR", absl::StatusCode::kInternal},
    {"REFUSED_STREAM", absl::StatusCode::kUnavailable},
    {"CANCEL", absl::StatusCode::kCancelled},
    {"COMPRESSION_ERROR", absl::StatusCode::kInternal},
    {"CONNECT_ERROR", absl::StatusCode::kInternal},
    {"ENHANCE_YOUR_CALM", absl::StatusCode::kResourceExhausted},
    {"INADEQUATE_SECURITY", absl::StatusCode::kPermissionDenied},
    {"HTTP_1_1_REQUIRED", absl::StatusCode::kInternal},
}};
constexpr uint32_t kResetCancel = 8, kResetEnhanceYourCalm = 11;

const CodeWords& WordsOf(absl::StatusCode code) {
  const auto i = static_cast<size_t>(code);
  return kCodes[i < kCodes.size() ? i : static_cast<size_t>(absl::StatusCode::kUnknown)];
}

bool IsPlain(char c) { return c >= 0x20 && c <= 0x7e && c != '%'; }

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Leading zeros are tolerated ("012"), as strtol in other implementations does.
std::optional<absl::StatusCode> ParseCode(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (value >= kCodes.size()) return std::nullopt;
  return static_cast<absl::StatusCode>(value);
}

void AttachDetails(absl::Status& status, std::string_view details) {
  if (details.empty()) return;
  std::string bytes;
  if (!AppendDecodedBase64(bytes, details)) return;
  // Of a view: clang mangles Cord's constructor from std::string&& otherwise than g++ built it.
  status.SetPayload(kStatusDetailsType, absl::Cord(absl::string_view(bytes)));
}

}  // namespace

std::string_view CodeText(absl::StatusCode code) { return WordsOf(code).number; }
std::string_view CodeName(absl::StatusCode code) { return WordsOf(code).name; }

void AppendPercentEncoded(std::string& out, std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (IsPlain(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
}

std::string PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
    const int low = high >= 0 ? HexValue(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

StatusFields::StatusFields(const absl::Status& status) : code_(CodeText(status.code())) {
  if (status.ok()) return;
  const auto message = status.message();
  // HTTP/2 refuses a value with spaces round it: those are written as %20.
  std::string_view inner(message.data(), message.size());
  const size_t first = inner.find_first_not_of(' ');
  if (first == std::string_view::npos) {
    for (size_t i = 0; i < inner.size(); ++i) message_ += "%20";
  } else {
    const size_t last = inner.find_last_not_of(' ') + 1;
    for (size_t i = 0; i < first; ++i) message_ += "%20";
    AppendPercentEncoded(message_, inner.substr(first, last - first));
    for (size_t i = last; i < inner.size(); ++i) message_ += "%20";
  }
  if (const auto details = status.GetPayload(kStatusDetailsType)) {
    AppendBase64(details_, std::string(*details));
  }
}

absl::Status DecodeStatus(std::string_view code, std::string_view message,
                          std::string_view details) {
  const std::optional<absl::StatusCode> known = ParseCode(code);
  if (known == absl::StatusCode::kOk) return absl::OkStatus();
  std::string text = PercentDecode(message);
  if (!known.has_value()) {
    text = Cat("grpc-status \"", PercentDecode(code.substr(0, 64)), "\" is not a status code",
               text.empty() ? "" : ": ", text);
  }
  absl::Status status(known.value_or(absl::StatusCode::kUnknown), text);
  AttachDetails(status, details);
  return status;
}

absl::StatusCode CodeOfHttp(std::string_view http_status) {
  if (http_status == "400") return absl::StatusCode::kInternal;
  if (http_status == "401") return absl::StatusCode::kUnauthenticated;
  if (http_status == "403") return absl::StatusCode::kPermissionDenied;
  if (http_status == "404") return absl::StatusCode::kUnimplemented;
  for (const std::string_view busy : {"429", "502", "503", "504"}) {
    if (http_status == busy) return absl::StatusCode::kUnavailable;
  }
  return absl::StatusCode::kUnknown;
}

absl::Status CheckAnswer(std::string_view http_status, std::string_view content_type) {
  const bool fine = http_status == "200";
  if (fine && IsGrpcContentType(content_type)) return absl::OkStatus();
  const std::string text = Cat("HTTP status ", http_status.substr(0, 8), ", content-type \"",
                               content_type.substr(0, 64), "\", instead of a gRPC answer");
  if (fine && content_type.starts_with("application/grpc+")) return absl::InternalError(text);
  return absl::Status(CodeOfHttp(http_status), text);
}

absl::StatusCode CodeOfReset(uint32_t reset, bool deadline_passed) {
  if (reset >= kResets.size()) return absl::StatusCode::kUnknown;
  if (reset == kResetCancel && deadline_passed) return absl::StatusCode::kDeadlineExceeded;
  return kResets[reset].code;
}

absl::Status StatusOfReset(uint32_t reset, bool deadline_passed) {
  return absl::Status(CodeOfReset(reset, deadline_passed),
                      Cat("the server reset the stream (", ResetName(reset), ")"));
}

absl::Status StatusOfPeerFault(uint32_t reset) {
  if (reset == kResetEnhanceYourCalm) {
    return absl::ResourceExhaustedError("the server's headers are beyond the limit");
  }
  return absl::InternalError(
      Cat("the server broke HTTP/2's rules on this stream (", ResetName(reset), ")"));
}

std::string ResetName(uint32_t reset) {
  return reset < kResets.size() ? std::string(kResets[reset].name) : Cat("code ", reset);
}

absl::Status RestrictControlPlane(absl::Status status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kDataLoss:
      return absl::InternalError(Cat("illegal status ", CodeName(status.code()),
                                     " from the control plane: ", status.message()));
    default:
      return status;
  }
}

}  // namespace rondo::wire

// Whatever a peer puts into gRPC's headers: base64, metadata, timeouts, status, load reports.
// Beside not crashing: what was read and is sent again reads the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "wire/base64.h"
#include "wire/load_report.h"
#include "wire/metadata_codec.h"
#include "wire/path.h"
#include "wire/status_codec.h"
#include "wire/timeout.h"

namespace {

using namespace rondo;

void Check(bool holds) {
  if (!holds) std::abort();
}

void Base64(std::string_view text) {
  std::string bytes, again, back;
  wire::AppendBase64(again, text);
  Check(again.size() == wire::Base64Size(text.size()));
  Check(wire::AppendDecodedBase64(back, again) && back == text);
  wire::AppendDecodedBase64(bytes, text);
}

void Report(std::string_view bytes) {
  const auto report = wire::DecodeLoadReport(bytes);
  if (!report) return;
  const auto again = wire::DecodeLoadReport(wire::EncodeLoadReport(*report));
  Check(again.has_value() && again->named == report->named);
  Check(again->cpu == report->cpu && again->memory == report->memory && again->qps == report->qps);
  Check(again->eps == report->eps && again->application == report->application);
}

// Lines of "name value".
void MetadataBlock(std::string_view text) {
  Metadata read;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() < text.size() ? line.size() + 1 : line.size());
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;
    wire::DecodeField(line.substr(0, space), line.substr(space + 1), read).IgnoreError();
  }
  wire::Fields fields;
  if (!wire::EncodeMetadata(read, fields).ok()) return;
  Metadata again;
  for (const auto& [name, value] : fields) Check(wire::DecodeField(name, value, again).ok());
  wire::Fields fields_again;
  Check(wire::EncodeMetadata(again, fields_again).ok());
  Check(std::equal(fields.begin(), fields.end(), fields_again.begin(), fields_again.end()));
}

void Timeout(std::string_view text) {
  const auto timeout = wire::DecodeTimeout(text);
  if (!timeout || timeout->count() == 0) return;
  wire::TimeoutText again;
  Check(wire::DecodeTimeout(again.Set(*timeout)) == timeout);
}

void Status(std::string_view text) {
  const size_t half = text.size() / 2;
  const absl::Status status =
      wire::DecodeStatus(text.substr(0, half), text.substr(half), text.substr(half));
  const wire::StatusFields fields(status);
  Check(wire::DecodeStatus(fields.code(), fields.message(), fields.details()) == status);
  for (const char c : fields.message()) Check(c >= 0x20 && c <= 0x7e);
  wire::CheckAnswer(text.substr(0, half), text.substr(half)).IgnoreError();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 5) {
    case 0:
      Base64(text);
      Report(text);
      break;
    case 1:
      MetadataBlock(text);
      break;
    case 2:
      Timeout(text);
      break;
    case 3:
      Status(text);
      break;
    default:
      wire::ParsePath(text);
      wire::IsGrpcContentType(text);
  }
  return 0;
}

#include "channel/load_probe.h"

#include <string_view>

#include "channel/carrier.h"
#include "channel/core.h"
#include "wire/compression.h"
#include "wire/load_report.h"
#include "wire/status_codec.h"

namespace rondo::channel {
namespace {

constexpr Method kProbe{"/rondo.load.v1.LoadProbe/Probe", false, false};
constexpr size_t kMostProbeBytes = 64 << 10;  // Of a reply.

}  // namespace

bool LoadProbe::Start(Duration timeout) {
  stream_.set_max_message(kMostProbeBytes);
  // As a unary call: a second reply would be seen, and not left lying before the trailers.
  constexpr int kPulls = 2;
  if (!carrier_.connection().Start(stream_, *this, core_.heads().Of(kProbe), {},
                                   FrameMessage(std::string_view()), /*end=*/true, kPulls)) {
    return false;
  }
  core_.home().Arm(*this, core_.home().Now() + timeout);
  carrier_.NoteSlots();
  return true;
}

void LoadProbe::OnHeaders(const http2::Headers& headers) {
  good_ = wire::CheckResponseHeaders(headers).ok();
  if (!good_) return stream_.Discard();
  if (const http2::Header* h = headers.Find(http2::Token::kGrpcEncoding)) {
    encoding_ = wire::ParseEncoding(h->value);
  }
}

void LoadProbe::OnMessage(const transport::Message& message) {
  Bytes bytes = message.bytes;
  ByteVector plain;
  if (message.compressed) {
    if (!encoding_ || *encoding_ == Compression::kIdentity ||
        !wire::DecompressMessage(*encoding_, bytes, kMostProbeBytes, plain).ok()) {
      good_ = false;
      return;
    }
    bytes = plain;
  }
  report_ = wire::DecodeLoadReport({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!report_) return backend_.load.RefuseReport();
  report_->at = core_.home().Now();
}

void LoadProbe::OnEnd(const transport::End& end) {
  // A connection that goes has no slots to tell of.
  const bool lost =
      end.why == transport::Why::kWire &&
      (end.closed.cause == http2::Cause::kConnection || end.closed.cause == http2::Cause::kGoAway);
  if (!lost) carrier_.NoteSlots();
  absl::StatusCode code = absl::StatusCode::kUnknown;
  if (good_ && end.why == transport::Why::kTrailers &&
      wire::CheckResponseHeaders(*end.trailers).ok()) {
    code = wire::DecodeStatus(*end.trailers).code();
  }
  if (code != absl::StatusCode::kOk) report_.reset();
  owner_.OnProbeEnd(*this, code == absl::StatusCode::kUnimplemented);
}

void LoadProbe::OnTimer() {
  stream_.Cancel();
  carrier_.NoteSlots();
  report_.reset();
  owner_.OnProbeEnd(*this, false);
}

}  // namespace rondo::channel

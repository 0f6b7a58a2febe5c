#include "channel/service_watch.h"

#include <algorithm>
#include <utility>

#include "channel/carrier.h"
#include "channel/core.h"
#include "wire/compression.h"
#include "wire/status_codec.h"

namespace rondo::channel {

void ServiceWatch::Open() {
  OnOpen();
  broken_ = absl::OkStatus();
  encoding_ = Compression::kIdentity;
  stream_.set_max_message(most_);
  Slice request =
      FrameMessage(request_.size(), [&](uint8_t* to) { std::ranges::copy(request_, to); });
  waits_for_slot_ = !carrier_.connection().Start(stream_, *this, core_.heads().Of(method_), {},
                                                 std::move(request), /*end=*/true);
  if (!waits_for_slot_) carrier_.NoteSlots();
}

void ServiceWatch::OnHeaders(const http2::Headers& headers) {
  broken_ = wire::CheckResponseHeaders(headers);
  if (!broken_.ok()) return stream_.Discard();
  if (const http2::Header* h = headers.Find(http2::Token::kGrpcEncoding)) {
    encoding_ = wire::ParseEncoding(h->value);
  }
}

void ServiceWatch::OnMessage(const transport::Message& message) {
  Bytes bytes = message.bytes;
  ByteVector plain;
  if (message.compressed) {
    if (!encoding_ || *encoding_ == Compression::kIdentity ||
        !wire::DecompressMessage(*encoding_, bytes, most_, plain).ok()) {
      return GiveUp(absl::InternalError("its answer is compressed in a way that was not offered"));
    }
    bytes = plain;
  }
  if (absl::Status wrong = OnReply(bytes); !wrong.ok()) return GiveUp(wrong);
  attempt_ = 0;
  stream_.Pull(1);
}

void ServiceWatch::OnEnd(const transport::End& end) {
  // Of a connection that goes the subchannel tells.
  if (end.why == transport::Why::kWire && (end.closed.cause == http2::Cause::kConnection ||
                                           end.closed.cause == http2::Cause::kGoAway)) {
    return;
  }
  carrier_.NoteSlots();
  const absl::Status status = StatusOf(end);
  if (status.code() != absl::StatusCode::kUnimplemented) return GiveUp(status);
  OnUnimplemented(status);
}

absl::Status ServiceWatch::StatusOf(const transport::End& end) {
  if (end.why == transport::Why::kTrailers) {
    if (broken_.ok()) broken_ = wire::CheckResponseHeaders(*end.trailers);
    return broken_.ok() ? wire::DecodeStatus(*end.trailers) : broken_;
  }
  if (!broken_.ok()) return broken_;
  if (end.why == transport::Why::kWire) return wire::StatusOfClosed(end.closed, false);
  return absl::InternalError("its answer is no message of gRPC's");
}

// It has ended, whatever its status. Asked again after a while.
void ServiceWatch::GiveUp(const absl::Status& why) {
  stream_.Cancel();
  core_.home().Arm(*this, core_.home().Now() + core_.BackoffDelay(attempt_++));
  OnGivenUp(why);
}

}  // namespace rondo::channel

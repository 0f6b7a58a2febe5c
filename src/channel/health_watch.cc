#include "channel/health_watch.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "channel/carrier.h"
#include "channel/core.h"
#include "wire/compression.h"
#include "wire/proto_fields.h"
#include "wire/status_codec.h"

namespace rondo::channel {
namespace {

constexpr Method kWatch{"/grpc.health.v1.Health/Watch", false, true};
constexpr size_t kMostBytes = 4096;  // Of a HealthCheckResponse, which has 2.
constexpr uint64_t kServing = 1;

std::string NameOf(uint64_t status) {
  constexpr std::string_view kNames[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
  return status < std::size(kNames) ? std::string(kNames[status]) : Cat("status ", status);
}

// HealthCheckRequest.
Slice Request(std::string_view service) {
  std::string body;
  if (!service.empty()) wire::AppendText(body, 1, service);
  return FrameMessage(body.size(), [&](uint8_t* to) { std::ranges::copy(body, to); });
}

std::string_view TextOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

}  // namespace

HealthWatch::HealthWatch(Core& core, Carrier& carrier, std::string service, std::string address,
                         Owner& owner)
    : core_(core),
      carrier_(carrier),
      service_(std::move(service)),
      address_(std::move(address)),
      owner_(owner) {
  Open();
}

void HealthWatch::Open() {
  Become(Connectivity::kConnecting, absl::OkStatus());
  broken_ = absl::OkStatus();
  encoding_ = Compression::kIdentity;
  stream_.set_max_message(kMostBytes);
  waits_for_slot_ = !carrier_.connection().Start(stream_, *this, core_.heads().Of(kWatch), {},
                                                 Request(service_), /*end=*/true);
  if (!waits_for_slot_) carrier_.NoteSlots();
}

void HealthWatch::OnHeaders(const http2::Headers& headers) {
  broken_ = wire::CheckResponseHeaders(headers);
  if (!broken_.ok()) return stream_.Discard();
  if (const http2::Header* h = headers.Find(http2::Token::kGrpcEncoding)) {
    encoding_ = wire::ParseEncoding(h->value);
  }
}

void HealthWatch::OnMessage(const transport::Message& message) {
  Bytes bytes = message.bytes;
  std::vector<uint8_t> plain;
  if (message.compressed) {
    if (!encoding_ || *encoding_ == Compression::kIdentity ||
        !wire::DecompressMessage(*encoding_, bytes, kMostBytes, plain).ok()) {
      return GiveUp(absl::InternalError("its answer is compressed in a way that was not offered"));
    }
    bytes = plain;
  }
  uint64_t status = 0;
  wire::ProtoReader reader(bytes);
  while (reader.Next()) {
    if (reader.field() == 1 && !reader.is_text()) status = reader.number();
  }
  if (!reader.good()) return GiveUp(absl::InternalError("its answer is no HealthCheckResponse"));
  attempt_ = 0;
  stream_.Pull(1);
  if (status == kServing) return Become(Connectivity::kReady, absl::OkStatus());
  Become(Connectivity::kTransientFailure,
         absl::UnavailableError(
             service_.empty() ? Cat("the server says that it is ", NameOf(status))
                              : Cat("the server says that ", service_, " is ", NameOf(status))));
}

void HealthWatch::OnEnd(const transport::End& end) {
  // Of a connection that goes the subchannel tells.
  if (end.why == transport::Why::kWire && (end.closed.cause == http2::Cause::kConnection ||
                                           end.closed.cause == http2::Cause::kGoAway)) {
    return;
  }
  carrier_.NoteSlots();
  absl::Status status = StatusOf(end);
  if (status.code() != absl::StatusCode::kUnimplemented) return GiveUp(std::move(status));
  // A17: a server without the service counts as healthy, for as long as the connection lasts.
  core_.WarnOf(address_, Cat("healthCheckConfig: the server has no health service, so every "
                             "connection to it counts as healthy: ",
                             TextOf(status)));
  Become(Connectivity::kReady, absl::OkStatus());
}

absl::Status HealthWatch::StatusOf(const transport::End& end) {
  if (end.why == transport::Why::kTrailers) {
    if (broken_.ok()) broken_ = wire::CheckResponseHeaders(*end.trailers);
    return broken_.ok() ? wire::DecodeStatus(*end.trailers) : broken_;
  }
  if (!broken_.ok()) return broken_;
  if (end.why == transport::Why::kWire) return wire::StatusOfClosed(end.closed, false);
  return absl::InternalError("its answer is no message of gRPC's");
}

// The watch has ended, whatever its status: that says nothing good. Asked again after a while.
void HealthWatch::GiveUp(absl::Status why) {
  stream_.Cancel();
  core_.home().Arm(*this, core_.home().Now() + core_.BackoffDelay(attempt_++));
  Become(Connectivity::kTransientFailure,
         absl::UnavailableError(Cat("the watch ended with ", wire::CodeName(why.code()),
                                    why.message().empty() ? "" : ": ", TextOf(why))));
}

void HealthWatch::Become(Connectivity health, absl::Status why) {
  if (health == health_ && why == why_) return;
  health_ = health;
  why_ = std::move(why);
  owner_.OnHealth();
}

}  // namespace rondo::channel

// What a call sends: headers, replies, and the status that ends it.
#include <utility>

#include "base/text.h"
#include "server/call.h"
#include "server/core.h"
#include "server/shard.h"
#include "wire/load_report.h"
#include "wire/metadata_codec.h"
#include "wire/status_codec.h"

namespace rondo::server {
namespace {

using http2::HeaderTemplate;

// Never destroyed: sessions of the default pool's loops live until the process exits.
const HeaderTemplate& Head() {
  static const auto& head =
      *new HeaderTemplate({{":status", "200"}, {"content-type", "application/grpc"}});
  return head;
}
const HeaderTemplate& OkTrailers() {
  static const auto& trailers = *new HeaderTemplate(HeaderTemplate::Fields{{"grpc-status", "0"}});
  return trailers;
}
const HeaderTemplate& NoFields() {
  static const auto& none = *new HeaderTemplate(HeaderTemplate::Fields{});
  return none;
}
const HeaderTemplate& WrongMethodHead() {
  static const auto& head =
      *new HeaderTemplate({{":status", "405"}, {"content-type", "text/plain"}, {"allow", "POST"}});
  return head;
}
const HeaderTemplate& WrongMediaTypeHead() {
  static const auto& head =
      *new HeaderTemplate({{":status", "415"}, {"content-type", "text/plain"}});
  return head;
}
Slice Text(std::string_view text) {
  return Slice::Static({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

void Append(std::vector<http2::Header>& out, const wire::Fields& fields) {
  for (const auto& [name, value] : fields) out.push_back({.name = name, .value = value});
}

}  // namespace

absl::Status Call::PutHead() {
  if (head_sent_) return absl::OkStatus();
  wire::Fields& fields = shard_->scratch_fields();
  if (absl::Status wrong = wire::EncodeMetadata(headers_, fields); !wrong.ok()) return wrong;
  head_sent_ = true;
  std::vector<http2::Header>& extra = shard_->scratch();
  extra.clear();
  if (compression_ != Compression::kIdentity) {
    extra.push_back(
        {.name = "grpc-encoding", .value = wire::EncodingName(compression_), .index = true});
  }
  Append(extra, fields);
  stream_.Respond(Head(), extra, false);
  return absl::OkStatus();
}

// False: a header was wrong, and the call has ended with that.
bool Call::SendHead() {
  absl::Status wrong = PutHead();
  if (wrong.ok()) return true;
  headers_.clear();
  Abandon(wrong);
  return false;
}

void Call::SendHeaders() {
  if (!over_) SendHead();
}

// A51: the call's own figures over those of the server.
void Call::AddLoadReport() {
  const std::optional<ServerLoad>& server = shard_->core().load();
  LoadReport all = server && route_ != nullptr ? server->Get() : LoadReport();
  if (load_report_ != nullptr) all = wire::MergeLoadReports(std::move(all), *load_report_);
  const std::string bytes = wire::EncodeLoadReport(all);
  if (!bytes.empty()) AddTrailer(wire::kLoadReportKey, bytes);
}

// Trailers, or trailers only where nothing went before them.
void Call::SendEnd(const absl::Status& status) {
  if (std::exchange(over_, true) || shard_ == nullptr) return;
  deadline_timer_.Disarm();
  if (load_report_ != nullptr || shard_->core().load()) AddLoadReport();
  absl::Status wrong;
  if (!headers_.empty()) wrong = PutHead();
  wire::Fields& fields = shard_->scratch_fields();
  wrong.Update(wire::EncodeMetadata(trailers_, fields));
  const absl::Status& said = wrong.ok() ? status : wrong;
  shard_->CallEnds(said.ok());
  if (observed_) ObserveEnd(said.code());
  if (head_sent_ && said.ok() && fields.empty()) return stream_.Finish(OkTrailers(), {});
  const wire::StatusFields words(said);
  std::vector<http2::Header>& extra = shard_->scratch();
  extra.clear();
  extra.push_back({.name = "grpc-status", .value = words.code(), .index = true});
  if (!words.message().empty()) {
    extra.push_back({.name = "grpc-message", .value = words.message()});
  }
  if (!words.details().empty()) {
    extra.push_back({.name = "grpc-status-details-bin", .value = words.details()});
  }
  if (tells_encodings_) {
    extra.push_back({.name = "grpc-accept-encoding", .value = wire::kAcceptEncoding});
  }
  if (!pushback_.empty()) extra.push_back({.name = "grpc-retry-pushback-ms", .value = pushback_});
  Append(extra, fields);
  if (!head_sent_) return stream_.Respond(Head(), extra, true);
  stream_.Finish(NoFields(), extra);
}

void Call::SendHttp() {
  if (std::exchange(over_, true)) return;
  const bool method = answer_ == Answer::kWrongMethod;
  stream_.Respond(method ? WrongMethodHead() : WrongMediaTypeHead(), {}, false);
  stream_.Send(Text(method ? "this is a gRPC server: it answers POST\n"
                           : "this is a gRPC server: it answers content-type application/grpc\n"),
               true);
}

// False: the call has ended with RESOURCE_EXHAUSTED.
bool Call::FitsForSending(const Slice& framed) {
  const size_t size = framed.size() - kMessagePrefix;
  const size_t limit = shard_->core().options().max_send_message;
  if (size <= limit) return true;
  Abandon(absl::ResourceExhaustedError(Cat(method_, ": a reply of ", size, " bytes to ", *peer_,
                                           " is more than the limit of ", limit)));
  return false;
}

bool Call::SetCompression(Compression compression) {
  if (head_sent_ || !accepted_.Has(compression)) return false;
  compression_ = compression;
  return true;
}

Slice Call::Packed(Slice framed, WriteOptions options) const {
  if (compression_ == Compression::kIdentity || !options.compress) return framed;
  return wire::CompressMessage(compression_, std::move(framed));
}

void Call::Write(Slice framed, Function<void(bool)> done, WriteOptions options) {
  if (write_done_) {
    extra_writes_.push_back(std::move(done));
    return Later();
  }
  write_done_ = std::move(done);
  room_ = false;
  if (!over_ && FitsForSending(framed) && SendHead()) {
    framed = Packed(std::move(framed), options);
    sent_bytes_ += framed.size() - kMessagePrefix;
    room_ = stream_.Send(std::move(framed), false);
  }
  if (over_ || room_) Later();
}

void Call::OnWritable() {
  room_ = true;
  if (write_done_) Later();
}

void Call::Finish(const absl::Status& status) {
  if (!HoldsEnd(status, nullptr)) FinishNow(status);
}

void Call::FinishNow(const absl::Status& status) {
  SendEnd(status);
  if (stream_.open()) stream_.Discard();  // Else it is as new already, and used again.
  Done();
  FreeIfOver(true);
}

void Call::Reply(Slice framed) {
  if (!HoldsEnd(absl::OkStatus(), &framed)) ReplyNow(std::move(framed));
}

void Call::ReplyNow(Slice framed) {
  if (!over_ && FitsForSending(framed) && SendHead()) {
    framed = Packed(std::move(framed), WriteOptions());
    sent_bytes_ += framed.size() - kMessagePrefix;
    stream_.Send(std::move(framed), false);
    SendEnd(absl::OkStatus());
  }
  stream_.Discard();
  Done();
  FreeIfOver(true);
}

}  // namespace rondo::server

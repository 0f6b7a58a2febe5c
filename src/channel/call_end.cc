// How a call's attempts end: what the peer's answer means, whether to try again, and who is told.
#include <algorithm>

#include "base/text.h"
#include "channel/call.h"
#include "channel/carrier.h"
#include "channel/live_subchannel.h"
#include "channel/repeats.h"
#include "wire/base64.h"
#include "wire/compression.h"
#include "wire/load_report.h"
#include "wire/metadata_codec.h"
#include "wire/status_codec.h"

namespace rondo::channel {

using transport::Why;
using Wait = CallRecord::Wait;

void Call::OnHeaders(const http2::Headers& headers) {
  // An answer: the call is committed, it will not be sent again (A6).
  committed_ = true;
  broken_ = wire::CheckResponseHeaders(headers);
  if (!broken_.ok()) return stream_.Discard();  // No gRPC server has seen the call.
  if (!body_.committed()) body_.Commit();
  if (const http2::Header* h = headers.Find(http2::Token::kGrpcEncoding)) {
    encoding_ = h->value == "identity" ? "" : std::string(h->value);
  }
  if (report_ != nullptr || !unary_ || interception_ != nullptr) KeepMetadata(headers, headers_);
  headers_seen_ = true;
  if (headers_done_) Later();
  if (retry_ != nullptr) retry_->OnAnswer();
}

void Call::KeepMetadata(const http2::Headers& headers, Metadata& into) {
  if (absl::Status s = wire::DecodeMetadata(headers, into); !s.ok()) broken_ = std::move(s);
}

void Call::OnMessage(const transport::Message& came) {
  transport::Message message = came;
  received_bytes_ += message.bytes.size();
  if (message.compressed && !Unpack(message)) return;
  if (++replies_ > 1 && !method_.server_streams) {
    return EndStream(absl::UnimplementedError(
        Cat(method_.path, ": the server sent more than one reply, the method has one")));
  }
  if (unary_) {
    reply_ = message.MoveInto(reply_memory_);
    return;
  }
  if (auto done = std::exchange(read_done_, nullptr)) {
    done(message.bytes);  // It may drop the call; the running call's share lasts.
    if (where_ != Where::kStream) return;
  }
  // Somebody waits for the end and nobody for more: the rest must not keep it from coming. A second
  // reply of a method that has one must be seen, too.
  if (!read_done_ && (dropping_replies_ || !method_.server_streams)) stream_.Pull(1);
}

// Undoes the compression of a reply. False: that was not possible, and the call has ended.
bool Call::Unpack(transport::Message& message) {
  if (encoding_.empty()) {
    EndStream(absl::InternalError(
        Cat(method_.path, ": the server sent a compressed message without grpc-encoding")));
    return false;
  }
  const std::optional<Compression> how = wire::ParseEncoding(encoding_);
  if (!how) {
    EndStream(absl::InternalError(Cat(method_.path, ": the server compressed with \"", encoding_,
                                      "\", which was not offered")));
    return false;
  }
  const absl::Status s = wire::DecompressMessage(*how, message.bytes, max_receive_, unpacked_);
  message = {.bytes = unpacked_, .compressed = false, .storage = &unpacked_};
  if (!s.ok())
    EndStream(absl::Status(s.code(), Cat(method_.path, ": the server sent ", s.message())));
  return s.ok();
}

// Found here that the answer is wrong: the stream is reset, the call ends with `why`.
void Call::EndStream(absl::Status why) {
  stream_.Cancel(http2::Code::kCancel);
  LeaveStream(why);
  Complete(Explained(std::move(why)));
}

void Call::OnEnd(const transport::End& end) {
  const bool again = MayRepeat(end);
  absl::Status status = StatusOf(end);
  LeaveStream(status, end.why != Why::kWire || end.closed.fate != http2::Fate::kNotSent);
  if (again) {
    body_.Rewind();
    record_.NoteEnd(status, end.closed.fate == http2::Fate::kNotSent ? Sequel::kNotSent
                                                                     : Sequel::kNotProcessed);
    record_.now().transparent = true;
    if (core_->observed()) ObserveEnd();
    record_.NextAttempt();
    where_ = Where::kQueued;
    BeginAttempt();
    return PickAgain();
  }
  if (retry_ != nullptr && Retried(status, end.trailers)) return;
  Complete(std::move(status));
}

// The retry policy (A6). True: there will be another attempt. Otherwise `status` may have learnt
// why there is none.
bool Call::Retried(absl::Status& status, const http2::Headers* trailers) {
  if (retry_ == nullptr || status.ok() || core_->closed()) return false;
  const bool committed = headers_seen_ || body_.committed() || body_.overflowed();
  if (!retry_->Decide(status, committed, trailers)) return false;
  record_.NoteEnd(status, record_.now().sequel);
  Rest();
  return true;
}

// Until TryAgain or EndAs.
void Call::Rest() {
  if (core_->observed()) ObserveEnd();
  ForgetAnswer();
  if (credentials_ != nullptr) credentials_->Spend();
  body_.Rewind();
  record_.NextAttempt();
  where_ = Where::kBackoff;
  record_.Turn(Wait::kBackoff, core_->home().Now());
  core_->Rest(*this);
}

void Call::ForgetAnswer() {
  committed_ = false;
  broken_ = absl::OkStatus();
  encoding_.clear();
  headers_.clear();
  trailers_.clear();
  reply_ = {};
  replies_ = 0;
}

Call* Call::NewHedge(CallReport& report) const {
  CallOptions options;
  if (deadline_ != Time::max()) options.deadline = deadline_;
  options.wait_for_ready = wait_for_ready_;
  options.affinity_key = affinity_;
  options.compression = compression_;
  options.credentials = own_credentials_;
  options.report = &report;
  const Bytes framed = body_.unary();
  Call* hedge = New(core_, method_, options, framed.size() - kMessagePrefix);
  std::copy(framed.begin(), framed.end(), hedge->body_.unary_bytes());
  hedge->metadata_ = metadata_;
  return hedge;
}

void Call::BePart(std::unique_ptr<Repeats> of) { retry_ = std::move(of); }

void Call::NoteTried(std::vector<const Subchannel*>& tried) const {
  for (const Attempt& earlier : record_.earlier()) {
    if (earlier.backend != nullptr) tried.push_back(earlier.backend.get());
  }
  if (backend_ != nullptr) tried.push_back(backend_.get());
}

void Call::Yield() {
  if (where_ == Where::kEnded || where_ == Where::kBackoff) return;
  const absl::Status why = absl::CancelledError("another attempt was answered");
  LeaveAttempt(why);
  record_.NoteEnd(why, Sequel::kHedged);
  Rest();
}

// Lets go of what the attempt holds, from our side: a stream is reset, a pick hears that nothing
// began.
void Call::LeaveAttempt(const absl::Status& why) {
  if (where_ == Where::kStream) {
    stream_.Cancel(http2::Code::kCancel);
    LeaveStream(why);
  } else if (where_ == Where::kSlot || where_ == Where::kCredentials) {
    ForgetPick();
  }
  LeaveQueue();
}

// A hedge's end is this call's.
void Call::EndAs(CallReport report, UnaryResult result) {
  if (where_ == Where::kEnded) return;
  LeaveQueue();
  record_.Adopt(std::move(report.attempts));
  headers_ = std::move(report.headers);
  trailers_ = std::move(report.trailers);
  reply_memory_.assign(result.message.begin(), result.message.end());
  reply_ = reply_memory_;
  CompleteLater(std::move(result.status));
}

void Call::TryAgain() {
  LeaveQueue();
  where_ = Where::kQueued;
  BeginAttempt();
  PickAgain();
}

void Call::BeginAttempt() {
  const Time now = core_->home().Now();
  record_.Turn(Wait::kQueue, now);
  record_.now().began = now;
  if (core_->observed()) ObserveStart();
}

// Transparent retries (A6): freely if no byte was sent, once if the server says that it didn't
// look.
bool Call::MayRepeat(const transport::End& end) {
  if (end.why != Why::kWire || committed_ || core_->closed() || body_.overflowed()) return false;
  switch (end.closed.fate) {
    case http2::Fate::kNotSent:
      return true;
    case http2::Fate::kNotProcessed:
      if (retry_ != nullptr && !retry_->first()) return false;
      return !std::exchange(repeated_, true);
    case http2::Fate::kMaybeProcessed:
      return false;
  }
  return false;
}

absl::Status Call::StatusOf(const transport::End& end) {
  switch (end.why) {
    case Why::kTrailers:
      return StatusOfAnswer(*end.trailers);
    case Why::kWire:
      if (core_->closed()) return Explained(absl::CancelledError("the channel was closed"));
      if (!broken_.ok()) return Explained(broken_);
      return Explained(StatusOfClosed(end.closed));
    case Why::kMessageTooLong:
      return Explained(
          absl::ResourceExhaustedError(Cat(method_.path, ": a reply of ", end.length,
                                           " bytes is more than the limit of ", max_receive_)));
    case Why::kBadPrefix:
      return Explained(absl::InternalError(
          Cat(method_.path, ": a reply's first byte is ", end.length, ", it should be 0 or 1")));
    case Why::kTruncatedMessage:
      return Explained(
          absl::InternalError(Cat(method_.path, ": the answer ended inside a message")));
    case Why::kNoTrailers:
      if (!broken_.ok()) return Explained(broken_);
      return Explained(absl::InternalError(
          Cat(method_.path, ": the server ended the answer without a grpc-status")));
    case Why::kStalled:
      return Explained(absl::UnavailableError(
          Cat(method_.path, ": the server took none of the request's bytes in time")));
  }
  return absl::InternalError("unreachable");
}

absl::Status Call::StatusOfClosed(const http2::Closed& closed) {
  absl::Status status = wire::StatusOfClosed(closed, deadline_ <= core_->home().Now());
  if (closed.cause != http2::Cause::kConnection && closed.cause != http2::Cause::kGoAway) {
    return status;
  }
  const std::string cause = carrier_->cause();
  return cause.empty() ? status : absl::Status(status.code(), Cat(status.message(), ": ", cause));
}

absl::Status Call::StatusOfAnswer(const http2::Headers& trailers) {
  committed_ = true;  // Trailers alone are an answer, too.
  if (!headers_seen_ && broken_.ok()) broken_ = wire::CheckResponseHeaders(trailers);
  if (!broken_.ok()) return Explained(broken_);
  if (core_->reads_call_reports()) TakeLoadReport(trailers);
  absl::Status status = wire::DecodeStatus(trailers);
  if (report_ != nullptr || interception_ != nullptr) KeepMetadata(trailers, trailers_);
  if (status.ok() && !broken_.ok()) return Explained(broken_);
  if (status.ok() && replies_ == 0 && !method_.server_streams) {
    return Explained(
        absl::UnimplementedError(Cat(method_.path, ": the server answered OK without a reply")));
  }
  return status;  // The server's own words stay as they are.
}

// The server's own report (A51), for the load cell and for those who watch the pick. One that is
// none, or two, are ignored.
void Call::TakeLoadReport(const http2::Headers& trailers) {
  std::string bytes;
  int found = 0;
  bool good = true;
  for (const http2::Header& h : trailers.fields) {
    if (h.token != http2::Token::kOther || h.name != wire::kLoadReportKey) continue;
    good = ++found == 1 && wire::AppendDecodedBase64(bytes, h.value);
  }
  if (found == 0) return;
  std::optional<LoadReport> report;
  if (good) report = wire::DecodeLoadReport(bytes);
  if (!report) return backend_->load.RefuseReport();
  report->at = core_->home().Now();
  load_report_ = std::make_unique<LoadReport>(*std::move(report));
}

// The attempt is over: the load cell and those who watch the pick learn how it went.
void Call::LeaveStream(const absl::Status& status, bool sent) {
  const Time now = core_->home().Now();
  record_.Turn(Wait::kNone, now);
  record_.now().code = status.code();
  record_.now().backend = backend_;
  const CallEnd end{.status = status,
                    .latency = now - began_attempt_,
                    .now = now,
                    .bytes_sent = sent,
                    .bytes_received = committed_,
                    .report = load_report_.get()};
  backend_->load.End(end);
  if (backend_->live != nullptr) backend_->live->NoteSlots();
  TellWatches(end);
  load_report_ = nullptr;
  pick_ = Queue{};
  pin_ = nullptr;
}

// ---- The end of the call.

// Adds what the user would ask next: where the time went, and what the channel knew. The server's
// own statuses are not touched.
absl::Status Call::Explained(absl::Status status) {
  if (status.ok()) return status;
  record_.Settle(core_->home().Now());
  if (where_ == Where::kStream) record_.now().backend = backend_;
  std::string text(MessageOf(status));
  Append(text, Cat(text.empty() ? "" : "; ", core_->ShortTarget(), " after ",
                   ShortDuration(core_->home().Now() - began_), ", ", record_.Text()));
  if (where_ == Where::kQueued) {
    Append(text, Cat("; ", core_->Explain()));
  } else if (where_ != Where::kIntercepted) {
    Append(text, Cat("; policy ", record_.now().policy));
  }
  return absl::Status(status.code(), text);
}

void Call::CompleteLater(absl::Status status) {
  MarkEnded(std::move(status));
  Later();
}

void Call::Complete(absl::Status status) {
  MarkEnded(std::move(status));
  OnTurnEnd();
}

// The last attempt's end is the call's.
void Call::NoteFailure(const absl::Status& status) {
  Attempt& last = record_.now();
  if (last.code == absl::StatusCode::kOk) last.code = status.code();
  if (last.sequel == Sequel::kNone) {
    last.sequel = retry_ == nullptr ? Sequel::kNoPolicy : Sequel::kCallOver;
  }
  const bool read = report_ != nullptr || interception_ != nullptr || !unary_;  // By anybody.
  if (read && last.message.empty()) last.message = std::string(status.message());
}

void Call::MarkEnded(absl::Status status) {
  const Time now = core_->home().Now();
  record_.Turn(Wait::kNone, now);
  if (!status.ok()) NoteFailure(status);
  const bool began = where_ != Where::kBackoff && where_ != Where::kIntercepted;
  if (core_->observed() && began) ObserveEnd();
  where_ = Where::kEnded;
  if (credentials_ != nullptr) credentials_->Spend();  // Those that are not asked yet may be gone.
  Disarm();
  if (parent_ != nullptr) parent_ = nullptr;
  body_.Release();
  if (retry_ != nullptr) retry_->Stop();
  if (core_->observed()) ObserveCall(now, status);
  if (status.ok() && (retry_ == nullptr || !retry_->part())) core_->retry_budget().OnSuccess();
  status_ = std::move(status);
  core_->OnCallEnd(status_.ok());
  if (interception_ != nullptr) interception_->NoteEnd(headers_, trailers_, record_.All());
  if (report_ != nullptr && !abandoned_.load(std::memory_order_relaxed)) FillReport(now);
  recorded_.store(true, std::memory_order_release);
}

void Call::FillReport(Time now) {
  report_->total = now - began_;
  if (!unary_) {  // Whose object may still be asked.
    report_->headers = headers_;
    report_->trailers = trailers_;
    report_->attempts = record_.All();
    const SubchannelRef& last = record_.now().backend;
    report_->peer = last == nullptr ? "" : last->address;
    return;
  }
  report_->headers = std::move(headers_);
  report_->trailers = std::move(trailers_);
  record_.MoveInto(*report_);
}

std::vector<Attempt> Call::Attempts() const {
  if (!recorded_.load(std::memory_order_acquire)) return {};
  return record_.All();
}

}  // namespace rondo::channel

// A call's life: its requests, its handler, its end. What it sends is in call_send.cc.
#include "server/call.h"

#include <utility>

#include "base/text.h"
#include "server/connection.h"
#include "server/core.h"
#include "server/dispatch.h"
#include "server/shard.h"
#include "server/worker_pool.h"

namespace rondo::server {
namespace {

constexpr size_t kRequestKept = 64 << 10;  // Bytes of memory kept for the next request.

Time Add(Time now, Duration timeout) {
  return timeout > Time::max() - now ? Time::max() : now + timeout;
}

}  // namespace

// While one exists the object stays, whatever the handler does.
class Call::Pin {
 public:
  // `last`: its end isn't inside an event of the stream, which must not go in one.
  explicit Pin(Call& call, bool last = false) : call_(call), last_(last) { ++call_.pins_; }
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;
  ~Pin() {
    --call_.pins_;
    call_.FreeIfOver(last_);
  }

 private:
  Call& call_;
  const bool last_;
};

Call::Call(Shard& shard) : shard_(&shard), workers_(&shard.core().workers()) {
  loop_ = &shard.loop();
}

// ---- Beginnings.

void Call::Attach(Connection& connection) {
  connection_ = &connection;
  connection.Add(*this);
  peer_ = &connection.peer();
  identity_ = connection.identity();
}

void Call::Begin(Connection& connection, const Route& route, const RequestHead& head,
                 bool admitted) {
  Attach(connection);
  connection.TakeSlot();
  shard_->CallBegins();
  admitted_ = admitted;
  route_ = &route;
  method_ = observed_path_ = route.method->path;
  if (method_.empty()) {
    own_path_ = head.path;
    method_ = own_path_;
  }
  if (shard_->observed()) ObserveStart();
  request_encoding_ = head.encoding;
  accepted_ = head.accepted;
  const Compression usual = shard_->core().options().compression;
  if (usual != Compression::kIdentity) SetCompression(usual);
  if (head.timeout) {
    timeout_ = *head.timeout;
    deadline_ = Add(shard_->loop().Now(), timeout_);
    if (*deadline_ != Time::max()) shard_->loop().Arm(deadline_timer_, *deadline_);
  }
  if (route.method->client_streams) {
    Later();  // Its handler may begin.
  } else {
    stream_.Pull(2);  // A second request would be an error, and hides the end if nobody reads it.
  }
}

void Call::BeginRefused(Connection& connection, RequestHead& head, std::string_view known) {
  Attach(connection);
  observed_path_ = known;
  shard_->CallBegins();
  if (shard_->observed()) ObserveStart();
  done_ = true;
  answer_ = Answer::kStatus;
  refusal_ = std::move(head.why);
  tells_encodings_ = head.strange_encoding;
  if (head.pushback_ms > 0) pushback_ = std::to_string(head.pushback_ms);
  stream_.Discard();
  Later();
}

// Answered when the request is complete, so that a client that checks its peer by HTTP's rules
// (h2spec) is held to them in full.
void Call::BeginHttp(Connection& connection, RequestHead::Kind answer) {
  Attach(connection);
  done_ = true;
  answer_ =
      answer == RequestHead::Kind::kWrongMethod ? Answer::kWrongMethod : Answer::kWrongMediaType;
  stream_.Discard();
}

// ---- Requests.

void Call::OnMessage(const transport::Message& came) {
  if (done_ || over_) return;
  transport::Message message = came;
  received_bytes_ += message.bytes.size();
  request_was_compressed_ = message.compressed;
  if (message.compressed && !Unpack(message)) return;
  if (route_->method->client_streams) {
    const Pin pin(*this);
    auto done = std::exchange(read_done_, nullptr);
    if (done) done(message.bytes);
    return;
  }
  if (std::exchange(has_request_, true)) {
    return Abandon(absl::UnimplementedError(
        Cat(method_, ": ", *peer_, " sent more than one request, the method takes one")));
  }
  // Kept until the request's end has come, which says that it is the only one.
  request_ = message.MoveInto(request_memory_);
}

// Undoes the compression of a request. False: that was not possible, and the call has ended.
bool Call::Unpack(transport::Message& message) {
  if (request_encoding_ == Compression::kIdentity) {
    Abandon(absl::InternalError(
        Cat(method_, ": ", *peer_, " sent a compressed message without a grpc-encoding")));
    return false;
  }
  const size_t limit = shard_->core().options().max_receive_message;
  const absl::Status s =
      wire::DecompressMessage(request_encoding_, message.bytes, limit, unpacked_);
  message = {.bytes = unpacked_, .compressed = false, .storage = &unpacked_};
  if (!s.ok()) {
    if (s.code() == absl::StatusCode::kResourceExhausted) shard_->OnLimit("decompressed_bytes");
    Abandon(absl::Status(s.code(), Cat(method_, ": ", *peer_, " sent ", s.message())));
  }
  return s.ok();
}

void Call::OnHalfClose() {
  half_closed_ = true;
  if (answer_ == Answer::kWrongMethod || answer_ == Answer::kWrongMediaType) return SendHttp();
  if (done_ || over_) return;
  if (route_->method->client_streams) {
    if (read_done_) Later();
    return;
  }
  if (!has_request_) {
    return Abandon(absl::UnimplementedError(
        Cat(method_, ": ", *peer_, " sent no request, the method takes one")));
  }
  StartHandler();
}

bool Call::OnBadRequest(const transport::End& end) {
  if (done_ || over_) return true;
  switch (end.why) {
    case transport::Why::kMessageTooLong:
      shard_->OnLimit("message_bytes");
      Abandon(absl::ResourceExhaustedError(
          Cat(method_, ": a request of ", end.length, " bytes from ", *peer_,
              " is more than the limit of ", shard_->core().options().max_receive_message)));
      break;
    case transport::Why::kBadPrefix:
      Abandon(absl::InternalError(Cat(method_, ": the first byte of a request from ", *peer_,
                                      " is ", end.length, ", it should be 0 or 1")));
      break;
    default:
      Abandon(absl::InternalError(Cat(method_, ": ", *peer_, " ended inside a request")));
  }
  return true;
}

void Call::StartHandler() {
  if (shard_->core().stopped()) return;  // The connection is about to be closed.
  started_ = true;
  shard_->HandlerBegins();
  const Pin pin(*this);
  const auto& interceptors = shard_->core().options().interceptors;
  if (!interceptors.empty()) return Intercept(interceptors);
  route_->start(*this, request_);
}

// ---- Those who measure.

void Call::ObserveStart() {
  observed_ = true;
  arrived_ = shard_->loop().Now();
  shard_->Observe([&](ServerObserver& o) { o.OnCallStart(observed_path_); });
}

void Call::ObserveEnd(absl::StatusCode code) {
  if (!std::exchange(observed_, false) || shard_ == nullptr) return;
  const AttemptSeen seen{.code = code,
                         .latency = shard_->loop().Now() - arrived_,
                         .sent = sent_bytes_,
                         .received = received_bytes_};
  shard_->Observe([&](ServerObserver& o) { o.OnCallEnd(observed_path_, seen); });
}

// ---- Ends.

void Call::OnEnd(const transport::End&) {
  if (observed_) ObserveEnd(absl::StatusCode::kCancelled);  // Nobody waits for a status.
  const bool told = std::exchange(over_, true);
  const bool counts = answer_ == Answer::kNone || answer_ == Answer::kStatus;
  if (!told && counts && shard_ != nullptr) shard_->CallEnds(false);
  deadline_timer_.Disarm();
  if (done_) return FreeIfOver(true);
  SetCancelled();
  if (!started_) {
    Done();
    return FreeIfOver(true);
  }
  Later();
}

void Call::OnDeadline() {
  if (over_) return;
  const bool blocked = stream_.queued() > 0;  // The caller takes nothing: trailers would wait too.
  Abandon(absl::DeadlineExceededError(Cat(
      method_, ": the caller's deadline of ",
      std::chrono::duration_cast<std::chrono::milliseconds>(timeout_).count(), " ms has passed")));
  if (blocked) stream_.Cancel(http2::Code::kCancel);
  FreeIfOver(true);
}

// This side ends the call before its handler does.
void Call::Abandon(const absl::Status& why) {
  const Pin pin(*this);
  SendEnd(why);
  // One that has ended is as new already, and used again.
  if (stream_.open()) stream_.Discard();
  SetCancelled();
  if (started_) {
    Later();
  } else {
    Done();
  }
}

// The handler owes nothing more.
void Call::Done() {
  done_ = true;
  deadline_timer_.Disarm();
  if (connection_ != nullptr) connection_->ReturnSlot();
  if (admitted_) ReturnAdmission();
  if (started_ && shard_ != nullptr) shard_->HandlerEnds();
  StopCallbacks();
}

// The handler has ended: what it waited for lies in memory that may be gone.
void Call::StopCallbacks() {
  handler_over_ = true;
  on_cancel_ = nullptr;
  read_done_ = nullptr;
  write_done_ = nullptr;
  extra_reads_.clear();
  extra_writes_.clear();
}

void Call::ReturnAdmission() {
  admitted_ = false;
  if (connection_ != nullptr) return connection_->ReturnAdmission();
  origin_->core->admission().Return();
}

// `now`: this is not inside an event of the stream, or it is its last.
void Call::FreeIfOver(bool now) {
  if (!done_ || stream_.open() || pins_ > 0) return;
  if (shard_ == nullptr) {
    delete this;
    return;
  }
  if (!now) return Later();
  if (connection_ != nullptr) {
    connection_->Remove(*this);
  } else {
    shard_->Forget(*this);
  }
  shard_->GiveBack(*this);
}

void Call::Detach(std::shared_ptr<const Origin> origin) {
  connection_ = nullptr;
  origin_ = std::move(origin);
}

void Call::SetAdrift() {
  later_.Disarm();
  deadline_timer_.Disarm();
  shard_ = nullptr;
  RunLater();
}

void Call::Clear() {
  method_ = observed_path_ = {};
  metadata_.clear();
  headers_.clear();
  trailers_.clear();
  load_report_ = nullptr;
  forwarded_.clear();
  peer_ = nullptr;
  identity_ = nullptr;
  deadline_.reset();
  cancelled_.store(false, std::memory_order_relaxed);
  ForgetSignal();
  connection_ = nullptr;
  route_ = nullptr;
  answer_ = Answer::kNone;
  started_ = done_ = handler_over_ = over_ = head_sent_ = half_closed_ = has_request_ = room_ =
      false;
  tells_encodings_ = request_was_compressed_ = observed_ = false;
  sent_bytes_ = received_bytes_ = 0;
  request_encoding_ = compression_ = Compression::kIdentity;
  if (unpacked_.capacity() > kRequestKept) unpacked_ = {};
  refusal_ = absl::OkStatus();
  pushback_.clear();
  if (interception_ != nullptr) {
    interception_ = nullptr;
    handler_failed_ = false;
    handler_status_ = absl::OkStatus();
    held_reply_ = Slice();
  }
  stream_.Renew();
  timeout_ = {};
  request_ = {};
  request_memory_.clear();
  if (request_memory_.capacity() > kRequestKept) request_memory_ = {};
  later_.Disarm();
}

// ---- What the handler waits for, told in a later turn.

void Call::Later() {
  if (shard_ != nullptr && !later_.armed()) shard_->loop().Arm(later_, shard_->loop().Now());
}

void Call::RunLater() {
  const Pin pin(*this, true);
  if (answer_ == Answer::kStatus) SendEnd(refusal_);
  if (!done_ && !started_ && !over_ && route_->method->client_streams) StartHandler();
  TellHandler();
}

void Call::TellHandler() {
  if (on_cancel_ && cancelled()) std::exchange(on_cancel_, nullptr)();
  TellReads();
  TellWrites();
}

void Call::TellReads() {
  if (read_done_ && (over_ || half_closed_)) std::exchange(read_done_, nullptr)(std::nullopt);
  for (auto& done : std::exchange(extra_reads_, {})) {
    if (!handler_over_) done(std::nullopt);
  }
}

void Call::TellWrites() {
  if (write_done_ && (over_ || room_)) std::exchange(write_done_, nullptr)(!over_);
  for (auto& done : std::exchange(extra_writes_, {})) {
    if (!handler_over_) done(false);
  }
}

// ---- What the handler asks.

void Call::OnCancel(Function<void()> on_cancel) {
  on_cancel_ = std::move(on_cancel);
  if (cancelled()) Later();
}

void Call::Read(Function<void(std::optional<Bytes>)> done) {
  if (read_done_) {
    extra_reads_.push_back(std::move(done));
    return Later();
  }
  read_done_ = std::move(done);
  if (over_ || half_closed_) return Later();
  stream_.Pull(1);
}

bool Call::RunOnWorker(Function<void()> work) { return workers_->Run(std::move(work)); }

}  // namespace rondo::server

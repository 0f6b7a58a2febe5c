#include "channel/call.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "base/text.h"
#include "channel/hedges.h"
#include "channel/live_subchannel.h"
#include "channel/retry.h"
#include "resolve/host_port.h"
#include "wire/compression.h"
#include "wire/metadata_codec.h"
#include "wire/status_codec.h"
#include "wire/timeout.h"

namespace rondo::channel {

using Wait = CallRecord::Wait;

namespace {
constexpr std::string_view kAuthority = ":authority";
}  // namespace

// ---- Birth and death: one piece of memory, a unary request's bytes behind the object.

Call* Call::New(std::shared_ptr<Core> core, const Method& method, const CallOptions& options,
                std::optional<size_t> unary_size) {
  const size_t framed = unary_size ? kMessagePrefix + *unary_size : 0;
  void* memory = ::operator new(sizeof(Call) + framed);
  Call* call = new (memory) Call(std::move(core), method, options, unary_size.has_value());
  if (unary_size) {
    uint8_t* body = static_cast<uint8_t*>(memory) + sizeof(Call);
    WriteMessagePrefix(body, *unary_size);
    call->body_.UseUnary(body, framed);
  }
  return call;
}

Call::Call(std::shared_ptr<Core> core, const Method& method, const CallOptions& options, bool unary)
    : core_(std::move(core)),
      method_(method),
      unary_(unary),
      max_receive_(core_->options().max_receive_message),
      max_send_(core_->options().max_send_message),
      affinity_(options.affinity_key),
      wait_chosen_(options.wait_for_ready),
      compression_(options.compression.value_or(core_->options().compression)),
      own_credentials_(options.credentials),
      report_(options.report) {
  if (own_credentials_ != nullptr || !core_->options().credentials.calls.empty()) UseCredentials();
  began_ = core_->IsHome() ? core_->home().Now() : std::chrono::steady_clock::now();
  if (options.timeout > Duration{}) deadline_ = began_ + options.timeout;
  if (options.deadline != Time{}) deadline_ = std::min(deadline_, options.deadline);
  if (options.metadata.metadata != nullptr) metadata_ = *options.metadata.metadata;
  if (options.parent != nullptr) TakeFrom(*options.parent);
}

Call::~Call() = default;

void Call::UseCredentials() {
  std::vector<CallCredentials*> all;
  for (const auto& c : core_->options().credentials.calls) all.push_back(c.get());
  if (own_credentials_ != nullptr) all.push_back(own_credentials_);
  credentials_ = std::make_unique<AttemptCredentials>(*core_, *this, std::move(all));
}

void Call::Unref() {
  if (refs_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  this->~Call();
  ::operator delete(this);
}

// ---- The caller's thread.

void Call::StartUnary(Function<void(UnaryResult)> done) {
  unary_done_ = std::move(done);
  Start();
}

void Call::NoteResolved() { record_.Turn(Wait::kQueue, core_->home().Now()); }

void Call::StartStream() {
  Ref();  // The user's share stays with the user.
  Start();
}

// Picks here, on the caller's own thread; what follows is the home loop's. The share of the memory
// that the caller gives up here is the running call's.
void Call::Start() {
  const bool home = core_->IsHome();
  // A hedge is an attempt: the call has been intercepted.
  if (core_->options().interceptors.empty() || retry_ != nullptr) return StartHere(home);
  GoHome(home, [](Call& call) { call.BeginInterception(); });
}

void Call::StartHere(bool home) {
  Pick(home);
  // A hedge's request is compressed already.
  if (unary_ && compression_ != Compression::kIdentity && broken_.ok() && body_.unary()[0] == 0) {
    body_.ReplaceUnary(Packed(Slice::Static(body_.unary())));
  }
  GoHome(home, [](Call& call) { call.Arrive(); });
}

template <class F>
void Call::GoHome(bool home, F arrive) {
  if (home) return arrive(*this);
  const std::shared_ptr<Core> core = core_;  // The call may be over before Post returns.
  Ref();
  if (core->home().Post([call = CallShare(this), arrive] { arrive(*call); })) return Unref();
  // The loop has stopped, and with it all that could call back: this thread ends the call.
  status_ =
      absl::CancelledError(Cat(core_->ShortTarget(), ": the loop of the channel has stopped"));
  where_ = Where::kEnded;
  OnTurnEnd();
  Unref();
}

void Call::Pick(bool home) {
  PlanSlots::Lease lease = core_->plans().Take(home);
  if (where_ == Where::kNew) {
    if (interception_ == nullptr) lease.CountCall();
    Configure(*lease.plan().config);
    broken_ = Validate();
  }
  plan_version_ = lease.version();
  record_.now().policy = lease.plan().config->policy().factory->name;
  if (!broken_.ok() || lease.plan().picker == nullptr) {
    pick_ = Queue{};
    return;
  }
  PickArgs args{.method = method_.path,
                .metadata = &metadata_,
                .chance = &lease.chance(),
                .post = core_.get(),
                .now = home ? core_->home().Now() : began_};
  if (deadline_ != Time::max()) args.left = deadline_ - args.now;
  args.shard = lease.shard();
  args.attempt = static_cast<uint32_t>(record_.count());
  args.affinity = affinity_;
  std::vector<const Subchannel*> tried;
  for (const Attempt& earlier : record_.earlier()) {
    if (avoid_tried_ && earlier.backend != nullptr) tried.push_back(earlier.backend.get());
  }
  if (avoid_tried_ && retry_ != nullptr) retry_->AddTried(tried);
  args.tried = tried;
  pick_ = lease.plan().picker->Pick(args);
  // What the picker lent is good for the lease, or while the call pins the plan.
  if (pick_.picked() && (!home || !pick_.watches().empty() || pick_.headers() != nullptr ||
                         credentials_ != nullptr)) {
    pin_ = lease.Pin();
  }
}

void Call::Configure(const ServiceConfig& config) {
  const MethodConfig* method = config.Find(method_.path);
  if (method == nullptr) {
    wait_for_ready_ = wait_chosen_.value_or(false);
    return;
  }
  wait_for_ready_ = wait_chosen_.value_or(method->wait_for_ready.value_or(false));
  LowerLimits(*method);
  avoid_tried_ = method->avoid_tried;
  if (retry_ != nullptr || !core_->options().retry.enabled) return;
  if (method->retry) retry_ = std::make_unique<Retry>(*this, *core_, *method->retry);
  if (method->hedging && unary_) {
    retry_ = std::make_unique<Hedges>(*this, *core_, *method->hedging);
  }
}

void Call::LowerLimits(const MethodConfig& method) {
  if (method.timeout) deadline_ = std::min(deadline_, began_ + *method.timeout);
  max_receive_ = std::min(max_receive_, method.max_response_bytes.value_or(max_receive_));
  max_send_ = std::min(max_send_, method.max_request_bytes.value_or(max_send_));
}

absl::Status Call::Validate() {
  if (!metadata_.empty()) {
    if (absl::Status s = wire::EncodeMetadata(metadata_, fields_); !s.ok()) {
      return absl::Status(s.code(), Cat(method_.path, ": ", s.message()));
    }
  }
  if (own_credentials_ != nullptr && own_credentials_->NeedsSecurity() &&
      core_->options().credentials.tls == nullptr) {
    return absl::UnauthenticatedError(
        Cat(method_.path,
            ": its call credentials are a secret, and the channel's connections are "
            "plaintext; make the channel with Tls()"));
  }
  if (unary_) return CheckSize(body_.unary().size() - kMessagePrefix);
  return absl::OkStatus();
}

absl::Status Call::CheckSize(size_t bytes) const {
  if (bytes <= max_send_) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      Cat(method_.path, ": the request has ", bytes, " bytes, more than the limit of ", max_send_));
}

// What is too long is left to be refused as it is. On the user's thread: max_send_ is home's.
Slice Call::Packed(Slice framed) const {
  if (framed.size() < kMessagePrefix) return framed;
  if (framed.size() - kMessagePrefix > core_->options().max_send_message) return framed;
  return wire::CompressMessage(compression_, std::move(framed));
}

// ---- The home loop.

void Call::Arrive() {
  where_ = Where::kQueued;
  const Time began = interception_ == nullptr ? began_ : core_->home().Now();
  record_.Turn(Wait::kQueue, began);
  record_.now().began = began;
  if (core_->observed()) ObserveStart();
  if (core_->closed()) {
    return CompleteLater(
        absl::CancelledError(Cat(core_->ShortTarget(), ": the channel is closed")));
  }
  if (!broken_.ok()) return CompleteLater(std::exchange(broken_, absl::OkStatus()));
  if (cancel_asked_.load()) {
    return CompleteLater(
        absl::CancelledError(Cat(method_.path, ": the call was cancelled before it began")));
  }
  if (parent_ != nullptr && interception_ == nullptr && !parent_->Listen()) {
    return OnParentCancelled();
  }
  if (deadline_ != Time::max()) {
    if (deadline_ <= core_->home().Now()) return OnTimer();
    core_->home().Arm(*this, deadline_);
  }
  if (plan_version_ != core_->plans().version()) {
    PickAgain();
  } else {
    Follow();
  }
  if (retry_ != nullptr && where_ != Where::kEnded) retry_->OnArrive();
}

void Call::PickAgain() {
  pin_ = nullptr;
  Pick(/*home=*/true);
  Follow();
}

void Call::Follow() {
  switch (pick_.kind()) {
    case PickResult::Kind::kPicked:
      return OnPicked();
    case PickResult::Kind::kQueue:
      return StandInQueue();
    case PickResult::Kind::kFail:
      if (!wait_for_ready_) {
        absl::Status status = wire::RestrictControlPlane(pick_.status());
        if (retry_ != nullptr) record_.now().code = status.code();
        if (Retried(status, nullptr)) return;
        return CompleteLater(Explained(std::move(status)));
      }
      last_fail_ = pick_.status();
      return StandInQueue();
    case PickResult::Kind::kDrop:
      return CompleteLater(Explained(wire::RestrictControlPlane(pick_.status())));
  }
}

void Call::StandInQueue() {
  if (credentials_ != nullptr) credentials_->Spend();  // None grows old in the queue.
  where_ = Where::kQueued;
  record_.Turn(core_->has_resolved() ? Wait::kQueue : Wait::kResolver, core_->home().Now());
  core_->Enqueue(*this);
}

void Call::OnPicked() {
  if (pick_.subchannel() == nullptr) return StandInQueue();
  const Backend& backend = static_cast<const Backend&>(*pick_.subchannel());
  LiveSubchannel* live = backend.live;
  record_.now().reason = pick_.reason();
  if (absl::Status s = EncodePickHeaders(); !s.ok()) {
    ForgetPick();
    return CompleteLater(Explained(std::move(s)));
  }
  if (live == nullptr || !live->usable()) {
    // It was ready when it was picked. The next plan knows better; it is there already if the call
    // has waited for credentials.
    ForgetPick();
    return plan_version_ != core_->plans().version() ? PickAgain() : StandInQueue();
  }
  if (!pick_authority_.empty()) {
    if (absl::Status s = CheckAuthority(live->carrier()); !s.ok()) {
      ForgetPick();
      return CompleteLater(Explained(std::move(s)));
    }
  }
  if (credentials_ != nullptr && !credentials_->answered()) return AskCredentials(*live);
  if (live->HasSlot()) return OpenOn(*live);
  WaitForSlot(*live);
}

void Call::AskCredentials(LiveSubchannel& live) {
  where_ = Where::kCredentials;
  record_.Turn(Wait::kCredentials, core_->home().Now());
  record_.now().backend = live.backend();
  core_->Rest(*this);  // So that the channel's end finds it.
  credentials_->Ask(method_.path);
}

void Call::OnCredentials(absl::Status status) {
  if (where_ != Where::kCredentials) return;  // It has ended meanwhile.
  LeaveQueue();
  if (status.ok()) return OnPicked();
  ForgetPick();
  if (retry_ != nullptr) record_.now().code = status.code();
  if (Retried(status, nullptr)) return;
  CompleteLater(Explained(std::move(status)));
}

// What the pick adds to the request. A ":authority" there takes the place of the channel's, for
// this attempt only (A81).
absl::Status Call::EncodePickHeaders() {
  pick_fields_.clear();
  pick_authority_ = {};
  if (pick_.headers() == nullptr) return absl::OkStatus();
  const Metadata& all = pick_.headers()->metadata;
  const std::optional<std::string_view> authority = all.Find(kAuthority);
  if (authority.has_value()) {
    if (absl::Status s = wire::CheckAuthority(*authority); !s.ok()) return s;
    pick_authority_ = *authority;
  }
  return wire::EncodeMetadata(all, pick_fields_, kAuthority);
}

// The pick's ":authority" must be one that the server has proven to answer for.
absl::Status Call::CheckAuthority(const Carrier& carrier) const {
  const auto host = resolve::ParseHostPort(pick_authority_);
  if (carrier.SpeaksFor(host.ok() ? std::string_view(host->host) : pick_authority_)) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(Cat(method_.path, ": the pick's authority ", pick_authority_,
                                    " is not a name of the certificate of ",
                                    carrier.backend().address));
}

void Call::WaitForSlot(LiveSubchannel& live) {
  where_ = Where::kSlot;
  record_.Turn(Wait::kSlot, core_->home().Now());
  record_.now().backend = live.backend();
  const size_t used = live.open_streams();
  record_.NoteSlots(used, used + live.slots());
  live.WaitForSlot(*this);
}

void Call::BackToQueue() {
  ForgetPick();
  record_.now().backend = nullptr;
  where_ = Where::kQueued;
  PickAgain();
}

// The picked backend was not used: whoever asked to be told hears that nothing began.
void Call::ForgetPick() {
  TellWatches({.status = absl::OkStatus(),
               .now = core_->home().Now(),
               .started = false,
               .bytes_sent = false,
               .bytes_received = false});
  pin_ = nullptr;
  pick_ = Queue{};
}

void Call::TellWatches(const CallEnd& end) {
  for (const PickResult::Watch& w : pick_.watches()) w.picker->OnDone(w.token, end);
}

void Call::OpenOn(LiveSubchannel& live) {
  Carrier& carrier = live.carrier();
  // Connections to one backend may end at servers with different certificates.
  if (!pick_authority_.empty()) {
    if (absl::Status s = CheckAuthority(carrier); !s.ok()) {
      ForgetPick();
      return CompleteLater(Explained(std::move(s)));
    }
  }
  const Time now = core_->home().Now();
  // Fields that are of this call only; they go out without a table entry.
  std::vector<http2::Header>& extra = core_->scratch_headers();
  wire::TimeoutText timeout;
  extra.clear();
  if (deadline_ != Time::max()) {
    // The loop's time is that of the turn's start, which may lie before the call's.
    extra.push_back({"grpc-timeout", timeout.Set(deadline_ - std::max(now, began_))});
  }
  if (compression_ != Compression::kIdentity) {
    extra.push_back(
        {.name = "grpc-encoding", .value = wire::EncodingName(compression_), .index = true});
  }
  for (const auto& [name, value] : fields_) extra.push_back({name, value});
  if (credentials_ != nullptr) {
    for (const auto& [name, value] : credentials_->fields()) extra.push_back({name, value});
  }
  if (retry_ != nullptr) retry_->AddHeader(extra);
  for (const auto& [name, value] : pick_fields_) extra.push_back({name, value});
  stream_.set_max_message(max_receive_);
  Slice first;
  if (unary_) {
    // The request's bytes lie in this object: the outbox holds a share until they are written.
    Ref();
    sent_bytes_ = body_.unary().size() - kMessagePrefix;
    first = Slice(body_.unary(), [](void* p) { static_cast<Call*>(p)->Unref(); }, this);
  }
  // Two for a unary call, so that a second reply is seen and not left lying before the trailers.
  const int pulls = unary_ ? 2 : (read_done_ || dropping_replies_ ? 1 : 0);
  if (!carrier.connection().Start(stream_, *this, core_->heads().Of(method_, pick_authority_),
                                  extra, std::move(first), unary_, pulls)) {
    return WaitForSlot(live);
  }
  if (credentials_ != nullptr) credentials_->Spend();
  where_ = Where::kStream;
  record_.Turn(Wait::kServer, now);
  record_.now().sent = true;
  began_attempt_ = now;
  half_closed_ = unary_;
  backend_ = live.backend();
  carrier_ = &carrier;
  live.backend()->load.Begin();
  live.NoteSlots();
  if (!unary_) Feed();
}

void Call::OnTimer() {
  absl::Status why = absl::DeadlineExceededError("");
  if (where_ == Where::kQueued && !last_fail_.ok()) {
    why = absl::DeadlineExceededError(std::string(last_fail_.message()));
  }
  if (where_ == Where::kIntercepted) {
    why = absl::DeadlineExceededError("the interceptors had not let the call go");
  }
  if (where_ == Where::kBackoff) why = absl::DeadlineExceededError(retry_->WhyItWaits());
  End(std::move(why));
}

// From our side. The stream is reset; nothing more will be heard of it.
void Call::End(absl::Status status) {
  if (where_ == Where::kEnded || where_ == Where::kNew) return;
  record_.now().sequel = Sequel::kCallOver;
  if (where_ == Where::kStream) record_.NoteUnsent(stream_.queued());
  if (where_ == Where::kIntercepted) interception_->Drop(core_->home());
  LeaveAttempt(status);
  CompleteLater(Explained(std::move(status)));
}

}  // namespace rondo::channel

#include "channel/live_subchannel.h"

#include <algorithm>

#include "base/text.h"
#include "channel/call.h"
#include "channel/core.h"

namespace rondo::channel {

using subchannel::Action;

namespace {

// Policies put the address before what they tell: it is taken out of the words of those below.
absl::Status WithoutAddress(const absl::Status& why, std::string_view address) {
  std::string text(MessageOf(why));
  for (const std::string& prefix : {Cat("connect to ", address, ": "), Cat(address, ": ")}) {
    if (text.starts_with(prefix)) text.erase(0, prefix.size());
  }
  return absl::Status(why.code(), text);
}

// A94, from the words of the system or of the peer.
std::string DisconnectError(const absl::Status& why) {
  const std::string text(why.message());
  if (text.starts_with("GOAWAY ")) return text.substr(0, text.find(':'));
  if (text.find("(ECONNRESET)") != text.npos) return "connection reset";
  if (text.find("(ETIMEDOUT)") != text.npos) return "connection timed out";
  if (text.find("(ECONNABORTED)") != text.npos) return "connection aborted";
  return text.find("(E") != text.npos ? "socket error" : "unknown";
}

}  // namespace

LiveSubchannel::LiveSubchannel(Core& core, std::string_view address)
    : Ticket(core.pool().gate()), core_(core), backend_(std::make_shared<Backend>(address)) {
  backend_->live = this;
}

LiveSubchannel::~LiveSubchannel() {
  backend_->live = nullptr;
  health_ = nullptr;
  load_ = nullptr;
  probes_.clear();
  On(subchannel::CloseAsked{});
  while (!carriers_.empty()) {
    Carrier::Retire(TakeOut(*carriers_.back()));
    ObserveLost("subchannel shutdown");
  }
  backend_->load.SetFreeStreams(0);
  backend_->load.SetSuspect(false);
  ReleaseWaiting();
}

void LiveSubchannel::CloseHard(std::string_view why) {
  if (fresh_ != nullptr) fresh_->Close(why);
  for (const auto& carrier : carriers_) carrier->Close(why);
}

// ---- The state machine's shell.

void LiveSubchannel::On(const subchannel::Event& event) {
  const Time now = core_.home().Now();
  if (const auto* failed = std::get_if<subchannel::ConnectFailed>(&event)) {
    NoteError(failed->why);
    if (core_.observed()) {
      core_.Observe([this](ChannelObserver& o) { o.OnConnectFailed(address()); });
    }
  }
  subchannel::Step step =
      Next(state_, event, now, [this](int attempt) { return core_.BackoffDelay(attempt); });
  state_ = std::move(step.next);
  for (const Action action : step.actions) Run(action);
}

void LiveSubchannel::NoteError(absl::Status why) {
  last_error_ = std::move(why);
  last_error_at_ = core_.home().Now();
}

void LiveSubchannel::Run(Action action) {
  switch (action) {
    case Action::kDial:
      return Dial();
    case Action::kArmTimer:
      return core_.home().Arm(*this, std::get<subchannel::Backoff>(state_).until);
    case Action::kCancelTimer:
      return Disarm();
    case Action::kHangUp:
      return HangUp();
    case Action::kPublish:
      return Publish();
  }
}

// What attempts to have one more connection come to is told to nobody while one is ready.
void LiveSubchannel::Publish() {
  if (std::exchange(told_ready_, usable()) && usable()) return;
  ChooseHealthWatch();
  ChooseLoadWatch();
  TellAll();
}

void LiveSubchannel::Dial() {
  asked_to_dial_ = core_.home().Now();
  Ask();
}

void LiveSubchannel::OnMayDial() {
  const Time now = core_.home().Now();
  auto& s = std::get<subchannel::Connecting>(state_);
  s.retry_not_before += now - asked_to_dial_;  // It begins only now.
  // connection-backoff.md: an attempt gets at least MIN_CONNECT_TIMEOUT, or until the next may
  // begin; but not where others wait for its place.
  connect_by_ = now + core_.options().backoff.min_connect_timeout;
  if (!limited()) connect_by_ = std::max(connect_by_, s.retry_not_before);
  core_.home().Arm(*this, connect_by_);
  dial_ = core_.network().Connect(
      core_.home(), address(), [this](absl::StatusOr<std::unique_ptr<event::Socket>> socket) {
        auto done = std::move(dial_);
        if (!socket.ok())
          return On(subchannel::ConnectFailed{WithoutAddress(socket.status(), address())});
        Disarm();  // From here on the link keeps the time.
        fresh_ = std::make_unique<Carrier>(core_, backend_, *std::move(socket), connect_by_, *this);
      });
}

// Ends an attempt.
void LiveSubchannel::HangUp() {
  dial_ = nullptr;
  Disarm();
  if (fresh_ != nullptr) Carrier::Retire(std::move(fresh_));
  Return();
  NoteSlots();
}

void LiveSubchannel::OnTimer() {
  if (std::holds_alternative<subchannel::Connecting>(state_)) {
    return On(subchannel::ConnectFailed{
        absl::UnavailableError("no connection within the connect timeout")});
  }
  OnBackoffOver();
}

void LiveSubchannel::OnBackoffOver() {
  On(subchannel::BackoffOver{});
  WantMore();
}

// ---- What connections say.

void LiveSubchannel::OnCarrierReady(Carrier& carrier) {
  carrier.set_old_at(core_.OldAt());
  carriers_.push_back(std::move(fresh_));
  Return();
  NoteSlots();
  if (core_.observed()) {
    core_.Observe([this](ChannelObserver& o) { o.OnConnected(address()); });
  }
  On(subchannel::Connected{});
  OnCarrierSuspect();
  if (carriers_.size() > 1 && HasOld()) return RetireOld();
  WatchAge();
  OpenWaiting();
}

void LiveSubchannel::OnCarrierSlots() {
  if (!usable()) return;
  NoteSlots();
  if (health_ != nullptr) health_->OnSlots();
  if (load_ != nullptr) load_->OnSlots();
  OpenWaiting();
}

void LiveSubchannel::OnCarrierSuspect() {
  const bool suspect =
      usable() && std::ranges::all_of(carriers_, [](const auto& c) { return c->suspect(); });
  if (backend_->load.suspect() == suspect) return;
  backend_->load.SetSuspect(suspect);
  if (usable()) TellAll();
}

void LiveSubchannel::OnCarrierDraining(Carrier& carrier, const transport::GoAway& why) {
  std::string cause = carrier.cause();
  if (cause.empty()) {
    cause = Cat("GOAWAY ", http2::Name(why.code), why.debug.empty() ? "" : ": ", why.debug);
  }
  if (&carrier == fresh_.get()) {
    return On(subchannel::ConnectFailed{
        absl::UnavailableError(Cat("the server went away before it was ready: ", cause))});
  }
  auto draining = TakeOut(carrier);
  OnLost(absl::UnavailableError(cause));
  Carrier::Retire(std::move(draining));  // Running streams go on.
}

void LiveSubchannel::OnCarrierClosed(Carrier& carrier, const absl::Status& why) {
  const absl::Status told = WithoutAddress(why, address());
  if (&carrier == fresh_.get()) {
    const auto dead = std::move(fresh_);
    return On(subchannel::ConnectFailed{told});
  }
  const auto dead = TakeOut(carrier);
  OnLost(told);
}

std::unique_ptr<Carrier> LiveSubchannel::TakeOut(Carrier& carrier) {
  const auto at = std::ranges::find(carriers_, &carrier, &std::unique_ptr<Carrier>::get);
  std::unique_ptr<Carrier> out = std::move(*at);
  std::erase_if(probes_, [&](const Probing& p) { return &p.probe->carrier() == out.get(); });
  if (unprobed_ == out.get()) unprobed_ = nullptr;
  carriers_.erase(at);
  return out;
}

// A connection that was ready takes no more calls. It is still there: watches leave it here.
void LiveSubchannel::OnLost(const absl::Status& why) {
  NoteError(why);
  OnGone(DisconnectError(why));
}

void LiveSubchannel::OnGone(std::string_view why) {
  ObserveLost(why);
  WatchAge();
  NoteSlots();
  OnCarrierSuspect();
  if (usable()) {
    if (ChooseHealthWatch()) TellAll();
    ChooseLoadWatch();
    return OpenWaiting();
  }
  if (std::holds_alternative<subchannel::Ready>(state_)) {
    On(subchannel::ConnectionLost{});
  } else {
    Publish();  // There is an attempt to have another, or its backoff.
  }
  ReleaseWaiting();
}

bool LiveSubchannel::HasOld() const {
  const Time old_at = usable() ? carriers_.front()->old_at() : Time::max();
  return old_at != Time::max() && old_at <= core_.home().Now();
}

// Make before break: another has just become ready. Running streams go on.
void LiveSubchannel::RetireOld() {
  auto old = TakeOut(*carriers_.front());
  OnGone("connection age");
  Carrier::Retire(std::move(old));
}

void LiveSubchannel::WatchAge() {
  if (!usable() || carriers_.front()->old_at() == Time::max()) return age_.Disarm();
  core_.home().Arm(age_, carriers_.front()->old_at());
}

// Tells those who measure (A94).
void LiveSubchannel::ObserveLost(std::string_view why) {
  if (!core_.observed()) return;
  core_.Observe([&](ChannelObserver& o) { o.OnDisconnected(address(), why); });
}

// ---- Calls that wait for a stream.

Carrier& LiveSubchannel::ChooseCarrier() const {
  Carrier* free = nullptr;
  for (const auto& carrier : carriers_) {
    if (carrier->slots() == 0) continue;
    if (!carrier->suspect()) return *carrier;
    if (free == nullptr) free = carrier.get();
  }
  return free != nullptr ? *free : *carriers_.front();
}

uint32_t LiveSubchannel::AllSlots() const {
  uint64_t sum = 0;
  for (const auto& carrier : carriers_) sum += carrier->slots();
  return static_cast<uint32_t>(std::min<uint64_t>(sum, UINT32_MAX));
}

size_t LiveSubchannel::open_streams() const {
  size_t sum = 0;
  for (const auto& carrier : carriers_) sum += carrier->open_streams();
  return sum;
}

void LiveSubchannel::WaitForSlot(Call& call) {
  waiting_.Push(call);
  WantMore();
}

// First come, first served.
void LiveSubchannel::OpenWaiting() {
  while (!waiting_.empty() && usable() && carrier().slots() > 0) waiting_.Pop().OpenOn(*this);
  WantMore();
}

// All connections are full: one more is dialled, if there may be one (A105); or the oldest is to be
// replaced. One attempt at a time, under the backoff that all share.
void LiveSubchannel::WantMore() {
  if (!usable()) return;
  const bool more = !waiting_.empty() && carriers_.size() < core_.MostConnections();
  if (more || HasOld()) On(subchannel::MoreAsked{});
}

void LiveSubchannel::ReleaseWaiting() {
  WaitQueue<Call> all;
  all.TakeAll(waiting_);
  while (!all.empty()) all.Pop().BackToQueue();
}

}  // namespace rondo::channel

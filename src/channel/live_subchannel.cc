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
    : core_(core), backend_(std::make_shared<Backend>(address)) {
  backend_->live = this;
}

LiveSubchannel::~LiveSubchannel() {
  backend_->live = nullptr;
  On(subchannel::CloseAsked{});
  ReleaseWaiting();
}

void LiveSubchannel::Add(std::shared_ptr<Listener> listener) {
  listeners_.push_back(listener);
  ChooseHealthWatch();
  ChooseLoadWatch();
  const SubchannelState now = Report(*listener);
  if (now.connectivity == Connectivity::kIdle) return;
  core_.Tell([listener, now](Control& control) {
    if (!listener->gone) listener->on_state(now, control);
  });
}

void LiveSubchannel::Remove(const Listener& listener) {
  std::erase_if(listeners_, [&](const auto& l) { return l.get() == &listener; });
  ChooseHealthWatch();
  ChooseLoadWatch();
}

void LiveSubchannel::CloseHard(std::string_view why) {
  if (carrier_ != nullptr) carrier_->Close(why);
}

void LiveSubchannel::WaitForSlot(Call& call) { waiting_.Push(call); }

// ---- The state machine's shell.

void LiveSubchannel::On(const subchannel::Event& event) {
  const Time now = core_.home().Now();
  if (const auto* failed = std::get_if<subchannel::ConnectFailed>(&event)) NoteError(failed->why);
  subchannel::Step step =
      Next(state_, event, now, [this](int attempt) { return core_.BackoffDelay(attempt); });
  const subchannel::State before = std::exchange(state_, std::move(step.next));
  if (core_.observed()) Observe(before);
  for (const Action action : step.actions) Run(action);
}

// Tells those who measure what has become of a connection (A94).
void LiveSubchannel::Observe(const subchannel::State& before) {
  const bool was_ready = std::holds_alternative<subchannel::Ready>(before);
  if (std::holds_alternative<subchannel::Connecting>(before)) {
    if (usable()) core_.Observe([this](ChannelObserver& o) { o.OnConnected(address()); });
    if (std::holds_alternative<subchannel::Backoff>(state_)) {
      core_.Observe([this](ChannelObserver& o) { o.OnConnectFailed(address()); });
    }
  }
  if (!was_ready || usable()) return;
  const std::string why = std::holds_alternative<subchannel::Closed>(state_)
                              ? "subchannel shutdown"
                              : DisconnectError(last_error_);
  core_.Observe([&](ChannelObserver& o) { o.OnDisconnected(address(), why); });
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
      ChooseHealthWatch();
      ChooseLoadWatch();
      return TellAll();
  }
}

void LiveSubchannel::Dial() {
  const Time now = core_.home().Now();
  const auto& s = std::get<subchannel::Connecting>(state_);
  // connection-backoff.md: an attempt gets at least MIN_CONNECT_TIMEOUT, or until the next may
  // begin.
  connect_by_ = std::max(now + core_.options().backoff.min_connect_timeout, s.retry_not_before);
  core_.home().Arm(*this, connect_by_);
  dial_ = core_.network().Connect(
      core_.home(), address(), [this](absl::StatusOr<std::unique_ptr<event::Socket>> socket) {
        auto done = std::move(dial_);
        if (!socket.ok())
          return On(subchannel::ConnectFailed{WithoutAddress(socket.status(), address())});
        Disarm();  // From here on the link keeps the time.
        carrier_ =
            std::make_unique<Carrier>(core_, backend_, *std::move(socket), connect_by_, *this);
      });
}

void LiveSubchannel::HangUp() {
  dial_ = nullptr;
  health_ = nullptr;
  load_ = nullptr;
  Disarm();
  if (carrier_ != nullptr) Carrier::Retire(std::move(carrier_));
  backend_->load.SetFreeStreams(0);
  backend_->load.SetSuspect(false);
}

void LiveSubchannel::OnTimer() {
  if (std::holds_alternative<subchannel::Connecting>(state_)) {
    return On(subchannel::ConnectFailed{
        absl::UnavailableError("no connection within the connect timeout")});
  }
  On(subchannel::BackoffOver{});
}

void LiveSubchannel::OnCarrierReady() {
  On(subchannel::Connected{});
  OnCarrierSlots();
}

void LiveSubchannel::OnCarrierSlots() {
  if (health_ != nullptr) health_->OnSlots();
  if (load_ != nullptr) load_->OnSlots();
  while (!waiting_.empty() && usable() && carrier_->slots() > 0) waiting_.Pop().OpenOn(*this);
}

void LiveSubchannel::OnCarrierSuspect() {
  backend_->load.SetSuspect(carrier_->suspect());
  if (usable()) TellAll();
}

void LiveSubchannel::OnCarrierDraining(const transport::GoAway& why) {
  // READY is lost, though running streams go on.
  std::string cause = carrier_->cause();
  if (cause.empty()) {
    cause = Cat("GOAWAY ", http2::Name(why.code), why.debug.empty() ? "" : ": ", why.debug);
  }
  NoteError(absl::UnavailableError(cause));
  if (std::holds_alternative<subchannel::Connecting>(state_)) {
    On(subchannel::ConnectFailed{
        absl::UnavailableError("the server went away before it was ready")});
  } else {
    On(subchannel::ConnectionLost{});
  }
  ReleaseWaiting();
}

void LiveSubchannel::OnCarrierClosed(const absl::Status& why) {
  health_ = nullptr;
  load_ = nullptr;
  const auto dead = std::move(carrier_);
  NoteError(WithoutAddress(why, address()));
  if (std::holds_alternative<subchannel::Connecting>(state_)) {
    On(subchannel::ConnectFailed{WithoutAddress(why, address())});
  } else {
    On(subchannel::ConnectionLost{});
  }
  ReleaseWaiting();
}

// ---- Those who hold it, and those who wait.

SubchannelState LiveSubchannel::Report(const Listener& to) const {
  SubchannelState out;
  out.connectivity = subchannel::ConnectivityOf(state_);
  if (const auto* b = std::get_if<subchannel::Backoff>(&state_)) out.why = b->why;
  out.suspect = usable() && backend_->load.suspect();
  if (to.watch_health && health_ != nullptr) {
    out.health = health_->health();
    out.why = health_->why();
  }
  return out;
}

// True: there is another watch now, or none any more.
bool LiveSubchannel::ChooseHealthWatch() {
  const bool watched = usable() && carrier_ != nullptr &&
                       std::ranges::any_of(listeners_, [](auto& l) { return l->watch_health; });
  const auto service = watched ? core_.HealthService() : std::nullopt;
  const auto now = health_ != nullptr ? std::optional(health_->service()) : std::nullopt;
  if (service == now) return false;
  health_ = nullptr;
  if (service) {
    health_ = std::make_unique<HealthWatch>(core_, *carrier_, *service, address(), *this);
  }
  return true;
}

// One watch for all who want reports, as often as the most eager of them.
void LiveSubchannel::ChooseLoadWatch() {
  Duration wanted{};
  for (const auto& l : listeners_) {
    if (!usable() || carrier_ == nullptr || l->report_period <= Duration{}) continue;
    if (wanted == Duration{} || l->report_period < wanted) wanted = l->report_period;
  }
  if (wanted == (load_ != nullptr ? load_->period() : Duration{})) return;
  load_ = nullptr;
  if (wanted != Duration{}) {
    load_ = std::make_unique<LoadWatch>(core_, *carrier_, backend_, wanted);
  }
}

void LiveSubchannel::UpdateHealth() {
  if (ChooseHealthWatch()) TellAll();
}

// Only those who asked: others have heard what there is to hear.
void LiveSubchannel::OnHealth() {
  for (const auto& listener : listeners_) {
    if (listener->watch_health) Tell(listener);
  }
}

void LiveSubchannel::TellAll() {
  for (const auto& listener : listeners_) Tell(listener);
}

void LiveSubchannel::Tell(const std::shared_ptr<Listener>& listener) {
  core_.Tell([listener, now = Report(*listener)](Control& control) {
    if (!listener->gone) listener->on_state(now, control);
  });
}

void LiveSubchannel::ReleaseWaiting() {
  WaitQueue<Call> all;
  all.TakeAll(waiting_);
  while (!all.empty()) all.Pop().BackToQueue();
}

Explanation::Backend LiveSubchannel::Explain(Time now) const {
  const LoadCell& load = backend_->load;
  Explanation::Backend out{.address = address(),
                           .state = subchannel::ConnectivityOf(state_),
                           .last_error = last_error_,
                           .in_flight = load.in_flight(),
                           .succeeded = load.succeeded(),
                           .failed = load.failed(),
                           .latency = load.latency(),
                           .waiting = static_cast<uint32_t>(waiting_.size())};
  if (!last_error_.ok()) out.error_age = now - last_error_at_;
  if (usable() && carrier_ != nullptr && load.free_streams() != UINT32_MAX) {
    out.free_streams = carrier_->slots();
  }
  if (const auto* b = std::get_if<subchannel::Backoff>(&state_)) {
    out.tries = b->attempt;
    out.next_try = std::max(b->until - now, Duration{});
  } else if (const auto* w = std::get_if<subchannel::Waited>(&state_)) {
    out.tries = w->attempt;
  } else if (const auto* c = std::get_if<subchannel::Connecting>(&state_)) {
    out.tries = c->attempt;
  }
  if (health_ != nullptr && health_->health() != Connectivity::kReady) {
    out.state = health_->health();
    if (!health_->why().ok()) {
      out.last_error = health_->why();
      out.error_age = std::nullopt;
    }
  }
  return out;
}

std::string LiveSubchannel::Describe(Time now) const {
  if (const auto* b = std::get_if<subchannel::Backoff>(&state_)) {
    const Duration left = std::max(b->until - now, Duration{});
    return Cat(address(), " ", b->why.message(), " (", b->attempt,
               b->attempt == 1 ? " try" : " tries", ", next in ", ShortDuration(left), ")");
  }
  std::string_view name = "idle";
  if (std::holds_alternative<subchannel::Connecting>(state_)) name = "connecting";
  if (usable()) name = backend_->load.suspect() ? "silent though calls wait" : "ready";
  return Cat(address(), " ", name);
}

}  // namespace rondo::channel

#include "channel/core.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <mutex>

#include "balance/builtin.h"
#include "balance/graceful_switch.h"
#include "base/text.h"
#include "channel/call.h"
#include "channel/root_control.h"
#include "wire/status_codec.h"

namespace rondo::channel {

Core::Core(ChannelOptions options, Environment env)
    : options_(std::move(options)),
      env_(std::move(env)),
      home_(env_.home),
      registry_(BuiltinPolicies(options_.policies)),
      plans_(env_.seed),
      chance_(env_.seed + 1),
      pool_(*this, *home_, options_.max_concurrent_dials),
      replay_room_{options_.retry.call_buffer, options_.retry.channel_buffer},
      idle_(options_.idle_timeout),
      manners_(options_.keepalive) {}

Core::~Core() {
  assert(root_ == nullptr && resolver_ == nullptr);
  LeaveChannelz();
}

void Core::Deliver(NudgeRef nudge) {
  // Nudges are made by this channel's Control only.
  home_->Post([core = Self(), nudge = std::move(nudge)] {
    nudge->raised.store(false);
    const auto ear = static_cast<const ChannelNudge&>(*nudge).ear;
    if (ear == nullptr || core->closed_) return;
    core->Tell([ear](Control& control) {
      if (!ear->gone) ear->raised(control);
    });
  });
}

std::string Core::ShortTarget() const {
  constexpr size_t kMost = 128;
  if (target_text_.size() <= kMost) return target_text_;
  return Cat(std::string_view(target_text_).substr(0, kMost), "...");
}

// ---- Calls that wait.

void Core::Enqueue(Call& call) {
  queue_.Push(call);
  if (!active()) ExitIdle();
}

void Core::Rest(Call& call) { resting_.Push(call); }

// Each waiting call tries the new plan; those that must wait on stand in the queue again, in order.
void Core::RetryQueued() {
  WaitQueue<Call> all;
  all.TakeAll(queue_);
  while (!all.empty()) all.Pop().PickAgain();
}

std::string Core::Explain() const {
  if (!resolved_) return "the resolver has not answered yet";
  const auto config = configs_->current();
  if (config == nullptr) return "no service config is in force";
  std::string out = Cat("policy ", config->policy().factory->name, ", ", endpoints_.size(),
                        endpoints_.size() == 1 ? " endpoint" : " endpoints");
  // How old they are, as soon as it may matter.
  const Duration age = home_->Now() - answered_.value_or(home_->Now());
  const bool aged = !endpoints_.empty() && age >= std::chrono::seconds(1);
  if (!note_.empty() || aged) {
    Append(out, Cat(" (", note_, !note_.empty() && aged ? ", " : "",
                    aged ? Cat(ShortDuration(age), " ago") : "", ")"));
  }
  const std::string subchannels = pool_.Describe(5, home_->Now());
  if (!subchannels.empty()) Append(out, Cat(": ", subchannels));
  if (!trouble_.ok() && !endpoints_.empty()) {
    Append(out, Cat("; the resolver's last word, ", ShortDuration(home_->Now() - trouble_at_),
                    " ago: ", trouble_.message()));
  }
  return out;
}

std::optional<std::string> Core::HealthService() const {
  const auto config = configs_->current();
  if (!options_.health_checks || config == nullptr) return std::nullopt;
  return config->health_service();
}

Time Core::OldAt() {
  const Duration age = options_.max_connection_age;
  if (age == Duration{}) return Time::max();
  // By chance, so that the connections of many clients don't all go at once.
  return home_->Now() + (age - age / 10) + age / 5 / 1024 * static_cast<int>(chance_.Next() % 1024);
}

size_t Core::MostConnections() const {
  const auto config = configs_->current();
  const size_t wanted = config != nullptr ? config->max_connections() : 1;
  return std::min(wanted, options_.max_connections_per_subchannel);
}

// ---- The turn: whatever happened in it, policies hear of it once, one picker is made, and the
// calls that waited are tried once.

void Core::Tell(OnEvent event) {
  if (closed_) return;
  events_.push_back(std::move(event));
  home_->AtTurnEnd(*this);
}

void Core::OnPublish(Connectivity state, Control::Recipe recipe) {
  recipe_ = std::move(recipe);
  ChannelState s = ChannelState::kIdle;
  switch (state) {
    case Connectivity::kIdle:
      s = ChannelState::kIdle;
      break;
    case Connectivity::kConnecting:
      s = ChannelState::kConnecting;
      break;
    case Connectivity::kReady:
      s = ChannelState::kReady;
      break;
    case Connectivity::kTransientFailure:
      s = ChannelState::kTransientFailure;
      break;
  }
  states_.emplace_back(s, absl::OkStatus());
  home_->AtTurnEnd(*this);
}

void Core::WantReresolve() {
  reresolve_ = true;
  home_->AtTurnEnd(*this);
}

void Core::OnTurnEnd() {
  const std::shared_ptr<Core> keep = Self();
  RunEvents();
  if (std::exchange(reresolve_, false) && resolver_ != nullptr) resolver_->Refresh();
  PublishPlan();
  PublishStates();
}

void Core::RunEvents() {
  RootControl control(*this);
  while (!events_.empty()) {
    OnEvent event = std::move(events_.front());
    events_.pop_front();
    event(control);
  }
}

// The picker is stored before the state is told (connectivity-semantics-and-api).
void Core::PublishPlan() {
  auto config = active() ? configs_->current() : published_config_;
  if (config == nullptr) config = published_config_;  // None can be in force: calls fail.
  if (!recipe_ && config == published_config_) return;
  if (recipe_) {
    Control::Recipe recipe = std::exchange(recipe_, nullptr);
    picker_ = recipe(View{home_->Now(), PlanSlots::kSlots, chance_});
  }
  if (std::exchange(published_config_, config) != config) {
    pool_.UpdateHealth();
    pool_.UpdateScaling();
  }
  retry_budget_.Configure(config->throttling());
  plans_.Publish({picker_, config});
  RetryQueued();
}

void Core::PublishStates() {
  for (auto& [state, why] : std::exchange(states_, {})) {
    if (state == ChannelState::kTransientFailure) why = WhyCallsFail();
    board_.Publish(state, why);
  }
}

// In the words that a call would get now.
absl::Status Core::WhyCallsFail() {
  if (picker_ != nullptr) {
    const Metadata none;
    const PickResult result = picker_->Pick(
        {.method = {}, .metadata = &none, .chance = &chance_, .post = this, .now = home_->Now()});
    if (result.kind() == PickResult::Kind::kFail) {
      return wire::RestrictControlPlane(result.status());
    }
  }
  return absl::UnavailableError(Explain());
}

Duration Core::BackoffDelay(int attempt) {
  const BackoffOptions& b = options_.backoff;
  double delay = static_cast<double>(b.base.count());
  for (int i = 0; i < attempt && delay < static_cast<double>(b.max.count()); ++i) {
    delay *= b.multiplier;
  }
  delay = std::min(delay, static_cast<double>(b.max.count()));
  const double u = static_cast<double>(chance_.Next() >> 11) * 0x1p-53;  // [0, 1)
  return Duration(static_cast<int64_t>(delay * (1 + b.jitter * (2 * u - 1))));
}

void Core::OnTooManyPings(std::string_view peer, Duration keepalive_time) {
  const std::string text = manners_.OnTooMany(keepalive_time);
  if (!text.empty()) Warn(peer, {text});
}

std::shared_ptr<Gauge> Core::SharedGauge(std::string_view key) const {
  static std::mutex mutex;
  static std::map<std::pair<const void*, std::string>, std::weak_ptr<Gauge>> all;
  std::lock_guard lock(mutex);
  std::erase_if(all, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<Gauge>& slot = all[{env_.runtime, std::string(key)}];
  std::shared_ptr<Gauge> gauge = slot.lock();
  if (gauge == nullptr) slot = gauge = std::make_shared<Gauge>(0);
  return gauge;
}

// ---- Idle (behaviour: no I/O until it is used, and none after it was long unused).

void Core::Connect() {
  if (closed_) return;
  if (!active()) return ExitIdle();
  Tell([this](Control& control) {
    if (root_ != nullptr) root_->OnIdleExit(control);
  });
}

void Core::ExitIdle() {
  if (closed_ || active()) return;
  root_ = GracefulSwitchPolicy().make();
  resolved_ = false;
  states_.emplace_back(ChannelState::kConnecting, absl::OkStatus());
  if (idle_.enabled()) home_->Arm(*this, idle_.Start(home_->Now()));
  home_->AtTurnEnd(*this);
  StartResolver();
}

void Core::OnTimer() {
  if (!active()) return;
  const std::optional<Time> again = idle_.Look(home_->Now(), running());
  if (again.has_value()) return home_->Arm(*this, *again);
  EnterIdle();
}

void Core::EnterIdle() {
  if (!active() || running() > 0) return;
  DropControlPlane();
  plans_.Publish({nullptr, published_config_});
  pool_.CloseAll("the channel went idle");
  states_.emplace_back(ChannelState::kIdle, absl::OkStatus());
  home_->AtTurnEnd(*this);
}

void Core::DropControlPlane() {
  resolver_ = nullptr;
  root_ = nullptr;  // With it all handles, timers and nudges.
  recipe_ = nullptr;
  picker_ = nullptr;
  states_.clear();
  endpoints_ = {};
  resolved_ = false;
  trouble_ = absl::OkStatus();
}

// ---- The end.

void Core::Close() {
  if (close_asked_.exchange(true)) return;
  // If the loop has stopped, OnLoopStop has been there before.
  home_->Post([core = Self()] { core->Shutdown(absl::CancelledError("the channel was closed")); });
}

void Core::OnLoopStop() {
  const std::shared_ptr<Core> keep = Self();
  Shutdown(absl::CancelledError("the loop of the channel has stopped"));
}

void Core::Shutdown(const absl::Status& why) {
  if (std::exchange(closed_, true)) return;
  LeaveChannelz();
  const std::shared_ptr<Core> keep = Self();
  static_cast<StopNode&>(*this).Unwatch();
  static_cast<TimerNode&>(*this).Disarm();
  DropControlPlane();
  events_.clear();
  plans_.Publish({nullptr, published_config_});
  for (WaitQueue<Call>* queue : {&queue_, &resting_}) {
    while (!queue->empty()) queue->Front().End(why);
  }
  pool_.CloseAll(why.message().empty() ? "" : "the channel was closed");
  pool_.gate().Stop();
  board_.Publish(ChannelState::kShutdown, why);
  // Nothing of the loop's points here any more: the last share may go on any thread.
  static_cast<TurnNode&>(*this).Cancel();
}

}  // namespace rondo::channel

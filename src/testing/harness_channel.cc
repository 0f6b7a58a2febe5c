#include "testing/harness_channel.h"

#include <algorithm>
#include <stdexcept>

#include "balance/builtin.h"
#include "balance/graceful_switch.h"
#include "balance/lb_config.h"
#include "base/json.h"
#include "base/text.h"

namespace rondo::testing {

struct PolicyHarness::Channel::Handle final : SubchannelHandle {
  ~Handle() override {
    Core& core = channel->cores.at(key);
    std::erase(core.handles, this);
    channel->report_period[key] -= period;
    if (core.handles.empty()) channel->cores.erase(key);
  }
  SubchannelRef Ref() const override { return channel->cores.at(key).subchannel; }
  void Connect() override {
    Core& core = channel->cores.at(key);
    if (core.state.connectivity != kIdle) return;
    ++channel->dials[key];
    channel->dialled.push_back(key);
    channel->Report(core, {kConnecting, kReady, {}});
    if (!channel->answer) return;
    if (std::optional<SubchannelState> end = channel->answer(key)) {
      channel->queue_.push_back([c = channel, k = key, to = *end] {
        if (auto it = c->cores.find(k); it != c->cores.end()) c->Report(it->second, to);
      });
    }
  }
  void Probe(Duration, OnProbe reply) override {
    Core& core = channel->cores.at(key);
    if (core.state.connectivity != kReady) return;
    ++channel->probes[key];
    if (!channel->answer_probe) return;
    std::optional<LoadReport> report = channel->answer_probe(key);
    if (!report) return;
    report->at = channel->now;
    auto shared = std::make_shared<OnProbe>(std::move(reply));
    channel->queue_.push_back([alive = std::weak_ptr(on_state), said = *report, shared] {
      if (!alive.expired()) (*shared)(said);
    });
  }
  Channel* channel = nullptr;
  std::string key;
  std::shared_ptr<OnSubchannelState> on_state;  // Lives on while it runs.
  bool watch_health = false;
  Duration period{};
};
struct PolicyHarness::Channel::FakeTimer final : Timer {
  std::shared_ptr<OnEvent> fire;
};
struct PolicyHarness::Channel::FakeNudge final : Nudge {
  std::weak_ptr<OnEvent> reaction;
};
struct PolicyHarness::Channel::FakeNudgeHandle final : NudgeHandle {
  explicit FakeNudgeHandle(int& all) : count(all) { ++count; }
  ~FakeNudgeHandle() override { --count; }
  NudgeRef Ref() const override { return nudge; }
  int& count;
  std::shared_ptr<FakeNudge> nudge;
  std::shared_ptr<OnEvent> reaction;
};

PolicyHarness::Channel::Channel(HarnessOptions options)
    : registry(BuiltinPolicies(std::move(options.policies))),
      chance(options.seed),
      control_chance(chance.Next()),
      draw([this](uint64_t bound) { return control_chance.Next() % bound; }),
      args{.method = "/test/Echo", .chance = &chance, .post = this, .now = now},
      picker(QueuePicker()({now, Shards(), chance})) {}

absl::Status PolicyHarness::Channel::Configure(std::string_view policies) {
  const absl::StatusOr<Json> json = Json::Parse(policies);
  if (!json.ok()) return json.status();
  ConfigIssues issues;
  ChildConfig child = ReadPolicyList(*json, "loadBalancingConfig", registry, issues);
  warnings = issues.warnings;
  if (issues.error.ok()) child_ = std::move(child);
  return issues.error;
}
absl::Status PolicyHarness::Channel::Resolve(std::vector<Endpoint> endpoints) {
  if (child_.factory == nullptr) {
    return absl::FailedPreconditionError("harness: no policy is configured; call Configure first");
  }
  absl::Status status;
  Turn([&] {
    status = Root().OnUpdate({.endpoints = std::move(endpoints),
                              .config = std::make_shared<SwitchConfig>(child_),
                              .note = "a note",
                              .settings = settings},
                             *this);
  });
  return status;
}
Policy& PolicyHarness::Channel::Root() {
  if (root == nullptr) root = GracefulSwitchPolicy().make();
  return *root;
}

PolicyHarness::Channel::Core& PolicyHarness::Channel::CoreOf(const std::string& address) {
  if (auto it = cores.find(address); it != cores.end()) return it->second;
  std::string open;
  for (const auto& [a, _] : cores) open += Cat(open.empty() ? "" : ", ", a);
  throw std::logic_error(
      Cat("harness: ", address, " isn't open; open are: ", open.empty() ? "none" : open));
}
void PolicyHarness::Channel::Become(const Addresses& addresses, const SubchannelState& to) {
  Turn([&] {
    for (const std::string& a : addresses) Report(CoreOf(a), to);
  });
}
PickerRef PolicyHarness::Channel::DropPolicy() {
  root = nullptr;
  recipe_ = nullptr;
  return std::exchange(picker, QueuePicker()({now, Shards(), chance}));
}
void PolicyHarness::Channel::AdvanceTo(Time when) {
  while (!timers_.empty() && timers_.begin()->first <= when) {
    auto [at, timer] = *timers_.begin();
    timers_.erase(timers_.begin());
    now = args.now = std::max(now, at);
    if (auto fire = timer.lock()) Turn([&] { (*fire)(*this); });
  }
  now = args.now = std::max(now, when);
}
std::optional<Time> PolicyHarness::Channel::NextTimer() const {
  for (const auto& [at, timer] : timers_) {
    if (!timer.expired()) return at;
  }
  return std::nullopt;
}
std::string PolicyHarness::Channel::Leaks() const {
  std::string left;
  for (const auto& [key, core] : cores) {
    left += Cat(left.empty() ? "" : ", ", "a connection to ", key);
  }
  const auto timers = std::count_if(timers_.begin(), timers_.end(),
                                    [](const auto& t) { return !t.second.expired(); });
  if (timers > 0) left += Cat(left.empty() ? "" : ", ", timers, " timers");
  if (nudges_ > 0) left += Cat(left.empty() ? "" : ", ", nudges_, " nudges");
  return left;
}

// ---- Control and Post

std::unique_ptr<SubchannelHandle> PolicyHarness::Channel::Open(const OpenOptions& o,
                                                               OnSubchannelState told) {
  const Tag* tag = o.transport == nullptr ? nullptr : o.transport->Get<Tag>();
  auto handle = std::make_unique<Handle>();
  handle->channel = this;
  handle->key = Cat(o.address, tag == nullptr ? "" : Cat("#", tag->text));
  handle->watch_health = o.watch_health;
  handle->period = o.report_period;
  handle->on_state = std::make_shared<OnSubchannelState>(std::move(told));
  Core& core = cores[handle->key];
  if (core.subchannel == nullptr) core.subchannel = std::make_shared<Subchannel>(o.address);
  core.handles.push_back(handle.get());
  report_period[handle->key] += o.report_period;
  if (core.state.connectivity != kIdle) Tell(*handle, core.state);
  return handle;
}
void PolicyHarness::Channel::Publish(Connectivity to, Recipe recipe) {
  state = to;
  recipe_ = std::move(recipe);
  ++published;
  if (states.empty() || states.back() != to) states.push_back(to);
}
std::unique_ptr<Timer> PolicyHarness::Channel::After(Duration delay, OnEvent fire) {
  auto timer = std::make_unique<FakeTimer>();
  timer->fire = std::make_shared<OnEvent>(std::move(fire));
  timers_.emplace(now + delay, timer->fire);
  return timer;
}
std::unique_ptr<NudgeHandle> PolicyHarness::Channel::OnNudge(OnEvent raised) {
  auto handle = std::make_unique<FakeNudgeHandle>(nudges_);
  handle->nudge = std::make_shared<FakeNudge>();
  handle->nudge->reaction = handle->reaction = std::make_shared<OnEvent>(std::move(raised));
  return handle;
}
void PolicyHarness::Channel::Deliver(NudgeRef nudge) {
  queue_.push_back([this, nudge] {
    nudge->raised = false;
    if (auto f = static_cast<const FakeNudge&>(*nudge).reaction.lock()) (*f)(*this);
  });
}
std::shared_ptr<Gauge> PolicyHarness::Channel::Shared(std::string_view key) {
  std::weak_ptr<Gauge>& kept = gauges_[std::string(key)];
  auto gauge = kept.lock();
  if (gauge == nullptr) kept = gauge = std::make_shared<Gauge>(0);
  return gauge;
}
void PolicyHarness::Channel::Metric(const MetricPoint& point) {
  const std::string name = Cat(point.policy, ": ", point.name);
  if (point.samples.empty()) {
    metrics[name] += point.value;
  } else {
    auto& all = samples[name];
    all.insert(all.end(), point.samples.begin(), point.samples.end());
  }
}

void PolicyHarness::Channel::Report(Core& core, const SubchannelState& to) {
  core.state = to;
  for (Handle* handle : core.handles) Tell(*handle, to);
}
void PolicyHarness::Channel::Tell(Handle& handle, SubchannelState to) {
  if (!handle.watch_health) to.health = kReady;
  queue_.push_back([this, to, f = std::weak_ptr(handle.on_state)] {
    if (auto told = f.lock()) (*told)(to, *this);
  });
}

}  // namespace rondo::testing

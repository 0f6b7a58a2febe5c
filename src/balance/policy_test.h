#pragma once
// Drives a policy by hand: no socket, no thread, a clock that moves when told, scripted chance. It
// is the channel as policies see it, with graceful_switch at the root. Threads: the test's.
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "balance/builtin.h"
#include "balance/graceful_switch.h"
#include "balance/lb_config.h"
#include "base/text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rondo {

// A transport attribute; connections of different tags are different.
struct Tag {
  std::string text;
  bool operator==(const Tag&) const = default;
};

class PolicyTest : public testing::Test, public Control, public Post {
 public:
  static constexpr Connectivity kReady = Connectivity::kReady,
                                kConnecting = Connectivity::kConnecting,
                                kIdle = Connectivity::kIdle,
                                kFailed = Connectivity::kTransientFailure;
  using Addresses = std::vector<std::string>;

 protected:
  ~PolicyTest() override { root_ = nullptr; }

  // ---- What the service's owner and the resolver do.
  absl::Status Configure(std::string_view policies) {
    const absl::StatusOr<Json> json = Json::Parse(policies);
    if (!json.ok()) return json.status();
    ConfigIssues issues;
    ChildConfig child = ReadPolicyList(*json, "loadBalancingConfig", registry_, issues);
    warnings_ = issues.warnings;
    if (issues.error.ok()) child_ = std::move(child);
    return issues.error;
  }
  // What is wrong with a config; empty: nothing.
  std::string ErrorOf(std::string_view policies) {
    const absl::Status status = Configure(policies);
    return std::string(status.message());
  }
  absl::Status ResolveEndpoints(std::vector<Endpoint> endpoints) {
    absl::Status s;
    Turn([&] {
      s = Root().OnUpdate({.endpoints = std::move(endpoints),
                           .config = std::make_shared<SwitchConfig>(child_),
                           .note = note_,
                           .settings = settings_},
                          *this);
    });
    return s;
  }
  absl::Status Resolve(const Addresses& addresses) {
    std::vector<Endpoint> all;
    for (const std::string& a : addresses) all.push_back(Named(a));
    return ResolveEndpoints(std::move(all));
  }
  void Start(std::string_view policies, const Addresses& addresses) {
    ASSERT_EQ(Configure(policies), absl::OkStatus());
    Resolve(addresses).IgnoreError();
  }
  // A live switch: the new policy over the same or other addresses.
  void SwitchTo(std::string_view policies, const Addresses& addresses) {
    Start(policies, addresses);
  }
  void ResolverFails(std::string_view why) {
    Turn([&] {
      Root().OnResolverError(absl::UnavailableError(Cat("name resolver error: ", why)), *this);
    });
  }
  void ExitIdle() {
    Turn([&] { Root().OnIdleExit(*this); });
  }

  // ---- What the network does.
  void Become(const std::string& a, const SubchannelState& s) {
    ASSERT_TRUE(cores_.contains(a)) << a << " isn't open";
    Turn([&] { Report(cores_.at(a), s); });
  }
  void Connecting(const std::string& a) { Become(a, {kConnecting, kReady, {}}); }
  void Ready(const std::string& a) { Become(a, {kReady, kReady, {}}); }
  void Idle(const std::string& a) { Become(a, {kIdle, kReady, {}}); }
  void Fails(const std::string& a, const std::string& why = "refused") {
    Become(a, {kFailed, kReady, absl::UnavailableError(why)});
  }
  void Health(const std::string& a, Connectivity health, const std::string& why = "not serving") {
    Become(a, {kReady, health, health == kFailed ? absl::UnavailableError(why) : absl::Status()});
  }
  void Suspect(const std::string& a, bool is) {
    Load(a).SetSuspect(is);
    Become(a, {.connectivity = kReady, .health = kReady, .why = {}, .suspect = is});
  }
  void AllReady(const Addresses& all) {
    for (const std::string& a : all) Ready(a);
  }
  void Advance(Duration d) {
    const Time end = now_ + d;
    while (!timers_.empty() && timers_.begin()->first <= end) {
      auto [at, t] = *timers_.begin();
      timers_.erase(timers_.begin());
      now_ = at;
      if (auto fire = t.lock()) Turn([&] { (*fire)(*this); });
    }
    now_ = end;
  }

  // ---- Calls: where one goes ("queue", "drop: ..." or an error else), and how it ends.
  struct Call {
    std::string where;
    PickResult result = Queue{};
    PickerRef picker;  // The runtime's pin.
  };
  Call Begin() {
    Call c{"", picker_->Pick(args_), picker_};
    if (c.result.picked()) {
      c.where = c.result.subchannel()->address;
      const_cast<Subchannel*>(c.result.subchannel())->load.Begin();
    } else if (c.result.kind() == PickResult::Kind::kQueue) {
      c.where = "queue";
    } else {
      const bool drop = c.result.kind() == PickResult::Kind::kDrop;
      c.where = Cat(drop ? "drop: " : "", c.result.status().message());
    }
    Turn([] {});  // Nudges arrive.
    return c;
  }
  void End(const Call& c, absl::Status status = {}, const LoadReport* report = nullptr) {
    if (!c.result.picked()) return;
    const Duration took = std::chrono::milliseconds(1);
    const CallEnd end{.status = status, .latency = took, .now = now_, .report = report};
    const_cast<Subchannel*>(c.result.subchannel())->load.End(end);
    for (const auto& w : c.result.watches()) w.picker->OnDone(w.token, end);
  }
  std::string Go(absl::Status status = {}) {
    const Call c = Begin();
    End(c, std::move(status));
    return c.where;
  }
  Addresses Calls(int n) {
    Addresses out;
    for (int i = 0; i < n; ++i) out.push_back(Go());
    return out;
  }
  std::map<std::string, int> Shares(int n) {
    std::map<std::string, int> out;
    for (int i = 0; i < n; ++i) ++out[Go()];
    return out;
  }

  // ---- What can be seen.
  Addresses Open() const {
    Addresses out;
    for (const auto& [a, _] : cores_) out.push_back(a);
    return out;
  }
  bool IsOpen(const std::string& a) const { return cores_.contains(a); }
  LoadCell& Load(const std::string& a) { return cores_.at(a).subchannel->load; }
  Connectivity StateOf(const std::string& a) const { return cores_.at(a).state.connectivity; }
  // The states published since the last time one asked, repetitions left out.
  std::vector<Connectivity> States() { return std::exchange(states_, {}); }

  static Endpoint Named(const std::string& address, std::vector<std::string> path = {}) {
    Endpoint e;
    e.addresses = {address};
    e.path = std::move(path);
    return e;
  }
  static Endpoint Weighing(const std::string& address, uint32_t weight) {
    Endpoint e = Named(address);
    e.weight = weight;
    return e;
  }
  static std::vector<Endpoint> In(const std::map<std::string, Addresses>& groups) {
    std::vector<Endpoint> out;
    for (const auto& [name, all] : groups) {
      for (const std::string& a : all) out.push_back(Named(a, {name}));
    }
    return out;
  }

  Connectivity state_ = kConnecting;
  std::vector<Connectivity> states_;
  std::map<std::string, int> dials_;
  Addresses dialled_;  // In order.
  std::map<std::string, Duration> report_period_;
  std::map<std::string, double> metrics_;  // By "path: name".
  std::map<std::string, std::vector<double>> samples_;
  int reresolutions_ = 0, published_ = 0, cooked_ = 0;
  std::vector<std::string> warnings_;
  std::string note_ = "a note";
  Attributes settings_;
  Time now_{std::chrono::hours(1)};
  Chance chance_{7};
  std::function<uint64_t(uint64_t)> random_ = [](uint64_t) { return 0; };
  PickArgs args_{.method = "/test/Echo", .chance = &chance_, .post = this};
  PickerRef picker_ = QueuePicker()({now_, 2, chance_});
  PolicyRegistry registry_ = BuiltinPolicies();
  std::unique_ptr<Policy> root_;

 private:
  struct Handle;
  struct Core {
    std::shared_ptr<Subchannel> subchannel;
    SubchannelState state;
    std::vector<Handle*> handles;
  };
  struct Handle final : SubchannelHandle {
    ~Handle() override {
      Core& c = test->cores_.at(key);
      std::erase(c.handles, this);
      test->report_period_[key] -= period;
      if (c.handles.empty()) test->cores_.erase(key);
    }
    SubchannelRef Ref() const override { return test->cores_.at(key).subchannel; }
    void Connect() override {
      Core& c = test->cores_.at(key);
      if (c.state.connectivity != kIdle) return;
      ++test->dials_[key];
      test->dialled_.push_back(key);
      test->Report(c, {kConnecting, kReady, {}});
    }
    PolicyTest* test;
    std::string key;
    std::shared_ptr<OnSubchannelState> on_state;  // Lives on while it runs.
    bool watch_health = false;
    Duration period{};
  };
  struct FakeTimer final : Timer {
    std::shared_ptr<OnEvent> fire;
  };
  struct FakeNudge final : Nudge {
    std::weak_ptr<OnEvent> reaction;
  };
  struct FakeNudgeHandle final : NudgeHandle {
    NudgeRef Ref() const override { return nudge; }
    std::shared_ptr<FakeNudge> nudge;
    std::shared_ptr<OnEvent> reaction;
  };

  Policy& Root() {
    if (root_ == nullptr) root_ = GracefulSwitchPolicy().make();
    return *root_;
  }

  // Control and Post
  std::unique_ptr<SubchannelHandle> Open(const OpenOptions& o, OnSubchannelState told) override {
    const Tag* tag = o.transport == nullptr ? nullptr : o.transport->Get<Tag>();
    auto h = std::make_unique<Handle>();
    h->test = this;
    h->key = Cat(o.address, tag == nullptr ? "" : Cat("#", tag->text));
    h->watch_health = o.watch_health;
    h->period = o.report_period;
    h->on_state = std::make_shared<OnSubchannelState>(std::move(told));
    Core& core = cores_[h->key];
    if (core.subchannel == nullptr) core.subchannel = std::make_shared<Subchannel>(o.address);
    core.handles.push_back(h.get());
    report_period_[h->key] += o.report_period;
    if (core.state.connectivity != kIdle) Tell(*h, core.state);
    return h;
  }
  void Publish(Connectivity s, Recipe recipe) override {
    state_ = s;
    recipe_ = std::move(recipe);
    ++published_;
    if (states_.empty() || states_.back() != s) states_.push_back(s);
  }
  void Reresolve() override { ++reresolutions_; }
  std::unique_ptr<Timer> After(Duration d, OnEvent fire) override {
    auto t = std::make_unique<FakeTimer>();
    t->fire = std::make_shared<OnEvent>(std::move(fire));
    timers_.emplace(now_ + d, t->fire);
    return t;
  }
  std::unique_ptr<NudgeHandle> OnNudge(OnEvent raised) override {
    auto h = std::make_unique<FakeNudgeHandle>();
    h->nudge = std::make_shared<FakeNudge>();
    h->nudge->reaction = h->reaction = std::make_shared<OnEvent>(std::move(raised));
    return h;
  }
  void Deliver(NudgeRef nudge) override {
    queue_.push_back([this, nudge] {
      nudge->raised = false;
      if (auto f = static_cast<const FakeNudge&>(*nudge).reaction.lock()) (*f)(*this);
    });
  }
  std::shared_ptr<Gauge> Shared(std::string_view key) override {
    std::weak_ptr<Gauge>& kept = gauges_[std::string(key)];
    auto gauge = kept.lock();
    if (gauge == nullptr) kept = gauge = std::make_shared<Gauge>(0);
    return gauge;
  }
  Time Now() const override { return now_; }
  uint64_t Random(uint64_t bound) override { return random_(bound); }
  uint32_t Shards() const override { return 2; }
  void Metric(const MetricPoint& p) override {
    const std::string name = Cat(p.policy, ": ", p.name);
    if (p.samples.empty()) {
      metrics_[name] += p.value;
    } else {
      auto& all = samples_[name];
      all.insert(all.end(), p.samples.begin(), p.samples.end());
    }
  }

  void Report(Core& core, const SubchannelState& s) {
    core.state = s;
    for (Handle* h : core.handles) Tell(*h, s);
  }
  void Tell(Handle& h, SubchannelState s) {
    if (!h.watch_health) s.health = kReady;
    queue_.push_back([this, s, f = std::weak_ptr(h.on_state)] {
      if (auto told = f.lock()) (*told)(s, *this);
    });
  }
  template <class F>
  void Turn(F work) {
    work();
    for (; !queue_.empty(); queue_.pop_front()) queue_.front()();
    if (!recipe_) return;
    picker_ = std::exchange(recipe_, nullptr)({now_, Shards(), chance_});
    ++cooked_;
  }

  std::map<std::string, Core> cores_;
  std::multimap<Time, std::weak_ptr<OnEvent>> timers_;
  std::deque<std::function<void()>> queue_;
  std::map<std::string, std::weak_ptr<Gauge>> gauges_;
  Recipe recipe_;
  ChildConfig child_;
};

}  // namespace rondo

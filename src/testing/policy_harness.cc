#include <deque>
#include <utility>

#include "base/text.h"
#include "testing/harness_channel.h"

namespace rondo::testing {

PolicyHarness::PolicyHarness(HarnessOptions options)
    : channel_(std::make_unique<Channel>(std::move(options))) {}
PolicyHarness::~PolicyHarness() = default;

// ---- What the service's owner and the resolver do.

void PolicyHarness::Add(PolicyFactory policy) { channel_->registry.Add(std::move(policy)); }
absl::Status PolicyHarness::Configure(std::string_view policies) {
  return channel_->Configure(policies);
}
std::string PolicyHarness::ErrorOf(std::string_view policies) {
  const absl::Status status = Configure(policies);
  return std::string(MessageOf(status));
}
absl::Status PolicyHarness::ResolveEndpoints(std::vector<Endpoint> endpoints) {
  return channel_->Resolve(std::move(endpoints));
}
absl::Status PolicyHarness::Resolve(const Addresses& addresses) {
  std::vector<Endpoint> all;
  for (const std::string& a : addresses) all.push_back(Named(a));
  return ResolveEndpoints(std::move(all));
}
absl::Status PolicyHarness::Start(std::string_view policies, const Addresses& addresses) {
  absl::Status status = Configure(policies);
  if (status.ok()) Resolve(addresses).IgnoreError();
  return status;
}
void PolicyHarness::ResolverFails(std::string_view why) {
  channel_->Turn([&] {
    channel_->Root().OnResolverError(absl::UnavailableError(Cat("name resolver error: ", why)),
                                     *channel_);
  });
}
void PolicyHarness::ExitIdle() {
  channel_->Turn([this] { channel_->Root().OnIdleExit(*channel_); });
}
PickerRef PolicyHarness::DropPolicy() { return channel_->DropPolicy(); }

// ---- What the network does.

void PolicyHarness::Become(const std::string& address, const SubchannelState& state) {
  channel_->Become({address}, state);
}
void PolicyHarness::Fails(const std::string& address, const std::string& why) {
  Become(address, {kFailed, kReady, absl::UnavailableError(why)});
}
void PolicyHarness::Health(const std::string& address, Connectivity health,
                           const std::string& why) {
  Become(address,
         {kReady, health, health == kFailed ? absl::UnavailableError(why) : absl::Status()});
}
void PolicyHarness::Suspect(const std::string& address, bool is) {
  Load(address).SetSuspect(is);
  Become(address, {.connectivity = kReady, .health = kReady, .why = {}, .suspect = is});
}
void PolicyHarness::AllReady(const Addresses& addresses) {
  channel_->Become(addresses, {kReady, kReady, {}});
}
void PolicyHarness::AnswerDials(
    std::function<std::optional<SubchannelState>(const std::string&)> answer) {
  channel_->answer = std::move(answer);
}
void PolicyHarness::Advance(Duration by) { AdvanceTo(now() + by); }
void PolicyHarness::AdvanceTo(Time when) { channel_->AdvanceTo(when); }
std::optional<Time> PolicyHarness::NextTimer() const { return channel_->NextTimer(); }

// ---- Calls.

PolicyHarness::Call PolicyHarness::Begin() {
  Call call{"", picker()->Pick(args()), picker()};
  const PickResult& result = call.result;
  if (result.picked()) {
    call.where = result.subchannel()->address;
    const_cast<Subchannel*>(result.subchannel())->load.Begin();
  } else if (result.kind() == PickResult::Kind::kQueue) {
    call.where = "queue";
  } else {
    const bool drop = result.kind() == PickResult::Kind::kDrop;
    call.where = Cat(drop ? "drop: " : "", result.status().message());
  }
  RunTurn();  // Nudges arrive.
  return call;
}
void PolicyHarness::End(const Call& call, absl::Status status, const LoadReport* report,
                        Duration latency) {
  if (!call.result.picked()) return;
  const CallEnd end{.status = status, .latency = latency, .now = now(), .report = report};
  const_cast<Subchannel*>(call.result.subchannel())->load.End(end);
  for (const PickResult::Watch& w : call.result.watches()) w.picker->OnDone(w.token, end);
}
std::string PolicyHarness::Go(absl::Status status) {
  const Call call = Begin();
  End(call, std::move(status));
  return call.where;
}
PolicyHarness::Addresses PolicyHarness::Calls(int n) {
  Addresses out;
  for (int i = 0; i < n; ++i) out.push_back(Go());
  return out;
}
Spread PolicyHarness::Shares(int n, int concurrency) {
  Spread out;
  std::deque<Call> flying;
  for (int i = 0; i < n; ++i) {
    flying.push_back(Begin());
    ++out[flying.back().where];
    if (static_cast<int>(flying.size()) < concurrency) continue;
    End(flying.front());
    flying.pop_front();
  }
  for (const Call& call : flying) End(call);
  return out;
}
void PolicyHarness::RunTurn() {
  channel_->Turn([] {});
}

// ---- What can be seen.

Connectivity PolicyHarness::state() const { return channel_->state; }
std::vector<Connectivity> PolicyHarness::States() { return std::exchange(channel_->states, {}); }
const PickerRef& PolicyHarness::picker() const { return channel_->picker; }
PickArgs& PolicyHarness::args() { return channel_->args; }
Attributes& PolicyHarness::settings() { return channel_->settings; }
Time PolicyHarness::now() const { return channel_->now; }
PolicyHarness::Addresses PolicyHarness::Open() const {
  Addresses out;
  for (const auto& [address, _] : channel_->cores) out.push_back(address);
  return out;
}
bool PolicyHarness::IsOpen(const std::string& address) const {
  return channel_->cores.contains(address);
}
LoadCell& PolicyHarness::Load(const std::string& address) {
  return channel_->CoreOf(address).subchannel->load;
}
Connectivity PolicyHarness::StateOf(const std::string& address) const {
  return channel_->CoreOf(address).state.connectivity;
}
std::map<std::string, int>& PolicyHarness::dials() { return channel_->dials; }
PolicyHarness::Addresses& PolicyHarness::dialled() { return channel_->dialled; }
void PolicyHarness::AnswerProbes(
    std::function<std::optional<LoadReport>(const std::string&)> answer) {
  channel_->answer_probe = std::move(answer);
}
std::map<std::string, int>& PolicyHarness::probes() { return channel_->probes; }
std::map<std::string, Duration>& PolicyHarness::report_period() { return channel_->report_period; }
std::map<std::string, double>& PolicyHarness::metrics() { return channel_->metrics; }
std::map<std::string, std::vector<double>>& PolicyHarness::samples() { return channel_->samples; }
const std::vector<std::string>& PolicyHarness::warnings() const { return channel_->warnings; }
int PolicyHarness::reresolutions() const { return channel_->reresolutions; }
int PolicyHarness::published() const { return channel_->published; }
int PolicyHarness::pickers_made() const { return channel_->pickers_made; }
std::string PolicyHarness::Leaks() const { return channel_->Leaks(); }
void PolicyHarness::DrawWith(std::function<uint64_t(uint64_t)> draw) {
  channel_->draw = std::move(draw);
}
const PolicyRegistry& PolicyHarness::registry() const { return channel_->registry; }

Endpoint PolicyHarness::Named(const std::string& address, std::vector<std::string> path) {
  Endpoint e;
  e.addresses = {address};
  e.path = std::move(path);
  return e;
}
Endpoint PolicyHarness::Weighing(const std::string& address, uint32_t weight) {
  Endpoint e = Named(address);
  e.weight = weight;
  return e;
}
std::vector<Endpoint> PolicyHarness::In(const std::map<std::string, Addresses>& groups) {
  std::vector<Endpoint> out;
  for (const auto& [name, all] : groups) {
    for (const std::string& a : all) out.push_back(Named(a, {name}));
  }
  return out;
}

}  // namespace rondo::testing

#include "simulation.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <deque>
#include <map>
#include <memory>
#include <queue>
#include <string>

#include "rondo/testing.h"

namespace rondo::lab {
namespace {

using testing::PolicyHarness;

constexpr double kReportWindow = 1;  // Seconds that a server's load report looks back.

struct Event {
  enum class Kind : uint8_t {
    kCall,
    kReach,
    kServed,
    kAnswer,
    kTimeout,
    kTimer,
    kDraw,
    kChange,
    kReport,
    kSlice,
    kBackoff,  // Of a client; `generation` is the server.
  };
  double at;
  uint64_t order;  // Of equals the first comes first.
  Kind kind;
  uint32_t who;         // Client, call, server or change.
  uint32_t generation;  // An event of another one is stale.
  bool operator>(const Event& o) const { return at != o.at ? at > o.at : order > o.order; }
};

struct Flight {
  uint32_t client = 0, server = 0, generation = 0;
  double begun = 0, work = 0;
  double picked_at = 0;  // Later than `begun` when it was queued.
  uint64_t ticket = 0;   // The server's.
  bool measured = false, at_server = false, fails = false;
  bool placed = false;  // At `server`, or on the way.
  PolicyHarness::Call call;
};

struct Client {
  std::unique_ptr<PolicyHarness> channel;
  std::deque<std::pair<uint32_t, uint32_t>> waiting;  // Calls that were queued; their generations.
  double timer = Server::kNever;
  std::string zone{};
  std::map<uint32_t, uint32_t> failures{};  // Dials that failed in a row, by server.
};

struct Machine {
  Machine(const ServerGroup& g)  // NOLINT
      : server(g.model), extra(g.extra), group(&g), listed(g.listed) {}
  Server server;
  double extra;
  const ServerGroup* group;
  bool listed, down = false;
  double errors = 0;
  uint32_t generation = 0;
  double used_before = 0;
  uint64_t finished_before = 0;
  double held_before = 0;
  LoadReport report;
};

class Simulation {
 public:
  Simulation(const Scenario& scenario, uint64_t seed, const Progress& progress)
      : s_(scenario), progress_(progress), chance_(seed) {
    for (const ServerGroup& g : s_.servers) {
      for (uint32_t i = 0; i < g.count; ++i) machines_.emplace_back(g);
    }
    result_.calls_to.resize(machines_.size());
    result_.connections_to.resize(machines_.size());
    result_.series.width = (s_.warmup + s_.duration) / static_cast<double>(kSlices);
  }
  absl::Status Begin(const std::string& config);
  Result Run();

 private:
  using Kind = Event::Kind;
  void Push(double at, Kind kind, uint32_t who, uint32_t generation = 0) {
    events_.push({at, order_++, kind, who, generation});
  }
  void Handle(const Event& event);
  void NextCall();
  void Place(uint32_t id);
  void Reach(uint32_t id);
  void Served(const Event& event);
  void Answer(uint32_t id);
  void TimeOut(uint32_t id);
  void End(uint32_t id, absl::Status status);
  void RunTimers(Client& client);
  void Draw(uint32_t machine);
  void Apply(const Change& change);
  void Report();
  void EndSlice();
  std::vector<Endpoint> Listed() const;
  SubchannelState AnswerDial(uint32_t client, uint32_t machine);
  void EndBackoff(uint32_t client, uint32_t machine);
  void GoDown(uint32_t machine);

  void WatchTimers(uint32_t client);
  void WatchServer(uint32_t machine);
  double Way(const Flight& f) {
    const double fixed = Crosses(f) ? s_.network + s_.zone_way : s_.network;
    return s_.jitter > 0 ? fixed + Exponential(chance_, s_.jitter) : fixed;
  }
  bool Crosses(const Flight& f) const {
    const std::string& zone = clients_[f.client].zone;
    return !zone.empty() && zone != machines_[f.server].group->zone;
  }
  static Time At(double seconds) {
    return Time(std::chrono::hours(1)) + Duration(static_cast<int64_t>(seconds * 1e9));
  }

  const Scenario& s_;
  const Progress& progress_;
  Chance chance_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  uint64_t order_ = 0;
  double now_ = 0;
  std::vector<Machine> machines_;
  std::vector<Client> clients_;
  std::vector<Flight> flights_;
  std::vector<uint32_t> free_;
  Result result_;
};

absl::Status Simulation::Begin(const std::string& config) {
  const std::vector<Endpoint> endpoints = Listed();
  clients_.reserve(s_.clients);
  for (uint32_t i = 0; i < s_.clients; ++i) {
    // Its dials are answered while it is resolved.
    Client& client = clients_.emplace_back();
    if (!s_.client_zones.empty()) client.zone = s_.client_zones[i % s_.client_zones.size()];
    client.channel =
        std::make_unique<PolicyHarness>(testing::HarnessOptions{.seed = chance_.Next()});
    client.channel->AnswerDials([this, i](const std::string& address) {
      return AnswerDial(i, static_cast<uint32_t>(std::stoul(address)));
    });
    if (absl::Status wrong = client.channel->Configure(config); !wrong.ok()) return wrong;
    client.channel->ResolveEndpoints(endpoints).IgnoreError();  // Its calls tell.
    WatchTimers(i);
  }
  for (uint32_t m = 0; m < machines_.size(); ++m) {
    if (s_.antagonists.every > 0) Draw(m);
  }
  for (uint32_t i = 0; i < s_.changes.size(); ++i) Push(s_.changes[i].at, Kind::kChange, i);
  if (s_.reports) Push(kReportWindow, Kind::kReport, 0);
  Push(result_.series.width, Kind::kSlice, 0);
  if (s_.rate > 0) Push(Exponential(chance_, 1 / s_.rate), Kind::kCall, 0);
  return absl::OkStatus();
}

Result Simulation::Run() {
  const double end = s_.warmup + s_.duration;
  while (!events_.empty() && events_.top().at <= end) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    Handle(event);
  }
  result_.duration = s_.duration;
  for (const Flight& f : flights_) {
    if (f.measured) ++result_.unfinished;
  }
  for (Client& client : clients_) {
    for (const std::string& address : client.channel->Open()) {
      if (client.channel->StateOf(address) != Connectivity::kReady) continue;
      ++result_.connections_to[std::stoul(address)];
    }
  }
  return std::move(result_);
}

void Simulation::Handle(const Event& event) {
  switch (event.kind) {
    case Kind::kCall:
      return NextCall();
    case Kind::kReach:
      if (flights_[event.who].generation == event.generation) Reach(event.who);
      return;
    case Kind::kServed:
      return Served(event);
    case Kind::kAnswer:
      if (flights_[event.who].generation == event.generation) Answer(event.who);
      return;
    case Kind::kTimeout:
      if (flights_[event.who].generation == event.generation) TimeOut(event.who);
      return;
    case Kind::kTimer:
      clients_[event.who].timer = Server::kNever;
      RunTimers(clients_[event.who]);
      return WatchTimers(event.who);
    case Kind::kDraw:
      return Draw(event.who);
    case Kind::kChange:
      return Apply(s_.changes[event.who]);
    case Kind::kReport:
      return Report();
    case Kind::kBackoff:
      return EndBackoff(event.who, event.generation);
    case Kind::kSlice:
      return EndSlice();
  }
}

void Simulation::NextCall() {
  Push(now_ + Exponential(chance_, 1 / s_.rate), Kind::kCall, 0);
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(flights_.size()));
    flights_.emplace_back();
  }
  const uint32_t id = free_.back();
  free_.pop_back();
  Flight& f = flights_[id];
  f.client = clients_.size() == 1 ? 0 : chance_.Below(static_cast<uint32_t>(clients_.size()));
  f.begun = f.picked_at = now_;
  f.work = s_.work.Draw(chance_);
  f.measured = now_ >= s_.warmup;
  f.at_server = f.fails = f.placed = false;
  ++result_.simulated;
  if (f.measured) ++result_.calls;
  ++result_.series.At(now_).calls;
  if (s_.timeout > 0) Push(now_ + s_.timeout, Kind::kTimeout, id, f.generation);
  Place(id);
}

void Simulation::Place(uint32_t id) {
  Flight& f = flights_[id];
  Client& client = clients_[f.client];
  client.channel->AdvanceTo(At(now_));
  PickArgs& args = client.channel->args();
  args.affinity = chance_.Next();  // Keys are uniform.
  f.call = client.channel->Begin();
  // Policies that connect when they are called have by now.
  if (f.call.result.kind() == PickResult::Kind::kQueue) {
    f.call = client.channel->Begin();
    WatchTimers(f.client);
  }
  if (f.call.result.kind() == PickResult::Kind::kQueue) {
    client.waiting.emplace_back(id, f.generation);
    return;
  }
  if (!f.call.result.picked()) return End(id, f.call.result.status());
  f.picked_at = now_;
  const std::string& name = f.call.where;
  std::from_chars(name.data(), name.data() + name.size(), f.server);
  f.placed = true;
  if (f.measured) {
    ++result_.calls_to[f.server];
    if (!client.zone.empty()) ++result_.zoned;
    if (Crosses(f)) ++result_.cross_zone;
  }
  const double way = Way(f);
  if (way <= 0) return Reach(id);
  Push(now_ + way, Kind::kReach, id, f.generation);
}

void Simulation::Reach(uint32_t id) {
  Flight& f = flights_[id];
  Machine& m = machines_[f.server];
  if (m.errors > 0 && Uniform(chance_) <= m.errors) {
    f.fails = true;
    return Push(now_ + Way(f), Kind::kAnswer, id, f.generation);
  }
  f.at_server = true;
  f.ticket = m.server.Arrive(id, f.work, now_);
  result_.most_in_flight = std::max(result_.most_in_flight, m.server.in_flight());
  WatchServer(f.server);
}

void Simulation::Served(const Event& event) {
  Machine& m = machines_[event.who];
  if (m.generation != event.generation) return;
  const uint32_t id = m.server.Finish(now_);
  WatchServer(event.who);
  flights_[id].at_server = false;
  const double way = Way(flights_[id]) + m.extra;
  if (way <= 0) return Answer(id);
  Push(now_ + way, Kind::kAnswer, id, flights_[id].generation);
}

void Simulation::Answer(uint32_t id) {
  const bool fails = flights_[id].fails;
  End(id, fails ? absl::UnavailableError("the server failed it") : absl::OkStatus());
}

void Simulation::TimeOut(uint32_t id) {
  Flight& f = flights_[id];
  if (f.at_server) {
    machines_[f.server].server.Cancel(f.ticket, now_);
    WatchServer(f.server);
  }
  End(id, absl::DeadlineExceededError("timeout"));
}

void Simulation::End(uint32_t id, absl::Status status) {
  Flight& f = flights_[id];
  const double took = now_ - f.begun;
  Slice& slice = result_.series.At(f.begun);
  if (status.ok()) {
    slice.latency.Add(static_cast<int64_t>(took * 1e9));
  } else {
    ++slice.errors;
  }
  if (f.measured) {
    if (status.ok()) {
      result_.latency.Add(static_cast<int64_t>(took * 1e9));
    } else {
      ++result_.errors;
    }
    if (!status.ok() || took >= 1) ++result_.slow;
  }
  PolicyHarness& channel = *clients_[f.client].channel;
  channel.AdvanceTo(At(now_));
  const auto latency = Duration(static_cast<int64_t>((now_ - f.picked_at) * 1e9));
  const bool told = s_.reports && status.ok();
  channel.End(f.call, std::move(status), told ? &machines_[f.server].report : nullptr, latency);
  ++f.generation;
  f.placed = false;
  f.call.picker = nullptr;
  f.measured = false;  // What is left at the end is unfinished.
  free_.push_back(id);
}

void Simulation::RunTimers(Client& client) {
  client.channel->AdvanceTo(At(now_));
  auto waiting = std::exchange(client.waiting, {});
  for (const auto& [id, generation] : waiting) {
    if (flights_[id].generation == generation) Place(id);
  }
}
void Simulation::WatchTimers(uint32_t client) {
  const std::optional<Time> next = clients_[client].channel->NextTimer();
  if (!next) return;
  const double at = std::chrono::duration<double>(*next - At(0)).count() + 1e-9;
  if (at >= clients_[client].timer) return;
  clients_[client].timer = at;
  Push(std::max(at, now_), Kind::kTimer, client);
}
void Simulation::WatchServer(uint32_t machine) {
  Machine& m = machines_[machine];
  ++m.generation;
  if (const double at = m.server.NextEnd(); at < Server::kNever) {
    Push(at, Kind::kServed, machine, m.generation);
  }
}

void Simulation::Draw(uint32_t machine) {
  const Antagonists& a = s_.antagonists;
  const double share =
      Uniform(chance_) <= a.hot ? a.hot_share : a.low + (a.high - a.low) * Uniform(chance_);
  machines_[machine].server.SetShare(share, now_);
  WatchServer(machine);
  Push(now_ + Exponential(chance_, a.every), Kind::kDraw, machine);
}
void Simulation::Apply(const Change& change) {
  for (uint32_t i = change.first; i <= change.last; ++i) {
    Machine& m = machines_[i];
    if (change.speed >= 0) m.server.SetSpeed(change.speed, now_);
    if (change.extra >= 0) m.extra = change.extra;
    if (change.errors >= 0) m.errors = change.errors;
    WatchServer(i);
    if (change.down == 0) m.down = false;
    if (change.down == 1 && !m.down) GoDown(i);
    if (change.listed >= 0) m.listed = change.listed != 0;
  }
  if (change.listed < 0) return;
  const std::vector<Endpoint> endpoints = Listed();
  for (uint32_t c = 0; c < clients_.size(); ++c) {
    clients_[c].channel->AdvanceTo(At(now_));
    clients_[c].channel->ResolveEndpoints(endpoints).IgnoreError();  // Its calls tell.
    RunTimers(clients_[c]);
    WatchTimers(c);
  }
}

std::vector<Endpoint> Simulation::Listed() const {
  std::vector<Endpoint> out;
  for (size_t i = 0; i < machines_.size(); ++i) {
    if (!machines_[i].listed) continue;
    const ServerGroup& g = *machines_[i].group;
    out.push_back(PolicyHarness::Weighing(std::to_string(i), g.weight));
    out.back().zone = g.zone;
  }
  return out;
}
// Connections are made at once, or refused; then the channel waits as gRPC's do: a second, 1.6
// times as long each time, at most two minutes, give or take a fifth.
SubchannelState Simulation::AnswerDial(uint32_t client, uint32_t machine) {
  ++result_.dials;
  uint32_t& failures = clients_[client].failures[machine];
  if (!machines_[machine].down) {
    failures = 0;
    return {Connectivity::kReady, Connectivity::kReady, {}};
  }
  const double wait = std::min(120.0, std::pow(1.6, failures++)) * (0.8 + 0.4 * Uniform(chance_));
  Push(now_ + wait, Kind::kBackoff, client, machine);
  return {Connectivity::kTransientFailure, Connectivity::kReady,
          absl::UnavailableError("connection refused")};
}
void Simulation::EndBackoff(uint32_t client, uint32_t machine) {
  PolicyHarness& channel = *clients_[client].channel;
  const std::string address = std::to_string(machine);
  channel.AdvanceTo(At(now_));
  if (!channel.IsOpen(address)) return;
  if (channel.StateOf(address) != Connectivity::kTransientFailure) return;
  channel.Idle(address);
  RunTimers(clients_[client]);
  WatchTimers(client);
}
// As when its process dies: calls fail, connections break.
void Simulation::GoDown(uint32_t machine) {
  Machine& m = machines_[machine];
  m.down = true;
  for (uint32_t id = 0; id < flights_.size(); ++id) {
    Flight& f = flights_[id];
    if (!f.placed || f.server != machine) continue;
    if (f.at_server) m.server.Cancel(f.ticket, now_);
    f.at_server = false;
    End(id, absl::UnavailableError("the connection broke"));
  }
  WatchServer(machine);
  const std::string address = std::to_string(machine);
  for (uint32_t c = 0; c < clients_.size(); ++c) {
    PolicyHarness& channel = *clients_[c].channel;
    channel.AdvanceTo(At(now_));
    if (!channel.IsOpen(address) || channel.StateOf(address) != Connectivity::kReady) continue;
    channel.Idle(address);
    RunTimers(clients_[c]);
    WatchTimers(c);
  }
}
void Simulation::Report() {
  for (Machine& m : machines_) {
    m.server.Advance(now_);
    const ServerModel& model = m.server.model();
    const double power = model.cores * (model.speed > 0 ? model.speed : 1) * kReportWindow;
    m.report.application = m.report.cpu = (m.server.used() - m.used_before) / power;
    m.report.qps = static_cast<double>(m.server.finished() - m.finished_before) / kReportWindow;
    m.report.at = At(now_);
    m.used_before = m.server.used();
    m.finished_before = m.server.finished();
  }
  Push(now_ + kReportWindow, Kind::kReport, 0);
}
void Simulation::EndSlice() {
  std::vector<double> mean;
  mean.reserve(machines_.size());
  for (Machine& m : machines_) {
    m.server.Advance(now_);
    mean.push_back((m.server.held() - m.held_before) / result_.series.width);
    m.held_before = m.server.held();
  }
  result_.series.in_flight.push_back(std::move(mean));
  if (progress_) progress_(now_ / (s_.warmup + s_.duration), result_.simulated);
  // The last one may come a rounding after the end: it is missed by no one.
  Push(now_ + result_.series.width, Kind::kSlice, 0);
}

template <class N>
void AddUp(const std::vector<N>& one, std::vector<N>& sum) {
  sum.resize(one.size());
  for (size_t i = 0; i < one.size(); ++i) sum[i] += one[i];
}

}  // namespace

void Merge(const Result& one, size_t runs, Result& sum) {
  sum.latency.Merge(one.latency);
  sum.calls += one.calls;
  sum.errors += one.errors;
  sum.unfinished += one.unfinished;
  sum.slow += one.slow;
  AddUp(one.calls_to, sum.calls_to);
  AddUp(one.connections_to, sum.connections_to);
  sum.cross_zone += one.cross_zone;
  sum.zoned += one.zoned;
  sum.dials += one.dials;
  sum.duration += one.duration;
  sum.most_in_flight = std::max(sum.most_in_flight, one.most_in_flight);
  sum.simulated += one.simulated;
  sum.series.Merge(one.series, runs);
}

absl::StatusOr<Result> Simulate(const Scenario& scenario, size_t policy, uint64_t seed,
                                const Progress& progress) {
  Simulation simulation(scenario, seed, progress);
  absl::Status begun = simulation.Begin(scenario.policies[policy].second);
  if (!begun.ok()) return begun;
  return simulation.Run();
}

}  // namespace rondo::lab

#include "stack/world.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace rondo::stack {
namespace {

constexpr std::string_view kPickFirst = R"({"loadBalancingConfig":[{"pick_first":{}}]})";
constexpr std::string_view kRoundRobin = R"({"loadBalancingConfig":[{"round_robin":{}}]})";

std::string Config(bool round_robin) { return std::string(round_robin ? kRoundRobin : kPickFirst); }

}  // namespace

World::World(uint64_t seed, const WorldOptions& options)
    : options_(options), dice_(seed), network_(seed ^ 0x5eed) {
  network_.set_traffic(options.traffic);
  for (int i = 0; i < options.backends; ++i) {
    ServerOptions server{.credentials = Insecure(), .listen = {Cat("10.0.0.", i + 1, ":443")}};
    server.max_concurrent_streams = options.max_streams;
    backends_.push_back(std::make_unique<Backend>(loop_, network_, history_, i, std::move(server)));
    backends_.back()->Start();
  }
  names_.resize(static_cast<size_t>(options.channels));
  channels_.resize(names_.size());
  for (size_t i = 0; i < names_.size(); ++i) {
    names_[i].round_robin = options.round_robin;
    PublishAll(i);
    Open(i);
  }
}

World::~World() = default;

void World::Advance(Duration by) {
  loop_->Advance(by);
  for (const auto& backend : backends_) backend->Sweep();
}

// ---- Channels.

void World::Open(size_t channel) {
  if (channels_[channel]) return;
  history_.Note(now(), "channel opens", 0, static_cast<int64_t>(channel));
  Names& names = names_[channel];
  names.strict = true;
  NoteAddresses(channel);
  ChannelOptions options{.credentials = Insecure(),
                         .default_service_config = Config(options_.round_robin),
                         .resolvers = {names.resolver.Factory()},
                         .backoff = kBackoff};
  auto made = channel::MakeChannel("test:///play", std::move(options),
                                   {loop_, &network_, dice_.Next(), this});
  if (!made.ok()) return history_.Blame(now(), 0, Cat("no channel: ", made.status().message()));
  channels_[channel].emplace(*std::move(made));
}

void World::Close(size_t channel) {
  if (!channels_[channel]) return;
  history_.Note(now(), "channel closes", 0, static_cast<int64_t>(channel));
  Excuse(channel);
  channels_[channel].reset();
}

// Calls that are running may end with CANCELLED.
void World::Excuse(size_t channel) {
  for (const auto& caller : callers_) {
    CallHistory& call = caller->call();
    if (call.channel == static_cast<int>(channel) && !caller->over()) call.closed = true;
  }
}

void World::Publish(size_t channel, const std::vector<size_t>& backends) {
  std::vector<Endpoint> endpoints;
  for (const size_t i : backends) endpoints.push_back({.addresses = {backend(i).address()}});
  names_[channel].last.endpoints = std::move(endpoints);
  Tell(channel);
}

void World::PublishAll(size_t channel) {
  std::vector<size_t> all;
  for (size_t i = 0; i < backends(); ++i) all.push_back(i);
  Publish(channel, all);
}

void World::PublishError(size_t channel) {
  history_.Note(now(), "resolver fails", 0, static_cast<int64_t>(channel));
  names_[channel].resolver.Publish({.endpoints = absl::UnavailableError("no name server answers")});
}

void World::PublishWrongConfig(size_t channel, const std::vector<size_t>& backends) {
  Names& names = names_[channel];
  Publish(channel, backends);
  Resolution wrong = names.last;
  wrong.service_config_json = R"({"loadBalancingConfig":[{"no_such_policy":{}}]})";
  names.resolver.Publish(std::move(wrong));
}

void World::ChoosePolicy(size_t channel, bool round_robin) {
  Names& names = names_[channel];
  if (std::exchange(names.round_robin, round_robin) != round_robin) names.strict = false;
}

void World::SetPolicy(size_t channel, bool round_robin) {
  history_.Note(now(), "config is set", 0, round_robin ? 2 : 1);
  names_[channel].strict = false;
  NoteAddresses(channel);
  channels_[channel]->SetServiceConfig(Config(round_robin)).status().IgnoreError();
}

void World::Tell(size_t channel) {
  Names& names = names_[channel];
  names.last.service_config_json = Config(names.round_robin);
  history_.Note(now(), "resolver tells", 0, static_cast<int64_t>(names.last.endpoints->size()));
  NoteAddresses(channel);
  names.resolver.Publish(names.last);
}

void World::NoteAddresses(size_t channel) {
  const Names& names = names_[channel];
  std::set<std::string> all;
  for (const Endpoint& e : *names.last.endpoints)
    all.insert(e.addresses.begin(), e.addresses.end());
  history_.NoteAddresses(now(), static_cast<int>(channel), std::move(all), names.strict);
}

// ---- Calls.

Caller& World::Call(size_t channel, const Script& script) {
  CallHistory& history = history_.Add(static_cast<int>(channel), now(), script);
  callers_.push_back(std::make_unique<Caller>(*loop_, history_, history));
  callers_.back()->Start(*channels_[channel]);
  return *callers_.back();
}

Caller& World::Call(size_t channel, const Habits& habits) {
  return Call(channel, Draw(dice_, static_cast<int>(history_.size()) + 1, habits));
}

size_t World::running() const {
  return static_cast<size_t>(
      std::ranges::count_if(callers_, [](const auto& c) { return !c->over(); }));
}

// ---- Ends.

void World::WindUp() {
  for (const auto& backend : backends_) backend->Drain(std::chrono::seconds(5));
  Advance(std::chrono::seconds(4));
  for (const auto& backend : backends_) {
    if (!backend->quiet())
      history_.Blame(now(), 0, Cat(backend->address(), " does not come to rest"));
    if (network_.connections(backend->address()) > 0) {
      history_.Blame(now(), 0, Cat("a connection to ", backend->address(), " is left"));
    }
  }
  for (size_t i = 0; i < channels(); ++i) Close(i);
  Leave();
}

void World::TearDown() {
  for (size_t i = 0; i < channels(); ++i) Excuse(i);
  std::vector<size_t> order;
  for (size_t i = 0; i < channels() + backends(); ++i) {
    order.insert(order.begin() + static_cast<ptrdiff_t>(dice_.Roll(i + 1)), i);
  }
  for (const size_t i : order) {
    if (i < channels()) {
      Close(i);
    } else {
      backend(i - channels()).Destroy();
    }
    if (dice_.Percent(50)) loop_->RunUntilIdle();
  }
  Leave();
}

void World::StopLoop() {
  for (size_t i = 0; i < channels(); ++i) Excuse(i);
  history_.Note(now(), "loop stops", 0);
  loop_->Stop();
  for (const auto& backend : backends_) backend->EndHandlers();
  for (size_t i = 0; i < channels(); ++i) Close(i);
  Leave();
}

void World::Leave() {
  Advance(std::chrono::seconds(30));  // Handlers that do not heed a cancel.
  callers_.clear();
  for (const auto& backend : backends_) backend->Destroy();
  Advance(std::chrono::seconds(1));
  CheckNothingIsLeft();
}

void World::CheckNothingIsLeft() {
  for (const auto& backend : backends_) {
    if (!backend->quiet()) history_.Blame(now(), 0, Cat(backend->address(), " has calls left"));
  }
  if (loop_->has_timers()) history_.Blame(now(), 0, "a timer is left");
  if (history_.callbacks() > 0) {
    history_.Blame(now(), 0, Cat(history_.callbacks(), " callbacks are left"));
  }
}

}  // namespace rondo::stack

#include "testing/storm.h"

#include <utility>

#include "base/text.h"

namespace rondo::testing {
namespace {

constexpr uint32_t kMost = 8;  // Backends of a list.

}  // namespace

std::vector<Endpoint> EndpointsOf(const ConformanceOptions& options, int n) {
  std::vector<Endpoint> out;
  for (int i = 0; i < n; ++i) {
    out.push_back(options.endpoint ? options.endpoint(i)
                                   : PolicyHarness::Named(Cat("backend-", i)));
  }
  return out;
}

Storm::Storm(const ConformanceOptions& options, uint64_t seed)
    : options_(options),
      seed_(seed),
      chance_(seed * 1000003),
      harness_({.seed = seed, .policies = options.policies}) {}

std::string Storm::Run() {
  harness_.args().affinity = 0;  // For policies that hash.
  harness_.Configure(options_.config).IgnoreError();
  harness_.ResolveEndpoints(EndpointsOf(options_, 3)).IgnoreError();
  const uint32_t steps = 1 + Below(options_.steps);  // So that it ends in any state.
  for (step_ = 0; step_ < steps && broken_.empty(); ++step_) {
    Step();
    Look();
  }
  End();
  return trace_;
}

void Storm::Step() {
  const uint32_t dice = Below(100);
  if (dice < 8) return List();
  if (dice < 45) return ChangeOne();
  if (dice < 55) return PassTime();
  if (dice < 57) return Switch();
  if (dice < 60) return harness_.ResolverFails("the storm's");
  if (dice < 63) return harness_.ExitIdle();
  if (dice < 90 || flying_.empty()) return Call();
  const auto one = flying_.begin() + Below(static_cast<uint32_t>(flying_.size()));
  harness_.End(*one, Below(4) == 0 ? absl::UnavailableError("the storm's") : absl::OkStatus(),
               nullptr, std::chrono::microseconds(1 + Below(100000)));
  flying_.erase(one);
}

// Another list: some of all backends, in any order, seldom none, seldom one twice.
void Storm::List() {
  std::vector<Endpoint> all = EndpointsOf(options_, kMost), some;
  const uint32_t n = Below(10) == 0 ? 0 : 1 + Below(kMost);
  for (uint32_t i = 0; i < n; ++i) {
    const uint32_t which = Below(static_cast<uint32_t>(all.size()));
    some.push_back(all[which]);
    if (Below(20) != 0) all.erase(all.begin() + which);
  }
  harness_.ResolveEndpoints(std::move(some)).IgnoreError();
}

// One connection moves as connections do: idle ones move only when they are dialled.
void Storm::ChangeOne() {
  const std::vector<std::string> open = harness_.Open();
  if (open.empty()) return;
  const std::string& one = open[Below(static_cast<uint32_t>(open.size()))];
  switch (harness_.StateOf(one)) {
    case Connectivity::kIdle:
      return;
    case Connectivity::kConnecting:
      return Below(3) == 0 ? harness_.Fails(one, "the storm's") : harness_.Ready(one);
    case Connectivity::kTransientFailure:
      return harness_.Idle(one);
    case Connectivity::kReady:
      break;
  }
  switch (Below(6)) {
    case 0:
      return harness_.Idle(one);
    case 1:
      return harness_.Health(one, Connectivity::kTransientFailure);
    case 2:
      return harness_.Suspect(one, Below(2) == 0);
    default:
      return harness_.Ready(one);
  }
}

void Storm::PassTime() {
  static constexpr int64_t kSteps[] = {1, 250, 1000, 10000, 1000000};  // ms
  harness_.Advance(std::chrono::milliseconds(kSteps[Below(5)]));
}

// To another policy and back: both ways are live.
void Storm::Switch() {
  switched_ = !switched_;
  harness_.Configure(switched_ ? R"([{"round_robin":{}}])" : options_.config).IgnoreError();
  List();
}

void Storm::Call() {
  PickArgs& args = harness_.args();
  args.affinity = chance_.Next();
  args.shard = Below(2);
  flying_.push_back(harness_.Begin());
  trace_ += Cat(flying_.back().where, "\n");
  if (!flying_.back().result.picked()) flying_.pop_back();
}

void Storm::Look() {
  const Connectivity state = harness_.state();
  trace_ += Cat(Name(state), "\n");
  for (int i = 0; i < 3; ++i) {
    const PickResult result = harness_.picker()->Pick(harness_.args());  // Thrown away: harmless.
    switch (result.kind()) {
      case PickResult::Kind::kPicked: {
        const Subchannel* to = result.subchannel();
        if (to == nullptr) return Broken("a pick is of a backend", "it was of none");
        if (state != Connectivity::kReady) {
          Broken("only a policy that is READY picks", Cat("it is ", Name(state)));
        } else if (!harness_.IsOpen(to->address) ||
                   harness_.StateOf(to->address) != Connectivity::kReady) {
          Broken("a pick is of a backend that is ready", Cat("it was of ", to->address));
        }
        break;
      }
      case PickResult::Kind::kFail:
        if (state != Connectivity::kTransientFailure) {
          Broken("only a policy in TRANSIENT_FAILURE fails calls",
                 Cat("it is ", Name(state), ": ", MessageOf(result.status())));
        }
        if (result.status().ok()) Broken("a failure has a status", "it was OK");
        break;
      case PickResult::Kind::kQueue:
      case PickResult::Kind::kDrop:
        break;
    }
  }
  harness_.RunTurn();
}

void Storm::End() {
  const PickerRef last = harness_.DropPolicy();
  if (const std::string left = harness_.Leaks(); !left.empty()) {
    Broken("it leaves nothing behind", Cat("left: ", left));
  }
  (void)last->Pick(harness_.args());
  harness_.RunTurn();
  for (const PolicyHarness::Call& call : flying_) harness_.End(call);
  flying_.clear();
}

void Storm::Broken(std::string_view rule, std::string_view what) {
  if (broken_.empty()) broken_ = Cat(rule, ": ", what, " (storm ", seed_, ", step ", step_, ")\n");
}

}  // namespace rondo::testing

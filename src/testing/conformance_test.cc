// Every policy of ours obeys the rules, and a policy that breaks one is found out.
#include <memory>
#include <ostream>
#include <string>

#include "balance/registry.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rondo/policy.h"
#include "rondo/testing.h"

namespace rondo::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Subject {
  std::string name, config;
};
// The tests' names have it.
void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.name; }

// Half of them in one child, half in the other, for those that have named children.
Endpoint InTwo(int i) {
  Endpoint e = PolicyHarness::Named("backend-" + std::to_string(i), {i % 2 == 0 ? "x" : "y"});
  e.labels = {{"track", e.path[0]}};
  e.zone = e.path[0];
  return e;
}

const Subject kSubjects[] = {
    {"pick_first", R"([{"pick_first":{}}])"},
    {"pick_first_shuffled", R"([{"pick_first":{"shuffleAddressList":true}}])"},
    {"round_robin", R"([{"round_robin":{}}])"},
    {"weighted_round_robin", R"([{"weighted_round_robin":{"blackoutPeriod":"0s"}}])"},
    {"least_request", R"([{"least_request":{}}])"},
    {"p2c_ewma", R"([{"p2c_ewma":{}}])"},
    {"ring_hash", R"([{"ring_hash":{}}])"},
    {"maglev", R"([{"maglev":{}}])"},
    {"ring_hash_bounded", R"([{"ring_hash":{"requestHashHeader":"k","hashBalanceFactor":125}}])"},
    {"maglev_bounded", R"([{"maglev":{"requestHashHeader":"k","hashBalanceFactor":125}}])"},
    {"ringsteady",
     R"([{"ringsteady":{"subsetSize":2,"client":{"index":1,"count":4},
        "childPolicy":[{"round_robin":{}}]}}])"},
    {"aperture", R"([{"aperture":{"minAperture":2,"client":{"index":1,"count":7},
        "childPolicy":[{"round_robin":{}}]}}])"},
    {"prequal", R"([{"prequal":{}}])"},
    {"pinned", R"([{"pinned":{"childPolicy":[{"round_robin":{}}]}}])"},
    {"locality_aware", R"([{"locality_aware":{}}])"},
    {"random_subsetting",
     R"([{"random_subsetting":{"subsetSize":2,"childPolicy":[{"round_robin":{}}]}}])"},
    {"outlier_detection",
     R"([{"outlier_detection":{"interval":"1s","failurePercentageEjection":{"minimumHosts":2,
        "requestVolume":2},"childPolicy":[{"round_robin":{}}]}}])"},
    {"circuit_breaking", R"([{"circuit_breaking":{"maxConcurrentRequests":1000000,
        "childPolicy":[{"round_robin":{}}]}}])"},
    {"slow_start", R"([{"slow_start":{"window":"10s","childPolicy":[{"round_robin":{}}]}}])"},
    {"route", R"([{"route":{"children":{
        "x":{"labels":["track=x"],"childPolicy":[{"round_robin":{}}]},
        "y":{"labels":["track!=x"],"childPolicy":[{"round_robin":{}}]}},
        "routes":[{"targets":{"x":{"weight":1},"y":{"weight":2}}}]}}])"},
    {"zone_aware", R"([{"zone_aware":{"zone":"x","childPolicy":[{"round_robin":{}}]}}])"},
    {"panic", R"([{"panic":{"thresholdPercent":50,"childPolicy":[{"round_robin":{}}]}}])"},
    {"priority", R"([{"priority":{"children":{"x":{"config":[{"round_robin":{}}]},
        "y":{"config":[{"round_robin":{}}]}},"priorities":["x","y"]}}])"},
    {"weighted_target", R"([{"weighted_target":{"targets":{
        "x":{"weight":1,"childPolicy":[{"round_robin":{}}]},
        "y":{"weight":2,"childPolicy":[{"round_robin":{}}]}}}}])"},
};

class EveryPolicy : public ::testing::TestWithParam<Subject> {};

TEST_P(EveryPolicy, Conforms) {
  const Subject& subject = GetParam();
  const bool named = subject.name == "priority" || subject.name == "weighted_target" ||
                     subject.name == "route" || subject.name == "zone_aware";
  ConformanceOptions options{.config = subject.config};
  if (named) options.endpoint = InTwo;
  EXPECT_EQ(Nonconformance(options), "");
}
INSTANTIATE_TEST_SUITE_P(Ours, EveryPolicy, ::testing::ValuesIn(kSubjects),
                         [](const auto& p) { return p.param.name; });

TEST(EveryPolicyOfOurs, IsATestsSubject) {
  for (const std::string& name : PolicyHarness().registry().Names()) {
    if (name.ends_with("_experimental")) continue;
    bool found = false;
    for (const Subject& s : kSubjects) found |= s.name == name;
    EXPECT_TRUE(found) << name;
  }
}

// ---- Policies that break a rule

PolicyFactory First(PickFunction pick) { return PolicyFrom("mine", std::move(pick)); }

TEST(Conformance, AShortFormConforms) {
  EXPECT_EQ(Nonconformance(First([](const ReadySet& set, const PickArgs& args) -> PickResult {
              return Picked{LeastLoaded(set, args)};
            })),
            "");
}
TEST(Conformance, AConfigThatIsWrongIsTold) {
  EXPECT_EQ(Nonconformance(ConformanceOptions{.config = R"([{"nope":{}}])"}),
            "its config is accepted: 1:1: loadBalancingConfig: none of these policies is known: "
            "nope\n");
}
TEST(Conformance, AReadyPolicyThatFailsCallsIsFound) {
  EXPECT_THAT(Nonconformance(First([](const ReadySet&, const PickArgs&) -> PickResult {
                return Fail{absl::InternalError("I don't like it")};
              })),
              HasSubstr("with all backends ready it is READY and calls go to them: a call ended "
                        "with I don't like it\n"));
}
TEST(Conformance, APickOfABackendThatIsGoneIsFound) {
  auto kept = std::make_shared<ReadySet>();
  EXPECT_THAT(Nonconformance(First([kept](const ReadySet& set, const PickArgs&) -> PickResult {
                if (kept->empty()) *kept = set;
                return Picked{(*kept)[0].subchannel.get()};
              })),
              HasSubstr("a backend that left the list gets no call: a call: backend-0\n"));
}

// Serves, but is told nothing of its subchannels, and leaves a timer behind.
class Careless final : public Policy {
 public:
  absl::Status OnUpdate(const Update&, Control& control) override {
    static std::unique_ptr<Timer> forgotten;
    forgotten = control.After(std::chrono::hours(9), [](Control&) {});
    control.Publish(Connectivity::kConnecting, QueuePicker());
    return absl::OkStatus();
  }
  void OnResolverError(const absl::Status& why, Control& control) override {
    control.Publish(Connectivity::kTransientFailure, FailPicker(why));
  }
};
TEST(Conformance, WhatAPolicyLeavesBehindIsFound) {
  const std::string broken = Nonconformance(
      PolicyFactory{.name = "careless", .make = [] { return std::make_unique<Careless>(); }});
  EXPECT_THAT(broken, StartsWith("with all backends ready it is READY and calls go to them: it is "
                                 "CONNECTING\n"));
  EXPECT_THAT(broken, HasSubstr("it leaves nothing behind, and its pickers outlive it: left: 1 "
                                "timers\n"));
  EXPECT_THAT(broken,
              HasSubstr("an empty list is an error and calls fail: OnUpdate returned OK\n"));
}
TEST(Conformance, ChanceOfItsOwnIsFound) {
  auto calls = std::make_shared<int>(0);  // What isn't the policy's survives it.
  EXPECT_THAT(Nonconformance(First([calls](const ReadySet& set, const PickArgs&) -> PickResult {
                return Picked{set[static_cast<size_t>(++*calls) % set.size()].subchannel.get()};
              })),
              HasSubstr("the same seed gives the same calls: seed "));
}

}  // namespace
}  // namespace rondo::testing

#include "balance/policy_test.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class WeightedTarget : public PolicyTest {
 protected:
  using Weights = std::vector<std::pair<std::string, int>>;
  using Groups = std::map<std::string, Addresses>;

  static std::string Targets(const Weights& weights, std::string_view child = "round_robin") {
    std::string all;
    for (const auto& [name, weight] : weights) {
      all += Cat(all.empty() ? "" : ",", "\"", name, R"(":{"weight":)", weight,
                 R"(,"childPolicy":[{")", child, R"(":{}}]})");
    }
    return Cat(R"([{"weighted_target":{"targets":{)", all, "}}}]");
  }
  void Apply(const std::string& config, const Groups& groups) {
    ASSERT_EQ(Configure(config), absl::OkStatus());
    EXPECT_EQ(ResolveEndpoints(In(groups)), absl::OkStatus());
  }
};

// ---- Config

TEST_F(WeightedTarget, IsKnownByBothNames) {
  std::string draft = Targets({{"x", 1}});
  draft.replace(draft.find("weighted_target"), 15, "weighted_target_experimental");
  Apply(draft, {{"x", {"a"}}});
  Ready("a");
  EXPECT_EQ(Go(), "a");
  Apply(Targets({{"x", 1}}), {{"x", {"a"}}});
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(WeightedTarget, ATargetNeedsAWeightAndAPolicy) {
  EXPECT_EQ(
      ErrorOf(R"([{"weighted_target":{"targets":{"x":{"childPolicy":[{"pick_first":{}}]}}}}])"),
      "1:37: loadBalancingConfig[0].weighted_target.targets.x.weight: is needed");
  EXPECT_EQ(
      ErrorOf(R"([{"weighted_target":{"targets":{"x":{"weight":1}}}}])"),
      "1:37: loadBalancingConfig[0].weighted_target.targets.x.childPolicy: is needed: a list of "
      "policies");
}
TEST_F(WeightedTarget, AWeightIsAtLeastOneAndAWholeNumber) {
  const auto with = [](std::string_view weight) {
    return Cat(R"([{"weighted_target":{"targets":{"x":{"weight":)", weight, "}}}}]");
  };
  const std::string path = "1:47: loadBalancingConfig[0].weighted_target.targets.x.weight: ";
  EXPECT_EQ(ErrorOf(with("0")), path + "0 is not within 1..4294967295");
  EXPECT_EQ(ErrorOf(with("-1")), path + "-1 is not within 1..4294967295");
  EXPECT_EQ(ErrorOf(with("4294967296")), path + "4294967296 is not within 1..4294967295");
  EXPECT_EQ(ErrorOf(with("1.5")), path + "must be a whole number");
  EXPECT_EQ(ErrorOf(with("true")), path + "must be a number");
}
TEST_F(WeightedTarget, WeightsMayAddUpToWhatFits) {
  EXPECT_EQ(ErrorOf(R"([{"weighted_target":{"targets":{
      "x":{"weight":4294967295,"childPolicy":[{"pick_first":{}}]},
      "y":{"weight":1,"childPolicy":[{"pick_first":{}}]}}}}])"),
            "1:32: loadBalancingConfig[0].weighted_target.targets: the weights add up to "
            "4294967296; at most 4294967295 is allowed");
}
TEST_F(WeightedTarget, TargetsAreAnObjectOfObjects) {
  EXPECT_EQ(ErrorOf(R"([{"weighted_target":{"targets":[]}}])"),
            "1:32: loadBalancingConfig[0].weighted_target.targets: must be an object");
  EXPECT_EQ(ErrorOf(R"([{"weighted_target":{"targets":{"x":1}}}])"),
            "1:37: loadBalancingConfig[0].weighted_target.targets.x: must be an object");
}
TEST_F(WeightedTarget, AnErrorOfAChildsConfigNamesThePath) {
  EXPECT_EQ(ErrorOf(R"([{"weighted_target":{"targets":{"x":{"weight":1,"childPolicy":[
            {"pick_first":{"shuffleAddressList":1}}]}}}}])"),
            "2:49: loadBalancingConfig[0].weighted_target.targets.x.childPolicy[0].pick_first."
            "shuffleAddressList: must be true or false");
}

// ---- Shares

TEST_F(WeightedTarget, WithoutTargetsCallsFail) {
  Start(R"([{"weighted_target":{}}])", {"a"});
  EXPECT_EQ(state(), kFailed);
  EXPECT_EQ(Go(), "weighted_target: no targets to pick from");
}
TEST_F(WeightedTarget, TheResolversErrorIsToldWithoutTargets) {
  Start(R"([{"weighted_target":{}}])", {});
  ResolverFails("no such host");
  EXPECT_EQ(Go(), "weighted_target: name resolver error: no such host");
}
TEST_F(WeightedTarget, OneTargetGetsAllCalls) {
  Apply(Targets({{"x", 1}}), {{"x", {"a"}}});
  EXPECT_EQ(Go(), "queue");
  Ready("a");
  EXPECT_THAT(Shares(5), ElementsAre(Pair("a", 5)));
}
TEST_F(WeightedTarget, TargetsComeAndGoWithTheConfig) {
  Apply(Targets({{"x", 1}}), {{"x", {"a"}}, {"y", {"b"}}});
  EXPECT_THAT(Open(), ElementsAre("a"));
  Ready("a");
  Apply(Targets({{"x", 1}, {"y", 1}}), {{"x", {"a"}}, {"y", {"b"}}});
  Ready("b");
  EXPECT_EQ(Shares(200).size(), 2u);
  Apply(Targets({{"y", 1}}), {{"x", {"a"}}, {"y", {"b"}}});
  EXPECT_THAT(Open(), ElementsAre("b"));
  EXPECT_THAT(Shares(5), ElementsAre(Pair("b", 5)));
  Apply(R"([{"weighted_target":{"targets":{}}}])", {});
  EXPECT_THAT(Open(), ElementsAre());
  EXPECT_EQ(Go(), "weighted_target: no targets to pick from");
}
TEST_F(WeightedTarget, ABackendIsAddedAndRemovedBelowATarget) {
  Apply(Targets({{"x", 1}}), {{"x", {"a"}}});
  Ready("a");
  Apply(Targets({{"x", 1}}), {{"x", {"a", "b"}}});
  Ready("b");
  EXPECT_THAT(Shares(10), UnorderedElementsAre(Pair("a", 5), Pair("b", 5)));
  Apply(Targets({{"x", 1}}), {{"x", {"b"}}});
  EXPECT_THAT(Shares(10), ElementsAre(Pair("b", 10)));
}
TEST_F(WeightedTarget, TwoTargetsShareByWeight) {
  Apply(Targets({{"x", 2}, {"y", 1}}), {{"x", {"a"}}, {"y", {"b"}}});
  AllReady({"a", "b"});
  EXPECT_NEAR(Shares(3000)["a"], 2000, 120);
}
TEST_F(WeightedTarget, AWeightChangesWithoutTouchingTheChild) {
  Apply(Targets({{"x", 1}, {"y", 1}}), {{"x", {"a"}}, {"y", {"b"}}});
  AllReady({"a", "b"});
  EXPECT_NEAR(Shares(3000)["a"], 1500, 120);
  Apply(Targets({{"x", 3}, {"y", 1}}), {{"x", {"a"}}, {"y", {"b"}}});
  EXPECT_NEAR(Shares(3000)["a"], 2250, 120);
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(WeightedTarget, ABackendThatIsDownLeavesItsTargetItsShare) {
  Apply(Targets({{"x", 1}, {"y", 1}}), {{"x", {"a", "b"}}, {"y", {"c"}}});
  AllReady({"b", "c"});
  Fails("a");
  EXPECT_NEAR(Shares(2000)["b"], 1000, 100);
}
TEST_F(WeightedTarget, ATargetThatIsRemovedOrDownGivesItsShareToTheOthers) {
  const Groups all = {{"x", {"a"}}, {"y", {"b"}}, {"z", {"c"}}};
  Apply(Targets({{"x", 1}, {"y", 1}, {"z", 1}}), all);
  AllReady({"a", "b", "c"});
  Apply(Targets({{"x", 1}, {"z", 1}}), all);
  EXPECT_NEAR(Shares(2000)["a"], 1000, 100);
  Fails("a");
  EXPECT_THAT(Shares(5), ElementsAre(Pair("c", 5)));
}
TEST_F(WeightedTarget, AnEndpointWithoutAPathIsDropped) {
  ASSERT_EQ(Configure(Targets({{"x", 1}})), absl::OkStatus());
  EXPECT_TRUE(ResolveEndpoints({Named("a", {"x"}), Named("b"), Named("c", {"z"})}).ok());
  EXPECT_THAT(Open(), ElementsAre("a"));
}
TEST_F(WeightedTarget, PathsLeadThroughLevels) {
  ASSERT_EQ(Configure(R"([{"weighted_target":{"targets":{"x":{"weight":1,"childPolicy":[
      {"weighted_target":{"targets":{"y":{"weight":1,"childPolicy":[{"pick_first":{}}]}}}}]}}}}])"),
            absl::OkStatus());
  EXPECT_TRUE(ResolveEndpoints({Named("a", {"x", "z"}), Named("b", {"x", "y"})}).ok());
  Ready("b");
  EXPECT_EQ(Go(), "b");
}

// ---- States

TEST_F(WeightedTarget, AFailedTargetWaitsForTheOther) {
  Apply(Targets({{"x", 1}, {"y", 1}}), {{"x", {"a"}}, {"y", {"b"}}});
  Fails("a");
  EXPECT_EQ(state(), kConnecting);
  EXPECT_EQ(Go(), "queue");
  Ready("b");
  EXPECT_EQ(Go(), "b");
}
TEST_F(WeightedTarget, WhenAllHaveFailedOneOfTheirErrorsIsTold) {
  Apply(Targets({{"x", 1}, {"y", 1}}, "pick_first"), {{"x", {"a"}}, {"y", {"b"}}});
  Fails("a", "no route");
  Fails("b", "refused");
  EXPECT_EQ(state(), kFailed);
  EXPECT_THAT(Shares(100), UnorderedElementsAre(Pair("a: no route", ::testing::Gt(20)),
                                                Pair("b: refused", ::testing::Gt(20))));
}
TEST_F(WeightedTarget, AFailedTargetThatTriesAgainStaysFailed) {
  // A child that doesn't keep its failure, unlike pick_first.
  Add(PolicyFactory{.name = "fickle", .make = [] {
                      struct Fickle final : Policy {
                        absl::Status OnUpdate(const Update&, Control& c) override {
                          c.Publish(Connectivity::kTransientFailure,
                                    FailPicker(absl::UnavailableError("broken")));
                          timer = c.After(1s, [](Control& later) {
                            later.Publish(Connectivity::kConnecting, QueuePicker());
                          });
                          return absl::OkStatus();
                        }
                        void OnResolverError(const absl::Status&, Control&) override {}
                        std::unique_ptr<Timer> timer;
                      };
                      return std::make_unique<Fickle>();
                    }});
  Apply(Targets({{"x", 1}}, "fickle"), {});
  EXPECT_EQ(Go(), "broken");
  States();
  Advance(1s);
  EXPECT_EQ(state(), kFailed);
  EXPECT_THAT(States(), ElementsAre(kFailed));
}
TEST_F(WeightedTarget, AnIdleChildIsWokenByACall) {
  Apply(Targets({{"x", 1}}, "pick_first"), {{"x", {"a"}}});
  Ready("a");
  Idle("a");
  EXPECT_EQ(state(), kIdle);
  EXPECT_EQ(dials()["a"], 1);
  EXPECT_EQ(Go(), "queue");
  EXPECT_EQ(dials()["a"], 2);
}
TEST_F(WeightedTarget, IdleChildrenLeaveIdleWhenAsked) {
  Apply(Targets({{"x", 1}}, "pick_first"), {{"x", {"a"}}});
  Ready("a");
  Idle("a");
  ExitIdle();
  EXPECT_EQ(dials()["a"], 2);
}
TEST_F(WeightedTarget, ATargetsErrorIsNamedAndAsksTheResolverAgain) {
  ASSERT_EQ(Configure(Targets({{"x", 1}, {"y", 1}})), absl::OkStatus());
  EXPECT_EQ(ResolveEndpoints(In({{"x", {"a"}}})),
            absl::UnavailableError("weighted_target: target y: round_robin: the resolver returned "
                                   "no endpoints: a note"));
  Ready("a");
  EXPECT_EQ(Go(), "a");
}
TEST_F(WeightedTarget, AResolverErrorChangesNothingWhileItServes) {
  Apply(Targets({{"x", 1}}), {{"x", {"a"}}});
  Ready("a");
  ResolverFails("no such host");
  EXPECT_EQ(Go(), "a");
}
TEST_F(WeightedTarget, AnUpdateIsToldOnceHoweverManyTargetsItChanges) {
  Apply(Targets({{"x", 1}, {"y", 1}}), {{"x", {"a"}}, {"y", {"b"}}});
  AllReady({"a", "b"});
  States();
  const int before = published();
  Apply(Targets({{"x", 2}, {"y", 1}}), {{"x", {"a", "c"}}, {"y", {"b", "d"}}});
  EXPECT_EQ(published(), before + 1);
  EXPECT_THAT(States(), ElementsAre(kReady));
}
TEST_F(WeightedTarget, ATargetSwitchesItsPolicyWithoutDialling) {
  Apply(Targets({{"x", 1}}, "round_robin"), {{"x", {"a"}}});
  Ready("a");
  Apply(Targets({{"x", 1}}, "pick_first"), {{"x", {"a"}}});
  EXPECT_EQ(Go(), "a");
  EXPECT_EQ(dials()["a"], 1);
}

}  // namespace
}  // namespace rondo

#include "balance/policy_test.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class Priority : public PolicyTest {
 protected:
  using Groups = std::map<std::string, Addresses>;
  struct Child {
    std::string name, policy = "round_robin";
    bool ignore = false;
  };

  static std::string Config(const std::vector<Child>& all) {
    std::string children, order;
    for (const Child& c : all) {
      const std::string comma = order.empty() ? "" : ",";
      children += Cat(comma, "\"", c.name, R"(":{"config":[{")", c.policy, R"(":{}}])",
                      c.ignore ? R"(,"ignoreReresolutionRequests":true)" : "", "}");
      order += Cat(comma, "\"", c.name, "\"");
    }
    return Cat(R"([{"priority":{"children":{)", children, R"(},"priorities":[)", order, "]}}]");
  }
  static std::string Order(const Addresses& names, std::string_view policy = "round_robin") {
    std::vector<Child> all;
    for (const std::string& name : names) all.push_back({name, std::string(policy)});
    return Config(all);
  }
  void Apply(const std::string& config, const Groups& groups) {
    ASSERT_EQ(Configure(config), absl::OkStatus());
    ResolveEndpoints(In(groups)).IgnoreError();
  }
  // p0 has a, p1 has b, p2 has c.
  void BeginsWithTwo() { Apply(Order({"p0", "p1"}), kTwo); }
  void BeginsWithThree() { Apply(Order({"p0", "p1", "p2"}), kThree); }
  const Groups kTwo = {{"p0", {"a"}}, {"p1", {"b"}}};
  const Groups kThree = {{"p0", {"a"}}, {"p1", {"b"}}, {"p2", {"c"}}};
};

// ---- Config

TEST_F(Priority, IsKnownByBothNames) {
  std::string draft = Order({"p0"});
  draft.replace(draft.find("priority"), 8, "priority_experimental");
  Apply(draft, kTwo);
  Ready("a");
  Apply(Order({"p0"}), kTwo);
  EXPECT_EQ(Go(), "a");
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(Priority, APriorityMustBeAChild) {
  EXPECT_EQ(ErrorOf(R"([{"priority":{"children":{},"priorities":["p0"]}}])"),
            "1:42: loadBalancingConfig[0].priority.priorities: \"p0\" is not one of the children");
}
TEST_F(Priority, AChildMustBeAPriority) {
  EXPECT_EQ(ErrorOf(R"([{"priority":{"children":{"p0":{"config":[{"pick_first":{}}]}}}}])"),
            "1:26: loadBalancingConfig[0].priority.children: \"p0\" is not one of the priorities");
}
TEST_F(Priority, APriorityStandsOnce) {
  EXPECT_EQ(ErrorOf(R"([{"priority":{"priorities":["p0","p0"],
                       "children":{"p0":{"config":[{"pick_first":{}}]}}}}])"),
            "1:28: loadBalancingConfig[0].priority.priorities: \"p0\" stands there more than once");
}
TEST_F(Priority, AChildNeedsAPolicyAndWrongTypesAreErrors) {
  EXPECT_EQ(
      ErrorOf(R"([{"priority":{"children":{"p0":{}}}}])"),
      "1:32: loadBalancingConfig[0].priority.children.p0.config: is needed: a list of policies");
  EXPECT_EQ(ErrorOf(R"([{"priority":{"priorities":"p0"}}])"),
            "1:28: loadBalancingConfig[0].priority.priorities: must be a list of texts");
  EXPECT_EQ(ErrorOf(R"([{"priority":{"priorities":[1]}}])"),
            "1:29: loadBalancingConfig[0].priority.priorities[0]: must be a text");
  EXPECT_EQ(ErrorOf(R"([{"priority":{"children":[]}}])"),
            "1:26: loadBalancingConfig[0].priority.children: must be an object");
  EXPECT_EQ(ErrorOf(R"([{"priority":{"children":{"p0":{"config":[{"pick_first":{}}],
                      "ignoreReresolutionRequests":1}},"priorities":["p0"]}}])"),
            "2:52: loadBalancingConfig[0].priority.children.p0.ignoreReresolutionRequests: must be "
            "true or false");
}

// ---- Who is used

TEST_F(Priority, AReadyHighPriorityGetsAllAndNoOtherBegins) {
  BeginsWithTwo();
  EXPECT_EQ(Go(), "queue");
  EXPECT_THAT(Open(), ElementsAre("a"));
  Ready("a");
  EXPECT_THAT(Shares(5), ElementsAre(Pair("a", 5)));
  Advance(1h);
  EXPECT_THAT(Open(), ElementsAre("a"));
}
TEST_F(Priority, AFailedOneGivesWayToTheNextAtOnceAndComesBackWhenReady) {
  BeginsWithThree();
  Fails("a");
  EXPECT_THAT(Open(), ElementsAre("a", "b"));
  EXPECT_EQ(Go(), "queue");
  Ready("b");
  EXPECT_EQ(Go(), "b");
  Fails("b");
  Ready("c");
  EXPECT_EQ(Go(), "c");
  Ready("a");
  EXPECT_EQ(Go(), "a");
}
TEST_F(Priority, TheNextBeginsWhenTheFirstTakesTenSeconds) {
  BeginsWithTwo();
  Advance(9999ms);
  EXPECT_THAT(Open(), ElementsAre("a"));
  Advance(1ms);
  EXPECT_THAT(Open(), ElementsAre("a", "b"));
  Ready("b");
  EXPECT_EQ(Go(), "b");
  Ready("a");  // It was only slow.
  EXPECT_EQ(Go(), "a");
}
TEST_F(Priority, AReadyOneThatReconnectsHasTenSecondsToo) {
  BeginsWithTwo();
  Ready("a");
  Idle("a");
  EXPECT_EQ(state(), kConnecting);
  EXPECT_EQ(Go(), "queue");
  Advance(9999ms);
  EXPECT_THAT(Open(), ElementsAre("a"));
  Advance(1ms);
  EXPECT_THAT(Open(), ElementsAre("a", "b"));
}
TEST_F(Priority, AReadyOneThatFailsGivesWayAtOnce) {
  BeginsWithTwo();
  Ready("a");
  Idle("a");
  Fails("a");
  EXPECT_THAT(Open(), ElementsAre("a", "b"));
}
TEST_F(Priority, AFailedOneThatConnectsAgainGetsNoMoreTime) {
  Add(PolicyFactory{.name = "scripted", .make = [] {
                      struct Scripted final : Policy {
                        absl::Status OnUpdate(const Update&, Control& c) override {
                          Say(kFailed, c);
                          return absl::OkStatus();
                        }
                        void Say(Connectivity state, Control& c) {
                          c.Publish(state, FailPicker(absl::UnavailableError("scripted")));
                          timer = c.After(1s, [this](Control& later) { Say(kConnecting, later); });
                        }
                        void OnResolverError(const absl::Status&, Control&) override {}
                        std::unique_ptr<Timer> timer;
                      };
                      return std::make_unique<Scripted>();
                    }});
  Apply(Config({{"p0", "scripted"}, {"p1", "round_robin"}}), {{"p1", {"b"}}});
  Ready("b");
  Advance(1s);
  EXPECT_EQ(Go(), "b");
}
TEST_F(Priority, ConnectingAgainAndAgainDoesNotRestartTheTime) {
  Add(PolicyFactory{.name = "repeating", .make = [] {
                      struct Repeating final : Policy {
                        absl::Status OnUpdate(const Update&, Control& c) override {
                          Say(c);
                          return absl::OkStatus();
                        }
                        void Say(Control& c) {
                          c.Publish(kConnecting, QueuePicker());
                          timer = c.After(6s, [this](Control& later) { Say(later); });
                        }
                        void OnResolverError(const absl::Status&, Control&) override {}
                        std::unique_ptr<Timer> timer;
                      };
                      return std::make_unique<Repeating>();
                    }});
  Apply(Config({{"p0", "repeating"}, {"p1", "round_robin"}}), {{"p1", {"b"}}});
  Advance(10s);
  EXPECT_THAT(Open(), ElementsAre("b"));
}
TEST_F(Priority, AHighOneWithoutEndpointsGivesWay) {
  Apply(Order({"p0", "p1"}), {{"p1", {"b"}}});
  EXPECT_THAT(Open(), ElementsAre("b"));
  Ready("b");
  EXPECT_EQ(Go(), "b");
}
TEST_F(Priority, WhenAllHaveFailedTheLastOnesErrorIsTold) {
  BeginsWithTwo();
  Fails("a", "no route");
  Fails("b", "refused");
  EXPECT_EQ(state(), kFailed);
  EXPECT_EQ(Go(), "round_robin: none of 1 endpoints can be reached; last: b: refused");
}
TEST_F(Priority, WhoStillConnectsIsPreferredToTheLastWhoFailed) {
  BeginsWithTwo();
  Advance(10s);  // a takes long: b begins.
  Fails("b", "refused");
  EXPECT_EQ(state(), kConnecting) << "a's time is over, but it may still answer";
  EXPECT_EQ(Go(), "queue");
  Ready("a");
  EXPECT_EQ(Go(), "a");
}
TEST_F(Priority, AnIdleOneIsUsedAndWokenByACall) {
  Apply(Order({"p0", "p1"}, "ring_hash"), kTwo);
  EXPECT_EQ(state(), kIdle);
  EXPECT_THAT(Open(), ElementsAre());
  args().affinity = 1;
  EXPECT_EQ(Go(), "queue");
  EXPECT_THAT(Open(), ElementsAre("a"));
}
TEST_F(Priority, ALowerOneAddedBesideAnIdleOneDoesNotBegin) {
  Apply(Order({"p0"}, "ring_hash"), kTwo);
  Apply(Order({"p0", "p1"}, "ring_hash"), kTwo);
  EXPECT_EQ(state(), kIdle);
  args().affinity = 1;
  Go();
  EXPECT_THAT(Open(), ElementsAre("a"));
}
TEST_F(Priority, TheOneInUseLeavesIdleWhenAsked) {
  Apply(Order({"p0"}, "pick_first"), kTwo);
  Ready("a");
  Idle("a");
  ExitIdle();
  EXPECT_EQ(dials()["a"], 2);
}

// ---- Who is kept

TEST_F(Priority, ALowerOneIsKeptFifteenMinutes) {
  BeginsWithTwo();
  Fails("a");
  Ready("b");
  Ready("a");
  EXPECT_EQ(Go(), "a");
  Advance(15min - 1ms);
  EXPECT_THAT(Open(), ElementsAre("a", "b"));
  Advance(1ms);
  EXPECT_THAT(Open(), ElementsAre("a"));
}
TEST_F(Priority, AllLowerOnesAreLetGoWhenTheHighestIsReady) {
  BeginsWithThree();
  Fails("a");
  Fails("b");
  Ready("c");
  Ready("a");
  Advance(15min);
  EXPECT_THAT(Open(), ElementsAre("a"));
}
TEST_F(Priority, ALowerOneThatIsNeededAgainInTimeStays) {
  BeginsWithTwo();
  Fails("a");
  Ready("b");
  Ready("a");
  Advance(14min);
  Idle("a");
  Fails("a");
  EXPECT_EQ(Go(), "b");
  Advance(1h);
  EXPECT_EQ(Go(), "b");
  EXPECT_EQ(dials()["b"], 1);
}
TEST_F(Priority, LowerOnesAreKeptWhileAHigherOneHasTime) {
  BeginsWithTwo();
  Fails("a");
  Ready("b");
  Ready("a");
  Idle("a");  // Reconnecting: its ten seconds run.
  Advance(10s);
  EXPECT_EQ(Go(), "b");
}

// ---- Updates

TEST_F(Priority, AHigherOneThatFailsWhileALowerOneIsAddedGivesWayToIt) {
  BeginsWithTwo();
  Fails("a");
  Fails("b");
  EXPECT_EQ(state(), kFailed);
  Apply(Order({"p0", "p1", "p2"}), kThree);
  EXPECT_THAT(Open(), ElementsAre("a", "b", "c"));
  Ready("c");
  EXPECT_EQ(Go(), "c");
}
TEST_F(Priority, ALowerOneInUseGoesOnThroughUpdatesOfTheHigher) {
  BeginsWithTwo();
  Fails("a");
  Ready("b");
  Apply(Order({"p0", "p1"}), {{"p0", {"a", "d"}}, {"p1", {"b"}}});
  EXPECT_EQ(Go(), "b");
  Ready("d");
  EXPECT_EQ(Go(), "d");
}
TEST_F(Priority, WithoutPrioritiesCallsFail) {
  BeginsWithTwo();
  Ready("a");
  Apply(R"([{"priority":{}}])", {});
  EXPECT_EQ(state(), kFailed);
  EXPECT_EQ(Go(), "priority: no priority is provided, all priorities are removed");
  EXPECT_THAT(Open(), ElementsAre());
  Apply(Order({"p0"}), kTwo);
  Ready("a");
  EXPECT_EQ(Go(), "a");
}
TEST_F(Priority, TheResolversErrorIsToldWithoutPriorities) {
  Apply(R"([{"priority":{}}])", {});
  ResolverFails("no such host");
  EXPECT_EQ(Go(), "priority: name resolver error: no such host");
}
TEST_F(Priority, AChildMovesToAHigherPlaceWithItsConnection) {
  BeginsWithTwo();
  Fails("a");
  Ready("b");
  Apply(Order({"p1", "p0"}), kTwo);
  EXPECT_EQ(Go(), "b");
  EXPECT_EQ(dials()["b"], 1);
  Ready("a");
  EXPECT_EQ(Go(), "b");
}
TEST_F(Priority, AReadyChildThatMovesUpIsUsedAtOnce) {
  Apply(Order({"p0", "p1", "p2"}), kThree);
  Fails("a");
  Fails("b");
  Ready("c");
  Apply(Order({"p0", "p2", "p1"}), kThree);
  EXPECT_EQ(Go(), "c");
  EXPECT_EQ(dials()["c"], 1);
}
TEST_F(Priority, TheLowestReadyOneIsRemovedAtOnce) {
  BeginsWithTwo();
  Fails("a", "no route");
  Ready("b");
  Apply(Order({"p0"}), kTwo);
  EXPECT_THAT(Open(), ElementsAre("a"));
  EXPECT_EQ(Go(), "round_robin: none of 1 endpoints can be reached; last: a: no route");
}
TEST_F(Priority, TheOnlyReadyOneIsRemovedAndBornAnew) {
  Apply(Order({"p0"}), kTwo);
  Ready("a");
  Apply(R"([{"priority":{}}])", {});
  Apply(Order({"p0"}), kTwo);
  EXPECT_EQ(dials()["a"], 2) << "A115: what the config drops isn't kept";
}
TEST_F(Priority, AChildSwitchesItsPolicyWithoutDialling) {
  Apply(Order({"p0"}, "round_robin"), kTwo);
  Ready("a");
  Apply(Order({"p0"}, "pick_first"), kTwo);
  EXPECT_EQ(Go(), "a");
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(Priority, AChildThatFailsInsideItsFirstUpdateGivesWayInTheSameTurn) {
  Apply(Order({"p0", "p1", "p2"}), {{"p2", {"c"}}});
  EXPECT_THAT(Open(), ElementsAre("c"));
  EXPECT_EQ(pickers_made(), 1);
}
TEST_F(Priority, AnUpdateIsToldOnce) {
  BeginsWithTwo();
  Fails("a");
  Ready("b");
  const int before = published();
  Apply(Order({"p0", "p1"}), {{"p0", {"a", "c"}}, {"p1", {"b", "d"}}});
  EXPECT_EQ(published(), before + 1);
}
TEST_F(Priority, WhatAnUnusedChildSaysMakesNoNewPicker) {
  BeginsWithTwo();
  Fails("a");
  Ready("b");
  Ready("a");
  const int before = published();
  Idle("b");
  EXPECT_EQ(published(), before);
}
TEST_F(Priority, AnUpdateThatTheChosenChildCannotUseAsksTheResolverAgain) {
  ASSERT_EQ(Configure(Order({"p0", "p1"})), absl::OkStatus());
  EXPECT_EQ(ResolveEndpoints({}),
            absl::UnavailableError("round_robin: the resolver returned no endpoints: a note"));
  EXPECT_EQ(ResolveEndpoints(In({{"p1", {"b"}}})), absl::OkStatus());
}

// ---- Requests for news

TEST_F(Priority, WishesForNewsOfAChildCanBeIgnored) {
  Apply(Config({{"p0", "round_robin", true}, {"p1", "round_robin", false}}), kTwo);
  Fails("a");
  EXPECT_EQ(reresolutions(), 0);
  Fails("b");
  EXPECT_EQ(reresolutions(), 1);
}
TEST_F(Priority, WhetherWishesAreIgnoredChangesWithTheConfig) {
  Apply(Config({{"p0", "round_robin", true}}), kTwo);
  Apply(Config({{"p0", "round_robin", false}}), kTwo);
  Fails("a");
  EXPECT_EQ(reresolutions(), 1);
}

}  // namespace
}  // namespace rondo

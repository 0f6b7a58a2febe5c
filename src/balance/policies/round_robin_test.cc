#include "balance/policy_test.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr std::string_view kRoundRobin = R"([{"round_robin":{}}])";

class RoundRobin : public PolicyTest {
 protected:
  void Begins(const Addresses& all) { Start(kRoundRobin, all); }
  void BeginsReady(const Addresses& all) {
    Begins(all);
    AllReady(all);
    // The random start is chance's; from here on it's a's turn.
    while (Go() != all.back()) {
    }
  }
};

TEST_F(RoundRobin, SpreadsEvenly) {
  BeginsReady({"a", "b", "c"});
  EXPECT_THAT(Calls(6), ElementsAre("a", "b", "c", "a", "b", "c"));
  EXPECT_THAT(Shares(3000),
              UnorderedElementsAre(Pair("a", 1000), Pair("b", 1000), Pair("c", 1000)));
}
TEST_F(RoundRobin, BeginsAnywhere) {
  std::map<std::string, int> first;
  for (int i = 0; i < 300; ++i) {
    DropPolicy();
    Begins({"a", "b", "c"});
    AllReady({"a", "b", "c"});
    ++first[Go()];
  }
  EXPECT_GT(first["a"], 60);
  EXPECT_GT(first["b"], 60);
  EXPECT_GT(first["c"], 60);
}
TEST_F(RoundRobin, ConnectsToAllAtOnce) {
  Begins({"a", "b", "c"});
  EXPECT_THAT(Open(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(dialled(), ElementsAre("a", "b", "c"));
}
TEST_F(RoundRobin, ServesAsSoonAsOneIsReady) {
  Begins({"a", "b"});
  EXPECT_EQ(Go(), "queue");
  Ready("b");
  EXPECT_THAT(Calls(2), ElementsAre("b", "b"));
}
TEST_F(RoundRobin, AcceptsAnyConfig) {
  EXPECT_TRUE(Configure(R"([{"round_robin":{"x":1}}])").ok());
  EXPECT_TRUE(Configure(R"([{"round_robin":17}])").ok());
  EXPECT_TRUE(warnings().empty());
}

TEST_F(RoundRobin, AnEndpointWithTwoAddressesHasOneTurn) {
  ASSERT_TRUE(Configure(kRoundRobin).ok());
  Endpoint both = Named("a");
  both.addresses.push_back("b");
  EXPECT_TRUE(ResolveEndpoints({both, Named("c")}).ok());
  Fails("a");
  AllReady({"b", "c"});
  EXPECT_THAT(Shares(10), UnorderedElementsAre(Pair("b", 5), Pair("c", 5)));
}
TEST_F(RoundRobin, AnAddressThatStandsTwiceHasOneTurn) {
  Begins({"a", "b", "a"});
  AllReady({"a", "b"});
  EXPECT_THAT(Shares(10), UnorderedElementsAre(Pair("a", 5), Pair("b", 5)));
}

// ---- Weights of endpoints

TEST_F(RoundRobin, EndpointsWhoseWeightsDifferHaveTurnsInProportion) {
  ASSERT_TRUE(Configure(kRoundRobin).ok());
  EXPECT_TRUE(ResolveEndpoints({Weighing("a", 3), Weighing("b", 1), Weighing("c", 0)}).ok());
  AllReady({"a", "b", "c"});
  const auto shares = Shares(500);
  EXPECT_NEAR(shares.at("a"), 300, 2);
  EXPECT_NEAR(shares.at("b"), 100, 2);
  EXPECT_NEAR(shares.at("c"), 100, 2) << "0 counts as 1";
}
TEST_F(RoundRobin, TurnsByWeightAreSmooth) {
  ASSERT_TRUE(Configure(kRoundRobin).ok());
  EXPECT_TRUE(ResolveEndpoints({Weighing("a", 2), Weighing("b", 1)}).ok());
  AllReady({"a", "b"});
  int in_a_row = 0;
  for (const std::string& where : Calls(300)) {
    in_a_row = where == "a" ? in_a_row + 1 : 0;
    EXPECT_LE(in_a_row, 3);
  }
}
TEST_F(RoundRobin, NewWeightsCountAtOnceAndOpenNoConnection) {
  ASSERT_TRUE(Configure(kRoundRobin).ok());
  EXPECT_TRUE(ResolveEndpoints({Weighing("a", 5), Weighing("b", 5)}).ok());
  AllReady({"a", "b"});
  EXPECT_THAT(Shares(100), UnorderedElementsAre(Pair("a", 50), Pair("b", 50)));
  const auto before = dials();
  EXPECT_TRUE(ResolveEndpoints({Weighing("a", 9), Weighing("b", 1)}).ok());
  EXPECT_NEAR(Shares(100).at("a"), 90, 1);
  EXPECT_TRUE(ResolveEndpoints({Weighing("a", 1), Weighing("b", 1)}).ok());
  EXPECT_THAT(Shares(100), UnorderedElementsAre(Pair("a", 50), Pair("b", 50)));
  EXPECT_EQ(dials(), before);
}
TEST_F(RoundRobin, ARetryByWeightAvoidsTheBackendsItTried) {
  ASSERT_TRUE(Configure(kRoundRobin).ok());
  EXPECT_TRUE(ResolveEndpoints({Weighing("a", 1000), Weighing("b", 1)}).ok());
  AllReady({"a", "b"});
  const Call first = Begin();
  End(first);
  const Subchannel* tried[] = {first.result.subchannel()};
  args().tried = tried;
  for (int i = 0; i < 30; ++i) EXPECT_NE(Go(), first.where);
}

// ---- Failures

TEST_F(RoundRobin, FailsCallsWhenTheAddressesAreRemoved) {
  BeginsReady({"a"});
  EXPECT_EQ(Resolve({}),
            absl::UnavailableError("round_robin: the resolver returned no endpoints: a note"));
  EXPECT_EQ(state(), kFailed);
  EXPECT_EQ(Go(), "round_robin: the resolver returned no endpoints: a note");
  EXPECT_TRUE(Open().empty());
}
TEST_F(RoundRobin, ACallThatWaitsGoesOnWhenANewAddressAnswers) {
  Begins({});
  EXPECT_TRUE(Resolve({"a"}).ok());
  EXPECT_EQ(Go(), "queue");
  Ready("a");
  EXPECT_EQ(Go(), "a");
}
TEST_F(RoundRobin, SpreadsOverTheRestWhenOneIsDown) {
  Begins({"a", "b", "c"});
  AllReady({"a", "c"});
  Fails("b");
  EXPECT_THAT(Shares(10), UnorderedElementsAre(Pair("a", 5), Pair("c", 5)));
}
TEST_F(RoundRobin, FailsCallsWhenAllAreDown) {
  Begins({"a", "b"});
  Fails("a", "no route");
  EXPECT_EQ(state(), kConnecting);
  Fails("b", "no route");
  EXPECT_EQ(state(), kFailed);
  const Call call = Begin();
  EXPECT_EQ(call.result.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(call.where, ::testing::MatchesRegex(
                              "round_robin: none of 2 endpoints can be reached; last: [ab]: no "
                              "route"));
}
TEST_F(RoundRobin, AFailedBackendStaysFailedWhileItRetries) {
  Begins({"a"});
  Fails("a", "connection refused");
  Idle("a");
  EXPECT_EQ(StateOf("a"), kConnecting);
  EXPECT_EQ(state(), kFailed);
  EXPECT_EQ(Go(), "round_robin: none of 1 endpoints can be reached; last: a: connection refused");
}
TEST_F(RoundRobin, ALostBackendLeavesTheTurnAndIsReconnectedAtOnce) {
  BeginsReady({"a", "b"});
  Idle("a");  // As after a GOAWAY.
  EXPECT_THAT(Calls(2), ElementsAre("b", "b"));
  EXPECT_EQ(dials()["a"], 2);
  EXPECT_EQ(state(), kReady);
}
TEST_F(RoundRobin, ItsOnlyBackendReconnectsWithoutACallAndIsNeverIdle) {
  BeginsReady({"a"});
  States();
  Idle("a");
  EXPECT_EQ(dials()["a"], 2);
  EXPECT_EQ(Go(), "queue");
  Ready("a");
  EXPECT_EQ(Go(), "a");
  EXPECT_THAT(States(), ElementsAre(kConnecting, kReady));
}
TEST_F(RoundRobin, AResolverErrorChangesNothingWhileItServes) {
  BeginsReady({"a"});
  ResolverFails("no such host");
  EXPECT_EQ(Go(), "a");
}
TEST_F(RoundRobin, AResolverErrorIsToldWhenNothingWorks) {
  Begins({"a"});
  Fails("a");
  ResolverFails("no such host");
  EXPECT_EQ(Go(),
            "round_robin: none of 1 endpoints can be reached; last: pick_first: name resolver "
            "error: no such host");
  Begins({});
  ResolverFails("no such host");
  EXPECT_EQ(Go(), "round_robin: name resolver error: no such host");
}
TEST_F(RoundRobin, AnotherTransportAttributeReconnects) {
  BeginsReady({"a"});
  Endpoint tagged = Named("a");
  tagged.transport.Set(Tag{"x"});
  EXPECT_TRUE(ResolveEndpoints({tagged}).ok());
  EXPECT_THAT(Open(), ElementsAre("a#x"));
}

// ---- The turn goes on (java#4462, go#2580)

TEST_F(RoundRobin, GoesOnWhereItWasAfterARebuild) {
  BeginsReady({"a", "b", "c"});
  EXPECT_EQ(Go(), "a");
  EXPECT_TRUE(Resolve({"a", "b", "c"}).ok());
  EXPECT_THAT(Calls(2), ElementsAre("b", "c"));
}
TEST_F(RoundRobin, GoesOnWithTheSameBackendWhenAnotherComesOrGoes) {
  BeginsReady({"a", "b", "c"});
  EXPECT_EQ(Go(), "a");
  Idle("a");  // It is still b's turn, now at another place in the list.
  EXPECT_EQ(Go(), "b");
  Ready("a");
  EXPECT_THAT(Calls(3), ElementsAre("c", "a", "b"));
}
TEST_F(RoundRobin, GoesOnBehindTheBackendThatLeft) {
  BeginsReady({"a", "b", "c"});
  EXPECT_EQ(Go(), "a");
  Idle("b");
  EXPECT_THAT(Calls(2), ElementsAre("c", "a"));
}
TEST_F(RoundRobin, AFlappingBackendDoesNotSkewTheOthers) {
  BeginsReady({"a", "b", "c", "d"});
  std::map<std::string, int> calls;
  for (int i = 0; i < 300; ++i) {
    Idle("b");
    ++calls[Go()];
    Ready("b");
    ++calls[Go()];
  }
  EXPECT_NEAR(calls["a"], calls["c"], 3);
  EXPECT_NEAR(calls["c"], calls["d"], 3);
}
TEST_F(RoundRobin, GoesOnThroughUpdatesThatReorderTheList) {
  BeginsReady({"a", "b", "c"});
  EXPECT_EQ(Go(), "a");
  EXPECT_TRUE(Resolve({"c", "b", "a"}).ok());
  EXPECT_THAT(Calls(3), ElementsAre("b", "a", "c"));
}
TEST_F(RoundRobin, GoesOnAfterATimeWithoutReadyBackends) {
  BeginsReady({"a", "b"});
  EXPECT_EQ(Go(), "a");
  Idle("a");
  Idle("b");
  AllReady({"b", "a"});
  EXPECT_EQ(Go(), "b");
}
TEST_F(RoundRobin, EachShardHasATurnOfItsOwn) {
  BeginsReady({"a", "b"});
  EXPECT_EQ(Go(), "a");
  args().shard = 1;
  const std::string other = Go();
  args().shard = 0;
  EXPECT_EQ(Go(), "b");
  args().shard = 1;
  EXPECT_NE(Go(), other);
}

// ---- Retries

TEST_F(RoundRobin, ARetryAvoidsTheBackendsItTried) {
  BeginsReady({"a", "b", "c"});
  const Call first = Begin();
  const Subchannel* tried[] = {first.result.subchannel()};
  args().tried = tried;
  args().attempt = 2;
  for (int i = 0; i < 6; ++i) EXPECT_NE(Go(), first.where);
  End(first);
}
TEST_F(RoundRobin, ARetryThatHasTriedAllGoesAnywhere) {
  BeginsReady({"a"});
  const Call first = Begin();
  const Subchannel* tried[] = {first.result.subchannel()};
  args().tried = tried;
  EXPECT_EQ(Go(), "a");
  End(first);
}

// ---- Size

TEST_F(RoundRobin, AThousandChangesInOneTurnCookOnePicker) {
  Addresses all;
  for (int i = 0; i < 1000; ++i) all.push_back(Cat("b", i));
  Begins(all);
  EXPECT_EQ(pickers_made(), 1);
  EXPECT_EQ(Open().size(), 1000u);
  AllReady(all);
  EXPECT_EQ(Shares(3000).size(), 1000u);
}

// ---- Backends whose connection is silent though calls wait
TEST_F(RoundRobin, ASuspectBackendHasNoTurns) {
  BeginsReady({"a", "b", "c"});
  Suspect("b", true);
  EXPECT_THAT(Shares(100), UnorderedElementsAre(Pair("a", 50), Pair("c", 50)));
  Suspect("b", false);
  EXPECT_THAT(Shares(99), UnorderedElementsAre(Pair("a", 33), Pair("b", 33), Pair("c", 33)));
}
TEST_F(RoundRobin, IfAllAreSuspectAllHaveTurns) {
  BeginsReady({"a", "b"});
  Suspect("a", true);
  Suspect("b", true);
  EXPECT_THAT(Shares(100), UnorderedElementsAre(Pair("a", 50), Pair("b", 50)));
}

}  // namespace
}  // namespace rondo

// pick_first's pass over the list: Happy Eyeballs, sticky failure, order, health.
#include <cmath>

#include "balance/policy_test.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PickFirstPass : public PolicyTest {
 protected:
  void Begins(const Addresses& all) { Start(R"([{"pick_first":{}}])", all); }
};

// ---- Happy Eyeballs (A61)

TEST_F(PickFirstPass, TheNextAddressBeginsAfter250Ms) {
  Begins({"a", "b", "c"});
  Advance(249ms);
  EXPECT_THAT(Open(), ElementsAre("a"));
  Advance(1ms);
  EXPECT_THAT(Open(), ElementsAre("a", "b"));
  Advance(250ms);
  EXPECT_THAT(Open(), ElementsAre("a", "b", "c"));
}
TEST_F(PickFirstPass, ASlowFirstAddressLosesToTheSecondAndIsIgnoredThen) {
  Begins({"a", "b"});
  Advance(250ms);
  Ready("b");
  EXPECT_EQ(Go(), "b");
  EXPECT_THAT(Open(), ElementsAre("b"));
  Advance(10s);
  EXPECT_THAT(States(), ElementsAre(kConnecting, kReady));
}
TEST_F(PickFirstPass, ASlowFirstAddressMayStillWin) {
  Begins({"a", "b"});
  Advance(250ms);
  Ready("a");
  EXPECT_EQ(Go(), "a");
  EXPECT_THAT(Open(), ElementsAre("a"));
}
TEST_F(PickFirstPass, TheDelayIsASettingOfTheChannel) {
  settings().Set(ConnectionAttemptDelay{500ms});
  Begins({"a", "b"});
  Advance(499ms);
  EXPECT_EQ(dials()["b"], 0);
  Advance(1ms);
  EXPECT_EQ(dials()["b"], 1);
}
TEST_F(PickFirstPass, TheDelayIsAtLeast100Ms) {
  settings().Set(ConnectionAttemptDelay{1ms});
  Begins({"a", "b"});
  Advance(99ms);
  EXPECT_EQ(dials()["b"], 0);
  Advance(1ms);
  EXPECT_EQ(dials()["b"], 1);
}
TEST_F(PickFirstPass, TheDelayIsAtMost2S) {
  settings().Set(ConnectionAttemptDelay{1h});
  Begins({"a", "b"});
  Advance(2s);
  EXPECT_EQ(dials()["b"], 1);
}
TEST_F(PickFirstPass, AFailureBeginsTheNextAtOnceAndTheTimerAnew) {
  Begins({"a", "b", "c"});
  Advance(200ms);
  Fails("a");
  EXPECT_EQ(dials()["b"], 1);
  Advance(249ms);
  EXPECT_EQ(dials()["c"], 0);
  Advance(1ms);
  EXPECT_EQ(dials()["c"], 1);
}
TEST_F(PickFirstPass, AFailureOfAnEarlierAddressDoesNotHurryTheNext) {
  Begins({"a", "b", "c"});
  Advance(250ms);
  Fails("a");
  EXPECT_EQ(dials()["c"], 0);
  Advance(250ms);
  EXPECT_EQ(dials()["c"], 1);
}
TEST_F(PickFirstPass, EndsOnlyWhenEarlierAttemptsHaveFailedToo) {
  Begins({"a", "b"});
  Advance(250ms);
  Fails("b");
  EXPECT_EQ(state(), kConnecting);
  Fails("a", "too late");
  EXPECT_EQ(Go(), "pick_first: none of 2 addresses can be reached; last: a: too late");
}
TEST_F(PickFirstPass, AttemptsThatItCancelsAreNoFailures) {
  Begins({"a", "b", "c"});
  Advance(500ms);
  Ready("c");
  EXPECT_EQ(reresolutions(), 0);
  EXPECT_THAT(States(), ElementsAre(kConnecting, kReady));
}
TEST_F(PickFirstPass, ASubchannelThatIsReadyAlreadyIsTakenWithoutDialling) {
  Begins({"a"});
  Ready("a");
  SwitchTo(R"([{"round_robin":{}}])", {"a", "b"});
  AllReady({"b"});
  SwitchTo(R"([{"pick_first":{}}])", {"b", "a"});
  EXPECT_EQ(Go(), "b");
  EXPECT_EQ(dials()["b"], 1);
}
TEST_F(PickFirstPass, ASubchannelThatIsInItsBackoffAlreadyCountsAsFailed) {
  Start(R"([{"round_robin":{}}])", {"a", "b"});
  Ready("b");
  Fails("a", "old trouble");
  SwitchTo(R"([{"pick_first":{}}])", {"a", "b"});
  EXPECT_EQ(Go(), "b");
  EXPECT_EQ(dials()["a"], 1);
}

// ---- The end of a pass, and the sticky failure after it (A62)

TEST_F(PickFirstPass, AsksTheResolverOnceAPass) {
  Begins({"a", "b", "c"});
  Fails("a");
  Fails("b");
  EXPECT_EQ(reresolutions(), 0);
  Fails("c");
  EXPECT_EQ(reresolutions(), 1);
}
TEST_F(PickFirstPass, FailureStaysThroughRetriesUntilOneIsReady) {
  Begins({"a", "b"});
  Fails("a");
  Fails("b");
  Idle("a");  // Backoff is over: dialled again, but calls don't wait for it.
  EXPECT_EQ(dials()["a"], 2);
  EXPECT_EQ(state(), kFailed);
  Idle("b");
  EXPECT_EQ(dials()["b"], 2);
  Ready("a");
  EXPECT_THAT(States(), ElementsAre(kConnecting, kFailed, kReady));
  EXPECT_THAT(Open(), ElementsAre("a"));
}
TEST_F(PickFirstPass, FailureStaysWhenANewAddressBeginsToConnect) {
  Begins({"a"});
  Fails("a");
  EXPECT_TRUE(Resolve({"b"}).ok());
  EXPECT_EQ(dials()["b"], 1);
  EXPECT_EQ(state(), kFailed);
}
TEST_F(PickFirstPass, AnIdleSubchannelWaitsForTheEndOfThePass) {
  Begins({"a", "b"});
  Fails("a");
  Idle("a");
  EXPECT_EQ(dials()["a"], 1);
  Fails("b");
  EXPECT_EQ(dials()["a"], 2);
}
TEST_F(PickFirstPass, AfterThePassEveryNthFailureIsToldAndAsksTheResolver) {
  Begins({"a", "b"});
  Fails("a");
  Fails("b");
  const int told = published();
  Idle("a");
  Fails("a", "again");
  EXPECT_EQ(published(), told);
  EXPECT_EQ(Go(), "pick_first: none of 2 addresses can be reached; last: b: refused");
  Idle("a");
  Fails("a", "once more");
  EXPECT_EQ(Go(), "pick_first: none of 2 addresses can be reached; last: a: once more");
  EXPECT_EQ(reresolutions(), 2);
}

TEST_F(PickFirstPass, ANewPassCountsFailuresAnew) {
  Begins({"a", "b"});
  Fails("a");
  Fails("b");
  Idle("a");
  Fails("a");  // One of two.
  EXPECT_TRUE(Resolve({"a", "b", "c"}).ok());
  Fails("c");
  EXPECT_EQ(reresolutions(), 2) << "one for each pass";
  for (const std::string again : {"a", "b"}) {
    Idle(again);
    Fails(again);
  }
  EXPECT_EQ(reresolutions(), 2);
  Idle("c");
  Fails("c");
  EXPECT_EQ(reresolutions(), 3);
}

// ---- Order (8.5, A62, A113)

TEST_F(PickFirstPass, FamiliesTakeTurnsThatOfTheFirstAddressFirst) {
  const std::string v4a = "1.1.1.1:1111", v4b = "2.2.2.2:2", v4c = "3.3.3.3:3",
                    mapped = "[::FFFF:192.168.0.1]:2222", v6a = "[1:2:3::1]:8080",
                    v6b = "[2:3:4::2]:8080", v6c = "[fe80::1%eth0]:3333", name = "grpc.io:80";
  Begins({v4a, v4b, v4c, mapped, v6a, v6b, v6c, name});
  Advance(10s);
  EXPECT_THAT(dialled(), ElementsAre(v4a, v6a, name, v4b, v6b, v4c, v6c, mapped));
}
TEST_F(PickFirstPass, AnIpv6AddressThatIsFirstLetsItsFamilyBegin) {
  const std::string v6a = "[1:2:3::1]:8080", v6b = "[fe80::1%eth0]:3333", v4a = "1.1.1.1:1111",
                    mapped = "[::FFFF:192.168.0.1]:2222", name = "grpc.io:80";
  Begins({v6a, v6b, v4a, mapped, name});
  Advance(10s);
  EXPECT_THAT(dialled(), ElementsAre(v6a, v4a, name, v6b, mapped));
}
TEST_F(PickFirstPass, AHostNameThatIsFirstLetsNamesBegin) {
  const std::string one = "grpc.io:80", two = "example.com:80", v4a = "1.1.1.1:1111",
                    v4b = "2.2.2.2:2", v6 = "[1:2:3::1]:8080";
  Begins({one, two, v6, v4a, v4b});
  Advance(10s);
  EXPECT_THAT(dialled(), ElementsAre(one, v6, v4a, two, v4b));
}
TEST_F(PickFirstPass, ShuffleDrawsByWeight) {
  ASSERT_TRUE(Configure(R"([{"pick_first":{"shuffleAddressList":true}}])").ok());
  DrawWith([](uint64_t bound) { return bound / 2; });
  EXPECT_TRUE(ResolveEndpoints({Weighing("a", 1), Weighing("b", 2), Weighing("c", 3)}).ok());
  Advance(1s);
  EXPECT_THAT(dialled(), ElementsAre("c", "b", "a"));
}
TEST_F(PickFirstPass, ShuffleMovesEndpointsNotTheAddressesInside) {
  ASSERT_TRUE(Configure(R"([{"pick_first":{"shuffleAddressList":true}}])").ok());
  uint64_t n = 0;
  DrawWith([&n](uint64_t bound) { return bound / 10 * ++n; });  // The last draws the most.
  Endpoint ab = Named("a"), cd = Named("c");
  ab.addresses.push_back("b");
  cd.addresses.push_back("d");
  EXPECT_TRUE(ResolveEndpoints({ab, cd}).ok());
  Advance(1s);
  EXPECT_THAT(dialled(), ElementsAre("c", "d", "a", "b"));
}
TEST_F(PickFirstPass, WithoutShuffleTheOrderIsTheResolvers) {
  DrawWith([](uint64_t bound) { return bound - 1; });
  Start(R"([{"pick_first":{"shuffleAddressList":false}}])", {"a", "b"});
  Advance(1s);
  EXPECT_THAT(dialled(), ElementsAre("a", "b"));
}
TEST_F(PickFirstPass, ShuffleSharesTheFirstPlaceByWeight) {
  ASSERT_TRUE(Configure(R"([{"pick_first":{"shuffleAddressList":true}}])").ok());
  Chance seeded(11);
  DrawWith([&](uint64_t bound) { return seeded.Next() % bound; });
  std::map<std::string, int> first;
  for (int i = 0; i < 3000; ++i) {
    DropPolicy();
    dialled().clear();
    ResolveEndpoints({Weighing("a", 1), Weighing("b", 2), Weighing("c", 0)}).IgnoreError();
    ++first[dialled().at(0)];
  }
  EXPECT_NEAR(first["a"], 750, 75);
  EXPECT_NEAR(first["b"], 1500, 75);
  EXPECT_NEAR(first["c"], 750, 75);  // 0 counts as 1.
}

// ---- Health (A61): only below a parent that spreads calls

class PickFirstHealth : public PolicyTest {
 protected:
  void Begins(const Addresses& all) { Start(R"([{"round_robin":{}}])", all); }
};
TEST_F(PickFirstHealth, IsNotHeardByTheRootOfAChannel) {
  Start(R"([{"pick_first":{}}])", {"a"});
  Health("a", kFailed);
  EXPECT_EQ(Go(), "a");
}
TEST_F(PickFirstHealth, AConnectionIsReadyOnlyWhenItsHealthIs) {
  Begins({"a"});
  Health("a", kConnecting);
  EXPECT_EQ(state(), kConnecting);
  EXPECT_EQ(Go(), "queue");
  Health("a", kReady);
  EXPECT_EQ(Go(), "a");
}
TEST_F(PickFirstHealth, AConnectionEndsTheOtherAttemptsBeforeItsHealthIsKnown) {
  ASSERT_TRUE(Configure(R"([{"round_robin":{}}])").ok());
  Endpoint both = Named("a");
  both.addresses.push_back("b");
  both.addresses.push_back("c");
  EXPECT_TRUE(ResolveEndpoints({both}).ok());
  Advance(250ms);
  Health("b", kConnecting);
  EXPECT_THAT(Open(), ElementsAre("b"));
  Advance(10s);
  EXPECT_THAT(dialled(), ElementsAre("a", "b"));
  EXPECT_EQ(state(), kConnecting);
}
TEST_F(PickFirstHealth, AnUnhealthyConnectionFailsCallsAndIsKept) {
  Begins({"a"});
  Ready("a");
  Health("a", kFailed, "not serving");
  EXPECT_EQ(Go(),
            "round_robin: none of 1 endpoints can be reached; last: a: health check "
            "failure: not serving");
  EXPECT_THAT(Open(), ElementsAre("a"));
  Health("a", kConnecting);
  EXPECT_EQ(state(), kConnecting);
  Health("a", kReady);
  EXPECT_EQ(Go(), "a");
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(PickFirstHealth, AConnectionEndsAStickyFailureBeforeItsHealthIsKnown) {
  Begins({"a"});
  Fails("a");
  EXPECT_EQ(state(), kFailed);
  Health("a", kConnecting);
  EXPECT_EQ(state(), kConnecting);
}
TEST_F(PickFirstHealth, AnUnhealthyConnectionThatIsLostReconnects) {
  Begins({"a"});
  Health("a", kFailed);
  Idle("a");
  EXPECT_EQ(dials()["a"], 2);
}
TEST_F(PickFirstHealth, AnUpdateKeepsAnUnhealthyConnection) {
  Begins({"a"});
  Health("a", kFailed);
  EXPECT_TRUE(Resolve({"a"}).ok());
  EXPECT_EQ(state(), kFailed);
  EXPECT_EQ(dials()["a"], 1);
}

// ---- Any order of events

// Nothing that a pick returns was removed, and once the network calms down all is well again.
TEST_F(PickFirstPass, SurvivesStormsOfEvents) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(Cat("seed ", seed));
    DropPolicy();
    Chance storm(seed);
    DrawWith([&](uint64_t bound) { return storm.Next() % bound; });
    ASSERT_TRUE(Configure(storm.Below(2) == 0 ? R"([{"pick_first":{"shuffleAddressList":true}}])"
                                              : R"([{"round_robin":{}}])")
                    .ok());
    Addresses listed = {"a", "b", "c"};
    Resolve(listed).IgnoreError();
    for (int step = 0; step < 100; ++step) {
      const Addresses open = Open();
      const std::string one =
          open.empty() ? "" : open[storm.Below(static_cast<uint32_t>(open.size()))];
      switch (storm.Below(10)) {
        case 0:
          listed.clear();
          for (const char* a : {"a", "b", "c", "d", "e"}) {
            if (storm.Below(2) == 0) listed.push_back(a);
          }
          Resolve(listed).IgnoreError();
          break;
        case 1:
          ResolverFails("storm");
          break;
        case 2:
          ExitIdle();
          break;
        case 3:
          Advance(100ms);
          break;
        case 4:
        case 5:
          if (!one.empty() && StateOf(one) == kConnecting) Ready(one);
          break;
        case 6:
          if (!one.empty() && StateOf(one) == kReady)
            Health(one, storm.Below(2) == 0 ? kFailed : kReady);
          break;
        case 7:
          if (!one.empty() && StateOf(one) != kIdle) Idle(one);
          break;
        default:
          if (!one.empty() && StateOf(one) == kConnecting) Fails(one);
      }
      const std::string where = Go();
      if (where.size() != 1) continue;  // Not an address.
      ASSERT_THAT(listed, ::testing::Contains(where)) << "a removed backend";
      ASSERT_EQ(StateOf(where), kReady);
    }
    Resolve({"a", "b", "c"}).IgnoreError();
    Go();
    for (int round = 0; round < 6; ++round) {
      for (const std::string& a : Open()) {
        if (IsOpen(a) && StateOf(a) == kConnecting) Ready(a);
        if (IsOpen(a) && StateOf(a) == kFailed) Idle(a);
        if (IsOpen(a) && StateOf(a) == kReady) Health(a, kReady);
      }
      Go();
      Advance(1s);
    }
    ASSERT_EQ(state(), kReady);
    ASSERT_EQ(Go().size(), 1u);
  }
}

}  // namespace
}  // namespace rondo

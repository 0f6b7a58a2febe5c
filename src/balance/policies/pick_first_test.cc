#include "balance/policy_test.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PickFirst : public PolicyTest {
 protected:
  void Begins(const Addresses& all) { Start(R"([{"pick_first":{}}])", all); }
  void Fail(const Addresses& all) {
    for (const std::string& a : all) Fails(a);
  }
};

// ---- Which backend

TEST_F(PickFirst, WithOneBackendSendsAllCallsThere) {
  Begins({"a"});
  EXPECT_EQ(Go(), "queue");
  Ready("a");
  EXPECT_THAT(Calls(3), ElementsAre("a", "a", "a"));
}
TEST_F(PickFirst, OfSeveralBackendsTheFirstThatAnswersGetsAllCalls) {
  Begins({"a", "b"});
  Ready("a");
  EXPECT_THAT(Calls(3), ElementsAre("a", "a", "a"));
  EXPECT_THAT(Open(), ElementsAre("a"));
}
TEST_F(PickFirst, MovesToTheSecondWhenTheFirstIsDown) {
  Begins({"a", "b"});
  Fails("a");
  Ready("b");
  EXPECT_EQ(Go(), "b");
  EXPECT_THAT(States(), ElementsAre(kConnecting, kReady));
}
TEST_F(PickFirst, FailsCallsWhenAllAreDownWithTheLastReason) {
  Begins({"a", "b"});
  Fails("a", "no route");
  Fails("b", "connection refused");
  EXPECT_EQ(state(), kFailed);
  const Call call = Begin();
  EXPECT_EQ(call.result.status(),
            absl::UnavailableError("pick_first: none of 2 addresses can be reached; last: b: "
                                   "connection refused"));
}
TEST_F(PickFirst, NamesTheOnlyAddressThatFailed) {
  Begins({"a"});
  Fails("a", "connection refused");
  EXPECT_EQ(Go(), "a: connection refused");
}
TEST_F(PickFirst, OpensOneSubchannelForAnAddressThatStandsTwice) {
  Begins({"a", "b", "a"});
  Fails("a");
  Fails("b");
  EXPECT_THAT(dialled(), ElementsAre("a", "b"));
  EXPECT_EQ(state(), kFailed);
}
TEST_F(PickFirst, ACallThatWaitsGoesOnWhenANewAddressAnswers) {
  ASSERT_TRUE(Configure(R"([{"pick_first":{}}])").ok());
  EXPECT_FALSE(Resolve({}).ok());
  EXPECT_TRUE(Resolve({"a"}).ok());
  EXPECT_EQ(Go(), "queue");
  Ready("a");
  EXPECT_EQ(Go(), "a");
}

// ---- Updates (A62)

TEST_F(PickFirst, AnUpdateThatKeepsTheConnectedAddressChangesNothing) {
  Begins({"a", "b"});
  Ready("a");
  const int before = published();
  EXPECT_TRUE(Resolve({"b", "c", "a"}).ok());
  EXPECT_TRUE(Resolve({"a", "b"}).ok());
  EXPECT_TRUE(Resolve({"a", "b"}).ok());  // Identical lists.
  EXPECT_EQ(published(), before);
  EXPECT_THAT(dialled(), ElementsAre("a"));
  EXPECT_EQ(Go(), "a");
}
TEST_F(PickFirst, AnUpdateWithoutTheConnectedAddressConnectsAnew) {
  Begins({"a"});
  Ready("a");
  EXPECT_TRUE(Resolve({"b"}).ok());
  EXPECT_THAT(Open(), ElementsAre("b"));
  EXPECT_EQ(Go(), "queue");
  Ready("b");
  EXPECT_EQ(Go(), "b");
  EXPECT_THAT(States(), ElementsAre(kConnecting, kReady, kConnecting, kReady));
}
TEST_F(PickFirst, AnUpdateWithoutAddressesFailsCallsAndClosesAll) {
  Begins({"a"});
  Ready("a");
  EXPECT_EQ(Resolve({}), absl::UnavailableError(
                             "pick_first: name resolver error: produced zero addresses: a note"));
  EXPECT_EQ(state(), kFailed);
  EXPECT_THAT(Open(), IsEmpty());
  EXPECT_EQ(Go(), "pick_first: name resolver error: produced zero addresses: a note");
}
TEST_F(PickFirst, AnEndpointWithoutAddressesIsNone) {
  ASSERT_TRUE(Configure(R"([{"pick_first":{}}])").ok());
  EXPECT_FALSE(ResolveEndpoints({Endpoint()}).ok());
  EXPECT_EQ(state(), kFailed);
}
TEST_F(PickFirst, AGoodListAfterAnEmptyOneLeavesTheFailure) {
  Begins({});
  EXPECT_TRUE(Resolve({"a"}).ok());
  Ready("a");
  EXPECT_THAT(States(), ElementsAre(kFailed, kConnecting, kReady));
}
TEST_F(PickFirst, AnUpdateWhileConnectingStartsThePassAnewAndKeepsAttempts) {
  Begins({"a", "b"});
  Advance(250ms);
  EXPECT_TRUE(Resolve({"c", "b"}).ok());
  EXPECT_THAT(Open(), ElementsAre("b", "c"));
  Advance(250ms);  // It is b's turn, which counts as begun.
  Fails("c");
  EXPECT_EQ(state(), kConnecting);
  Fails("b");
  EXPECT_EQ(state(), kFailed);
  EXPECT_THAT(dialled(), ElementsAre("a", "b", "c"));
}
TEST_F(PickFirst, AnUpdateWhileConnectingStopsTheTimer) {
  Begins({"a", "b"});
  Advance(200ms);
  EXPECT_TRUE(Resolve({"a", "b"}).ok());
  Advance(249ms);
  EXPECT_THAT(Open(), ElementsAre("a"));
  Advance(1ms);
  EXPECT_THAT(Open(), ElementsAre("a", "b"));
}
TEST_F(PickFirst, AnUpdateWhileFailedStartsAPassAndStaysFailed) {
  Begins({"a"});
  Fails("a");
  EXPECT_TRUE(Resolve({"a", "b"}).ok());
  EXPECT_EQ(dials()["b"], 1);  // `a` is in its backoff.
  EXPECT_EQ(state(), kFailed);
  EXPECT_EQ(dials()["a"], 1);
  Ready("b");
  EXPECT_THAT(States(), ElementsAre(kConnecting, kFailed, kReady));
}
TEST_F(PickFirst, AnUpdateWhileFailedOfWhichAllAreInBackoffFailsAgainAtOnce) {
  Begins({"a", "b"});
  Fail({"a", "b"});
  EXPECT_TRUE(Resolve({"b", "a"}).ok());
  EXPECT_EQ(Go(), "pick_first: none of 2 addresses can be reached; last: a: refused");
  EXPECT_EQ(reresolutions(), 2);
}
TEST_F(PickFirst, AnUpdateWhileIdleDoesNotConnect) {
  Begins({"a"});
  Ready("a");
  Idle("a");
  EXPECT_TRUE(Resolve({"b", "c"}).ok());
  EXPECT_EQ(state(), kIdle);
  EXPECT_THAT(Open(), IsEmpty());
  EXPECT_EQ(Go(), "queue");
  EXPECT_THAT(Open(), ElementsAre("b"));
}
TEST_F(PickFirst, AnUpdateInTheMiddleOfAReconnectIsHonoured) {
  Begins({"a"});
  Ready("a");
  Idle("a");
  Go();
  EXPECT_TRUE(Resolve({"b"}).ok());
  EXPECT_THAT(Open(), ElementsAre("b"));
  Ready("b");
  EXPECT_EQ(Go(), "b");
}

TEST_F(PickFirst, AnUpdateWithoutAddressesFailsCallsInEveryState) {
  for (const Connectivity before : {kConnecting, kIdle, kFailed}) {
    DropPolicy();
    Begins({"a", "b"});
    if (before == kIdle) Ready("a");
    if (before == kIdle) Idle("a");
    if (before == kFailed) Fail({"a", "b"});
    ASSERT_EQ(state(), before);
    EXPECT_FALSE(Resolve({}).ok());
    EXPECT_EQ(Go(), "pick_first: name resolver error: produced zero addresses: a note");
    EXPECT_THAT(Open(), IsEmpty());
    Advance(1s);  // Nor does a timer go on.
    EXPECT_EQ(state(), kFailed);
  }
}
TEST_F(PickFirst, AnUpdateThatChangedNothingCountsAfterALoss) {
  Begins({"a", "b"});
  Ready("a");
  EXPECT_TRUE(Resolve({"c", "a"}).ok());
  Idle("a");
  Go();
  EXPECT_THAT(dialled(), ElementsAre("a", "c"));
}
TEST_F(PickFirst, AStateThatHoldsIsNotToldAgain) {
  Begins({"a", "b"});
  int told = published();
  Connecting("a");
  EXPECT_TRUE(Resolve({"a", "b"}).ok());
  ResolverFails("no such host");
  EXPECT_EQ(published(), told) << "CONNECTING";
  Ready("a");
  told = published();
  Ready("a");
  ResolverFails("no such host");
  EXPECT_EQ(published(), told) << "READY";
  Idle("a");
  told = published();
  EXPECT_TRUE(Resolve({"a", "b"}).ok());
  ResolverFails("no such host");
  EXPECT_EQ(published(), told) << "IDLE";
}

// ---- Resolver errors

TEST_F(PickFirst, AResolverErrorWithoutAddressesFailsCalls) {
  ASSERT_TRUE(Configure(R"([{"pick_first":{}}])").ok());
  Begins({});
  ResolverFails("no such host");
  EXPECT_EQ(Go(), "pick_first: name resolver error: no such host");
}
TEST_F(PickFirst, AResolverErrorIsIgnoredWhileReady) {
  Begins({"a"});
  Ready("a");
  ResolverFails("no such host");
  EXPECT_EQ(Go(), "a");
}
TEST_F(PickFirst, AResolverErrorIsIgnoredWhileConnecting) {
  Begins({"a"});
  ResolverFails("no such host");
  EXPECT_EQ(state(), kConnecting);
  EXPECT_EQ(Go(), "queue");
}
TEST_F(PickFirst, AResolverErrorIsIgnoredWhileIdle) {
  Begins({"a"});
  Ready("a");
  Idle("a");
  ResolverFails("no such host");
  EXPECT_EQ(state(), kIdle);
}
TEST_F(PickFirst, AResolverErrorWhileFailedIsToldAndSubchannelsStayOpen) {
  Begins({"a"});
  Fails("a");
  ResolverFails("no such host");
  EXPECT_EQ(Go(), "pick_first: name resolver error: no such host");
  EXPECT_THAT(Open(), ElementsAre("a"));
  Ready("a");
  EXPECT_EQ(Go(), "a");
}

// ---- Losing the connection

TEST_F(PickFirst, ALostConnectionIsIdleUntilACallAsks) {
  Begins({"a", "b"});
  Ready("a");
  Idle("a");
  EXPECT_EQ(state(), kIdle);
  EXPECT_EQ(dials()["a"], 1);
  EXPECT_EQ(reresolutions(), 1);
  EXPECT_EQ(Go(), "queue");  // The pick raises a nudge; it isn't the picker that connects.
  EXPECT_EQ(state(), kConnecting);
  EXPECT_EQ(dials()["a"], 2);
}
TEST_F(PickFirst, AfterALossItBeginsWithTheFirstAddress) {
  Begins({"a", "b"});
  Fails("a");
  Ready("b");
  Idle("b");
  Go();
  EXPECT_THAT(dialled(), ElementsAre("a", "b", "a"));
  Ready("a");
  EXPECT_EQ(Go(), "a");
}
TEST_F(PickFirst, AfterALossTheSecondIsTriedWhenTheFirstStaysDown) {
  Begins({"a", "b"});
  Ready("a");
  Idle("a");
  Go();
  Fails("a");
  Ready("b");
  EXPECT_EQ(Go(), "b");
  EXPECT_THAT(States(), ElementsAre(kConnecting, kReady, kIdle, kConnecting, kReady));
}
TEST_F(PickFirst, ExitIdleConnectsToo) {
  Begins({"a"});
  Ready("a");
  Idle("a");
  ExitIdle();
  EXPECT_EQ(dials()["a"], 2);
  ExitIdle();
  EXPECT_EQ(dials()["a"], 2);
}
TEST_F(PickFirst, AConnectionLostBeforeItWasToldReadyIsALoss) {
  Begins({"a"});
  Idle("a");
  EXPECT_EQ(state(), kIdle);
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(PickFirst, ALossEndsThePassAndTheOtherAttempts) {
  Begins({"a", "b", "c"});
  Advance(250ms);
  Idle("a");
  EXPECT_EQ(state(), kIdle);
  EXPECT_THAT(Open(), ElementsAre("a"));
  EXPECT_EQ(reresolutions(), 1);
  Advance(10s);
  EXPECT_THAT(dialled(), ElementsAre("a", "b"));
}
// A105: the last connection went while an attempt to have one more was in its backoff.
TEST_F(PickFirst, AReadyConnectionThatFailsBeginsANewPass) {
  Begins({"a", "b"});
  Ready("a");
  Fails("a");
  EXPECT_EQ(state(), kConnecting);
  EXPECT_EQ(dials()["b"], 1);
  EXPECT_EQ(reresolutions(), 1);
}
TEST_F(PickFirst, ManyPicksWhileIdleAreOneConnect) {
  Begins({"a"});
  Ready("a");
  Idle("a");
  const PickerRef idle = picker();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(idle->Pick(args()).kind(), PickResult::Kind::kQueue);
  Go();
  EXPECT_EQ(dials()["a"], 2);
}

// ---- Identity of connections

class PickFirstAttributes : public PickFirst {
 protected:
  static Endpoint With(const std::string& transport, const std::string& policy, uint32_t weight) {
    Endpoint e = Weighing("a", weight);
    if (!transport.empty()) e.transport.Set(Tag{transport});
    if (!policy.empty()) e.attributes.Set(Tag{policy});
    return e;
  }
};
TEST_F(PickFirstAttributes, AnotherTransportAttributeIsAnotherConnection) {
  Begins({"a"});
  Ready("a");
  EXPECT_TRUE(ResolveEndpoints({With("tls", "", 1)}).ok());
  EXPECT_THAT(Open(), ElementsAre("a#tls"));
  Ready("a#tls");
  EXPECT_EQ(Go(), "a");
}
TEST_F(PickFirstAttributes, OtherAttributesLeaveTheConnection) {
  Begins({"a"});
  Ready("a");
  EXPECT_TRUE(ResolveEndpoints({With("", "x", 9)}).ok());
  EXPECT_THAT(dialled(), ElementsAre("a"));
  EXPECT_EQ(Go(), "a");
}
TEST_F(PickFirstAttributes, OneAddressWithTwoTransportsIsTriedBothWays) {
  ASSERT_TRUE(Configure(R"([{"pick_first":{}}])").ok());
  EXPECT_TRUE(ResolveEndpoints({With("x", "", 1), With("y", "", 1), With("x", "", 2)}).ok());
  Fail({"a#x", "a#y"});
  EXPECT_THAT(dialled(), ElementsAre("a#x", "a#y"));
}

// ---- Config

TEST_F(PickFirst, ConfigAcceptsUnknownFieldsWithAWarning) {
  EXPECT_TRUE(Configure(R"([{"pick_first":{}}])").ok());
  EXPECT_TRUE(Configure(R"([{"pick_first":{"shuffleAddressList":true}}])").ok());
  EXPECT_THAT(warnings(), IsEmpty());
  EXPECT_TRUE(Configure(R"([{"pick_first":{"unknown":{"x":1}}}])").ok());
  EXPECT_THAT(warnings(), ElementsAre("1:27: loadBalancingConfig[0].pick_first.unknown: unknown "
                                      "field, ignored"));
}
TEST_F(PickFirst, ConfigRefusesABadType) {
  EXPECT_EQ(Configure(R"([{"pick_first":{"shuffleAddressList":666}}])"),
            absl::InvalidArgumentError(
                "1:38: loadBalancingConfig[0].pick_first.shuffleAddressList: must be true or "
                "false"));
  EXPECT_EQ(Configure(R"([{"pick_first":1}])"),
            absl::InvalidArgumentError("1:16: loadBalancingConfig[0].pick_first: must be an "
                                       "object"));
}

}  // namespace
}  // namespace rondo

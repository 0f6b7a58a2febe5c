// Idle mode, resolver updates, service config, live switch, the end of channels:
// behaviour 1.3, 1.9, 1.11.
#include "channel/channel_fixture.h"

namespace rondo::channel {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr std::string_view kRoundRobin = R"({"loadBalancingConfig":[{"round_robin":{}}]})";

// ---- Idle (1.3)
TEST_F(ChannelTest, WithoutCallsItGoesIdleAfterTheTimeoutAndClosesConnections) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  Ask("x");
  Advance(30min);
  EXPECT_EQ(State(), "IDLE");
  EXPECT_EQ(a.connections(), 0u);
}
TEST_F(ChannelTest, ARunningCallKeepsItFromIdling) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  auto call = Ask("x");
  Advance(61min);
  EXPECT_EQ(State(), "READY");
  a.last().Answer();
  Run();
  EXPECT_EQ(call->text(), "a:1:x");
  Advance(60min);
  EXPECT_EQ(State(), "IDLE");
}
TEST_F(ChannelTest, ACallLeavesIdleAgainWithTheResolversLastNews) {
  Serve("a:1");
  OpenTo({"a:1"});
  Ask("x");
  Advance(30min);
  EXPECT_EQ(Ask("y")->text(), "a:1:y");
  EXPECT_EQ(names_.starts(), 2);
}
TEST_F(ChannelTest, AnIdleTimeoutOfZeroNeverIdles) {
  Serve("a:1");
  options_.idle_timeout = 0s;
  OpenTo({"a:1"});
  Ask("x");
  Advance(std::chrono::hours(48));
  EXPECT_EQ(State(), "READY");
}
TEST_F(ChannelTest, EnterIdleActsOnlyWithoutCalls) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  auto call = Ask("x");
  channel_->EnterIdle();
  Run();
  EXPECT_EQ(State(), "READY");
  a.last().Answer();
  Run();
  channel_->EnterIdle();
  Run();
  EXPECT_EQ(State(), "IDLE");
}

TEST_F(ChannelTest, AConnectionThatNoCallUsedIsClosedToo) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  Connect();
  Advance(30min);
  EXPECT_THAT(states_, ElementsAre("CONNECTING", "READY", "IDLE"));
  EXPECT_EQ(a.connections(), 0u);
}
TEST_F(ChannelTest, ACallPostponesIdlingToTheTimeoutAfterItsEnd) {
  Serve("a:1");
  OpenTo({"a:1"});
  Ask("x");
  Advance(10min);
  Ask("x");
  Advance(30min - 1ms);
  EXPECT_EQ(State(), "READY");
  Advance(1ms);
  EXPECT_EQ(State(), "IDLE");
}
TEST_F(ChannelTest, AWaitingCallKeepsItFromIdling) {
  Open();
  auto call = Ask("x");
  Advance(61min);
  EXPECT_THAT(states_, ElementsAre("CONNECTING"));
  EXPECT_EQ(call->text(), "waiting");
  call->cancel.Cancel();
  Run();
  Advance(60min);
  EXPECT_EQ(State(), "IDLE");
}
TEST_F(ChannelTest, CallsThatFailBeforeTheirAttemptLetItIdle) {
  Serve("a:1");
  options_.max_send_message = 3;
  OpenTo({"a:1"});
  Ask("x");
  const Metadata wrong = metadata("Upper", "x");
  EXPECT_EQ(Ask("x", {.metadata = wrong})->text(), "INTERNAL");
  EXPECT_EQ(Ask("four")->text(), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(Ask("x", {.deadline = loop_->Now() - 1ms})->text(), "DEADLINE_EXCEEDED");
  Advance(30min);
  EXPECT_EQ(State(), "IDLE");
}
TEST_F(ChannelTest, ACallInTheLastMomentKeepsItFromIdling) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  Ask("x");
  Advance(30min - 1ms);
  a.hold = true;
  auto call = Ask("y");
  Advance(1ms);
  EXPECT_EQ(State(), "READY");
  a.last().Answer();
  Run();
  EXPECT_EQ(call->text(), "a:1:y");
}
TEST_F(ChannelTest, AfterItsCloseNothingWakesItOrPutsItToSleep) {
  Serve("a:1");
  OpenTo({"a:1"});
  Connect();
  channel_->Close();
  Run();
  channel_->EnterIdle();
  Connect();
  Advance(60min);
  EXPECT_THAT(states_, ElementsAre("CONNECTING", "READY", "SHUTDOWN"));
  EXPECT_EQ(network_.attempts("a:1"), 1u);
}

// ---- Resolver updates (1.9)
TEST_F(ChannelTest, AnInvalidFirstServiceConfigFailsCallsUntilAGoodOneComes) {
  Serve("a:1");
  names_.Publish({.endpoints = std::vector<Endpoint>{{.addresses = {"a:1"}}},
                  .service_config_json = "{\"loadBalancingPolicy\":7}"});
  Open();
  auto call = Ask("x");
  EXPECT_EQ(call->text(), "UNAVAILABLE");
  EXPECT_THAT(call->message(), HasSubstr("error parsing service config: 1:24"));
  EXPECT_EQ(State(), "TRANSIENT_FAILURE");
  names_.PublishAddresses({"a:1"});
  Run();
  EXPECT_EQ(Ask("x")->text(), "a:1:x");
}
TEST_F(ChannelTest, AnInvalidLaterServiceConfigKeepsTheOldOneAndTakesTheAddresses) {
  Serve("a:1");
  Serve("b:1");
  OpenTo({"a:1"});
  EXPECT_EQ(Ask("x")->text(), "a:1:x");
  names_.Publish(
      {.endpoints = std::vector<Endpoint>{{.addresses = {"b:1"}}}, .service_config_json = "{"});
  Run();
  EXPECT_EQ(Ask("x")->text(), "b:1:x");
}
TEST_F(ChannelTest, TheResolversServiceConfigIsIgnoredWhenSwitchedOff) {
  Serve("a:1");
  Serve("b:1");
  options_.use_resolver_service_config = false;
  names_.Publish(
      {.endpoints = std::vector<Endpoint>{{.addresses = {"a:1"}}, {.addresses = {"b:1"}}},
       .service_config_json = std::string(kRoundRobin)});
  Open();
  EXPECT_THAT(Ask(4), Each("a:1:x"));
}
TEST_F(ChannelTest, AResolverErrorLeavesAServingChannelAlone) {
  Serve("a:1");
  OpenTo({"a:1"});
  Ask("x");
  names_.Publish({.endpoints = absl::UnavailableError("registry is down")});
  Run();
  EXPECT_EQ(Ask("x")->text(), "a:1:x");
}
TEST_F(ChannelTest, AResolverErrorBeforeAnyEndpointsFailsCalls) {
  Open();
  auto call = Ask("x");
  names_.Publish({.endpoints = absl::UnavailableError("registry is down")});
  Run();
  EXPECT_EQ(call->text(), "UNAVAILABLE");
  EXPECT_THAT(call->message(), HasSubstr("registry is down"));
}
TEST_F(ChannelTest, ALostBackendAsksTheResolverForNews) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  Ask("x");
  const int before = names_.refreshes();
  a.Die();
  Run();
  EXPECT_EQ(names_.refreshes(), before + 1);
}
TEST_F(ChannelTest, AFailedPassAsksTheResolverOnce) {
  OpenTo({"a:1", "b:1"});
  network_.Refuse("a:1");
  network_.Refuse("b:1");
  Connect();
  EXPECT_EQ(names_.refreshes(), 1);
}

// ---- The first calls (users' trap 5)
TEST_F(ChannelTest, TheFirstCallsMayWaitUntilEnoughBackendsAreReady) {
  network_.set_traffic({.delay_min = 10ms, .delay_max = 10ms});
  Serve("a:1");
  network_.set_traffic({});
  Serve("b:1");
  RoundRobin();
  options_.policy_settings.Set(StartupWait{.ready = 2, .at_most = 1s});
  Serve("c:1").mute = true;
  OpenTo({"a:1", "b:1", "c:1"});
  auto first = Ask("x");
  Advance(100ms);
  EXPECT_TRUE(first->status.ok() && first->done) << "two of three are ready";
}
TEST_F(ChannelTest, TheWaitForEnoughBackendsEndsInTime) {
  Serve("a:1");
  Serve("b:1").mute = true;
  RoundRobin();
  options_.policy_settings.Set(StartupWait{.ready = 2, .at_most = 1s});
  OpenTo({"a:1", "b:1"});
  auto first = Ask("x");
  Advance(999ms);
  EXPECT_EQ(first->text(), "waiting");
  Advance(1ms);
  EXPECT_EQ(first->text(), "a:1:x");
}
TEST_F(ChannelTest, NobodyWaitsForBackendsThatCannotBeReached) {
  Serve("a:1");
  network_.Refuse("b:1");
  RoundRobin();
  options_.policy_settings.Set(StartupWait{.ready = 2, .at_most = 1s});
  OpenTo({"a:1", "b:1"});
  EXPECT_EQ(Ask("x")->text(), "a:1:x");
}

// ---- Switching (1.11): by the resolver, by hand
TEST_F(ChannelTest, SwitchingThePolicyKeepsConnectionsOfAddressesThatStay) {
  Serve("a:1");
  Serve("b:1");
  OpenTo({"a:1", "b:1"});
  EXPECT_THAT(Ask(4), Each("a:1:x"));
  ASSERT_TRUE(channel_->SetServiceConfig(kRoundRobin).ok());
  Run();
  EXPECT_THAT(Ask(4), UnorderedElementsAre("a:1:x", "a:1:x", "b:1:x", "b:1:x"));
  EXPECT_EQ(network_.attempts("a:1"), 1u) << "a's connection was taken over";
  ASSERT_TRUE(channel_->SetServiceConfig("{}").ok());
  Run();
  Ask(4);
  EXPECT_EQ(network_.attempts("a:1") + network_.attempts("b:1"), 2u);
}
TEST_F(ChannelTest, TheOldPolicyServesUntilTheNewOneIsReady) {
  Serve("a:1");
  Serve("b:1").mute = true;
  OpenTo({"a:1"});
  Ask("x");
  names_.Publish({.endpoints = std::vector<Endpoint>{{.addresses = {"b:1"}}},
                  .service_config_json = std::string(kRoundRobin)});
  Run();
  EXPECT_THAT(Ask(3), Each("a:1:x"));
  EXPECT_EQ(State(), "READY");
}
TEST_F(ChannelTest, AnInvalidServiceConfigSetByHandChangesNothing) {
  Serve("a:1");
  OpenTo({"a:1"});
  Ask("x");
  auto refused = channel_->SetServiceConfig(R"({"loadBalancingConfig":[{"nope":{}}]})");
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("nope"));
  EXPECT_EQ(Ask("x")->text(), "a:1:x");
}
TEST_F(ChannelTest, WarningsOfAServiceConfigSetByHandAreTold) {
  OpenTo({"a:1"});
  EXPECT_THAT(*channel_->SetServiceConfig(R"({"fancy":1})"), ElementsAre(HasSubstr("fancy")));
}
TEST_F(ChannelTest, ClearServiceConfigGoesBackToTheResolvers) {
  Serve("a:1");
  Serve("b:1");
  OpenTo({"a:1", "b:1"});
  ASSERT_TRUE(channel_->SetServiceConfig(kRoundRobin).ok());
  Run();
  Ask(2);
  channel_->ClearServiceConfig();
  Run();
  EXPECT_THAT(Ask(4), Each("a:1:x"));
}

// ---- The end, in any order (users' trap 15)
TEST_F(ChannelTest, CloseEndsRunningAndWaitingCalls) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  auto running = Ask("x");
  channel_->Close();
  Run();
  EXPECT_EQ(running->text(), "CANCELLED");
  EXPECT_THAT(running->message(), HasSubstr("the channel was closed"));
  EXPECT_EQ(Ask("y")->text(), "CANCELLED");
  EXPECT_EQ(a.connections(), 0u);
}
TEST_F(ChannelTest, ACallThatWaitsForTheResolverEndsWithTheChannel) {
  Open();
  auto waiting = Ask("x");
  channel_.reset();
  Run();
  EXPECT_EQ(waiting->text(), "CANCELLED");
}
TEST_F(ChannelTest, TheLastCopyOfAChannelClosesIt) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  Ask("x");
  Channel copy = *channel_;
  channel_.reset();
  Run();
  EXPECT_EQ(a.connections(), 1u);
  {
    Channel last = std::move(copy);
  }
  Run();
  EXPECT_EQ(a.connections(), 0u);
}
TEST_F(ChannelTest, AChannelMayBeDestroyedInsideACallback) {
  Serve("a:1");
  OpenTo({"a:1"});
  bool done = false;
  UnaryCall call = channel_->Unary(kUnary, {}, 0);
  std::move(call).Start([&](UnaryResult r) {
    done = r.status.ok();
    channel_.reset();
  });
  Run();
  EXPECT_TRUE(done);
}
TEST_F(ChannelTest, ALoopThatStopsEndsItsChannels) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  auto running = Ask("x");
  loop_->Stop();
  EXPECT_EQ(running->text(), "CANCELLED");
  EXPECT_EQ(State(), "SHUTDOWN");
}
TEST_F(ChannelTest, ACallOnAStoppedLoopIsCancelled) {
  OpenTo({"a:1"});
  loop_->Stop();
  bool cancelled = false;
  UnaryCall call = channel_->Unary(kUnary, {}, 0);
  std::move(call).Start([&](UnaryResult r) { cancelled = absl::IsCancelled(r.status); });
  Run();
  EXPECT_TRUE(cancelled);
}
TEST_F(ChannelTest, AUnaryCallThatIsNeverStartedCostsNothing) {
  OpenTo({"a:1"});
  UnaryCall call = channel_->Unary(kUnary, {}, 10);
  (void)call.body();
}

}  // namespace
}  // namespace rondo::channel

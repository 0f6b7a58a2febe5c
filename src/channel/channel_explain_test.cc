// Channel::Explain, word for word.
#include "base/json.h"
#include "channel/channel_fixture.h"

namespace rondo::channel {
namespace {

using testing::HasSubstr;

class ExplainTest : public ChannelTest {
 protected:
  ExplainTest() { options_.backoff.jitter = 0; }
  Explanation Told() {
    std::optional<Explanation> told;
    channel_->Explain([&](Explanation e) { told = std::move(e); });
    EXPECT_FALSE(told.has_value()) << "told inside Explain";
    Run();
    return told.value_or(Explanation());
  }
  std::string Text() { return Told().Text(); }
};

TEST_F(ExplainTest, AnIdleChannelHasNothingYet) {
  OpenTo({"a:1"});
  EXPECT_EQ(Text(),
            "test:///service IDLE, 0 calls running\n"
            "resolver test: has not answered yet\n"
            "config: built in, policy pick_first\n");
}
TEST_F(ExplainTest, AReadyChannelShowsItsTreeAndItsBackends) {
  RoundRobin();
  FakeBackend& a = Serve("a:1");
  a.options.session.max_streams = 10;
  a.hold = true;
  network_.Refuse("b:1");
  OpenTo({"a:1", "b:1"});
  Connect();
  auto call = Ask("x");
  Advance(300ms);
  EXPECT_EQ(Text(),
            "test:///service READY, 1 call running\n"
            "resolver test: 2 endpoints (pushed), 300ms ago\n"
            "config: default service config, policy round_robin\n"
            "policy:\n"
            "  round_robin READY\n"
            "    a:1 pick_first READY\n"
            "    b:1 pick_first TRANSIENT_FAILURE\n"
            "backends:\n"
            "  a:1 READY, 1 in flight, 9 free streams, 0 succeeded, 0 failed\n"
            "  b:1 TRANSIENT_FAILURE (1 try, next in 700ms), 0 in flight, 0 succeeded, 0 failed; "
            "last error, 300ms ago: connection refused (ECONNREFUSED)\n");
  a.last().Answer();
  Run();
  EXPECT_EQ(call->text(), "a:1:x");
  EXPECT_THAT(Text(), HasSubstr("a:1 READY, 0 in flight, 10 free streams, 1 succeeded, 0 failed, "
                                "latency 300ms\n"));
}
TEST_F(ExplainTest, TheLastErrorOutlivesTheNextConnection) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  Ask("x");
  a.Die();
  Run();
  a.Listen();
  Ask("x");
  Advance(2s);
  EXPECT_THAT(Text(), HasSubstr("  a:1 READY, 0 in flight, "));
  EXPECT_THAT(Text(), HasSubstr("; last error, 2.0s ago: connection reset by peer (ECONNRESET)\n"));
}
TEST_F(ExplainTest, AGoAwayIsAnError) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  Ask("x");
  a.GoAway();
  Run();
  EXPECT_THAT(Text(),
              HasSubstr("a:1 IDLE, 0 in flight, 1 succeeded, 0 failed; last error, 0us ago: "
                        "GOAWAY NO_ERROR\n"));
}
TEST_F(ExplainTest, CallsThatWaitAreCounted) {
  FakeBackend& a = Serve("a:1");
  a.options.session.max_streams = 1;
  a.hold = true;
  OpenTo({"a:1"});
  auto first = Ask("1"), second = Ask("2"), third = Ask("3");
  const Explanation told = Told();
  EXPECT_EQ(told.running, 3);
  EXPECT_EQ(told.waiting, 0u);
  ASSERT_EQ(told.backends.size(), 1u);
  EXPECT_EQ(told.backends[0].waiting, 2u);
  EXPECT_THAT(told.Text(), HasSubstr("  a:1 READY, 1 in flight, 2 waiting for a stream, 0 free "
                                     "streams, 0 succeeded, 0 failed\n"));
}
TEST_F(ExplainTest, CallsWithoutABackendWaitInTheQueue) {
  Open();
  auto call = Ask("x");
  EXPECT_THAT(Text(), HasSubstr("test:///service CONNECTING, 1 call running, 1 of them waiting\n"));
}
TEST_F(ExplainTest, TheResolversTroubleIsToldBesideItsLastGoodAnswer) {
  Serve("a:1");
  OpenTo({"a:1"});
  Ask("x");
  Advance(3s);
  names_.Publish({.endpoints = absl::NotFoundError("no such host")});
  Run();
  Advance(2s);
  EXPECT_THAT(Text(), HasSubstr("resolver test: 1 endpoint (pushed), 5.0s ago; its last word, 2.0s "
                                "ago: NOT_FOUND: no such host\n"));
  names_.PublishAddresses({"a:1"});
  Run();
  EXPECT_THAT(Text(), HasSubstr("resolver test: 1 endpoint (pushed), 0us ago\n"));
}
TEST_F(ExplainTest, TheConfigInForceIsNamedByItsSource) {
  Serve("a:1");
  options_.default_service_config = R"({"loadBalancingConfig":[{"round_robin":{}}]})";
  names_.Publish({.endpoints = std::vector<Endpoint>{{.addresses = {"a:1"}}},
                  .service_config_json = R"({"loadBalancingConfig":[{"pick_first":{}}]})"});
  Open();
  EXPECT_THAT(Text(), HasSubstr("config: default service config, policy round_robin\n"));
  Ask("x");
  EXPECT_THAT(Text(), HasSubstr("config: resolver, policy pick_first\n"));
  ASSERT_TRUE(channel_->SetServiceConfig(R"({"loadBalancingPolicy":"round_robin"})").ok());
  Run();
  EXPECT_THAT(Text(), HasSubstr("config: SetServiceConfig, policy round_robin\n"));
  EXPECT_EQ(Told().config.json, R"({"loadBalancingPolicy":"round_robin"})");
  channel_->ClearServiceConfig();
  Run();
  EXPECT_THAT(Text(), HasSubstr("config: resolver, policy pick_first\n"));
}
TEST_F(ExplainTest, AConfigOfTheResolverThatIsNotUsedIsToldWithItsReason) {
  RoundRobin();
  names_.Publish(
      {.endpoints = std::vector<Endpoint>{{.addresses = {"a:1"}}}, .service_config_json = "[]"});
  Open();
  Connect();
  EXPECT_THAT(Text(), HasSubstr("config: default service config, policy round_robin; the "
                                "resolver's is not used: error parsing service config: 1:1: a "
                                "service config is an object\n"));
}
TEST_F(ExplainTest, WithoutAnyConfigThatIsSaid) {
  names_.Publish(
      {.endpoints = std::vector<Endpoint>{{.addresses = {"a:1"}}}, .service_config_json = "[]"});
  Open();
  Connect();
  EXPECT_THAT(Text(), HasSubstr("config: none; the resolver's is not used: "));
}
TEST_F(ExplainTest, APolicyThatIsToTakeOverStandsBesideTheOneInForce) {
  Serve("a:1");
  OpenTo({"a:1"});
  Ask("x");
  names_.PublishAddresses({"b:1"});
  network_.Swallow("b:1");
  ASSERT_TRUE(channel_->SetServiceConfig(R"({"loadBalancingPolicy":"round_robin"})").ok());
  Run();
  names_.PublishAddresses({"b:1"});
  Run();
  const Explanation told = Told();
  ASSERT_GE(told.policies.size(), 1u);
  EXPECT_EQ(told.policies.back().policy, "round_robin");
}
TEST_F(ExplainTest, AClosedChannelIsShutDown) {
  OpenTo({"a:1"});
  channel_->Close();
  Run();
  EXPECT_THAT(Text(), HasSubstr("test:///service SHUTDOWN, 0 calls running\n"));
}
TEST_F(ExplainTest, JsonSaysTheSame) {
  RoundRobin();
  FakeBackend& a = Serve("a:1");
  a.options.session.max_streams = 10;
  network_.Refuse("b:1");
  OpenTo({"a:1", "b:1"});
  Connect();
  Ask("x");
  Advance(500ms);
  EXPECT_EQ(
      Told().Json(),
      R"({"target":"test:///service","authority":"service","state":"READY","running":0,)"
      R"("waiting":0,"backingOff":0,"resolver":{"scheme":"test","answered":true,"endpoints":2,)"
      R"("note":"pushed","age":0.5},"config":{"source":"default service config",)"
      R"("policy":"round_robin","serviceConfig":{"loadBalancingConfig":[{"round_robin":{}}]}},)"
      R"("policies":[{"label":"round_robin","policy":"round_robin","state":"READY","children":[)"
      R"({"label":"a:1","policy":"pick_first","state":"READY","children":[]},)"
      R"({"label":"b:1","policy":"pick_first","state":"TRANSIENT_FAILURE","children":[]}]}],)"
      R"("backends":[{"address":"a:1","state":"READY","connections":1,"inFlight":0,"waiting":0,"succeeded":1,)"
      R"("failed":0,"freeStreams":10,"latency":0,"tries":0},{"address":"b:1",)"
      R"("state":"TRANSIENT_FAILURE","connections":0,"inFlight":0,"waiting":0,"succeeded":0,"failed":0,)"
      R"("latency":0,"tries":1,"nextTry":0.5,"lastError":{"code":"UNAVAILABLE",)"
      R"x("message":"connection refused (ECONNREFUSED)"},"errorAge":0.5}]})x");
  EXPECT_TRUE(Json::Parse(Told().Json()).ok());
}

}  // namespace
}  // namespace rondo::channel

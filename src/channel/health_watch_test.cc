// Client-side health checking (A17) on a channel.
#include "channel/health_watch.h"

#include "channel/channel_fixture.h"
#include "wire/compression.h"
#include "wire/proto_fields.h"

namespace rondo::channel {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A framed HealthCheckResponse.
std::string Says(int status, Compression how = Compression::kIdentity) {
  std::string body;
  wire::AppendNumber(body, 1, static_cast<uint64_t>(status));
  if (how != Compression::kIdentity) wire::AppendText(body, 9, std::string(200, 'x'));
  const Slice framed = wire::CompressMessage(
      how, FrameMessage(body.size(), [&](uint8_t* to) { std::ranges::copy(body, to); }));
  return {framed.bytes().begin(), framed.bytes().end()};
}
constexpr int kServing = 1, kNotServing = 2;

class HealthWatchTest : public ChannelTest {
 protected:
  HealthWatchTest() {
    options_.default_service_config =
        R"({"loadBalancingConfig":[{"round_robin":{}}],"healthCheckConfig":{"serviceName":"shop"}})";
    backend_ = &Serve("a:1");
    backend_->hold = true;
  }
  void Begin() {
    OpenTo({"a:1"});
    Connect();
  }
  FakeBackend::Served& Watch() {
    EXPECT_EQ(backend_->last().headers[":path"], "/grpc.health.v1.Health/Watch");
    return backend_->last();
  }
  void Answer(int status) {
    if (std::exchange(answered_, &Watch()) != &Watch()) Watch().Begin();
    Watch().SayRaw(Says(status));
    Run();
  }
  FakeBackend* backend_;
  FakeBackend::Served* answered_ = nullptr;
};

TEST_F(HealthWatchTest, AConnectionIsReadyOnceItsServerServes) {
  Begin();
  EXPECT_EQ(State(), "CONNECTING");
  std::string name;
  wire::ProtoReader request(Watch().messages.at(0));
  while (request.Next()) name = request.text();
  EXPECT_EQ(name, "shop");
  EXPECT_TRUE(Watch().half_closed);
  Answer(kServing);
  EXPECT_EQ(State(), "READY");
}

TEST_F(HealthWatchTest, EachWordOfTheServerIsFollowed) {
  Begin();
  Answer(kServing);
  Answer(kNotServing);
  EXPECT_EQ(State(), "TRANSIENT_FAILURE");
  EXPECT_THAT(Ask("x")->message(),
              testing::HasSubstr("a:1: health check failure: the server says that shop is "
                                 "NOT_SERVING"));
  Answer(kServing);
  EXPECT_EQ(State(), "READY");
  EXPECT_EQ(backend_->connections(), 1U);
}

TEST_F(HealthWatchTest, AServerWithoutTheServiceCountsAsHealthyAndThatIsTold) {
  Begin();
  Watch().Fail("12", "unknown service grpc.health.v1.Health");
  Run();
  EXPECT_EQ(State(), "READY");
  EXPECT_THAT(warnings_,
              ElementsAre("rondo: test:///service: a:1: healthCheckConfig: the server has "
                          "no health service, so every connection to it counts as "
                          "healthy: unknown service grpc.health.v1.Health"));
  Advance(1h);
  EXPECT_EQ(backend_->served.size(), 1U);
}

TEST_F(HealthWatchTest, AWatchThatEndsIsBegunAgainWithGrowingWaits) {
  options_.backoff.jitter = 0;
  Begin();
  Watch().Fail("14", "busy");
  Run();
  EXPECT_EQ(State(), "TRANSIENT_FAILURE");
  EXPECT_THAT(
      Ask("x")->message(),
      testing::HasSubstr("a:1: health check failure: the watch ended with UNAVAILABLE: busy"));
  Advance(999ms);
  EXPECT_EQ(backend_->served.size(), 1U);
  Advance(1ms);
  ASSERT_EQ(backend_->served.size(), 2U);
  EXPECT_EQ(State(), "CONNECTING");
  Watch().Fail("14", "busy");
  Run();
  Advance(1599ms);
  EXPECT_EQ(backend_->served.size(), 2U);
  Advance(1ms);
  ASSERT_EQ(backend_->served.size(), 3U);
  Answer(kServing);  // From here on the waits begin anew.
  Watch().End();
  Run();
  EXPECT_EQ(State(), "TRANSIENT_FAILURE");
  Advance(1s);
  EXPECT_EQ(backend_->served.size(), 4U);
}

TEST_F(HealthWatchTest, AWatchEndsWithItsChannel) {
  Begin();
  Answer(kServing);
  FakeBackend::Served& watch = Watch();
  subscription_ = nullptr;
  channel_.reset();
  Run();
  EXPECT_TRUE(watch.ended);
}

TEST_F(HealthWatchTest, AWatchEndsWithGoAwayAndBeginsOnTheNextConnection) {
  Begin();
  Answer(kServing);
  FakeBackend::Served& first = Watch();
  backend_->GoAway();
  Run();
  EXPECT_TRUE(first.ended);
  ASSERT_EQ(backend_->served.size(), 2U);
  Answer(kServing);
  EXPECT_EQ(State(), "READY");
}

TEST_F(HealthWatchTest, AConnectionThatIsLostTakesItsWatchAlong) {
  Begin();
  Answer(kServing);
  backend_->Die();
  Run();
  EXPECT_NE(State(), "READY");
  backend_->Listen();
  Advance(2s);
  Answer(kServing);
  EXPECT_EQ(State(), "READY");
}

TEST_F(HealthWatchTest, AWatchKeepsNoChannelFromGoingIdle) {
  options_.idle_timeout = 1min;
  Begin();
  Answer(kServing);
  Advance(2min);
  EXPECT_EQ(State(), "IDLE");
}

TEST_F(HealthWatchTest, ANewServiceConfigBeginsAndEndsIt) {
  Begin();
  Answer(kNotServing);
  ASSERT_TRUE(channel_->SetServiceConfig(R"({"loadBalancingConfig":[{"round_robin":{}}]})").ok());
  Run();
  EXPECT_TRUE(Watch().ended);
  EXPECT_EQ(State(), "READY");
  ASSERT_TRUE(channel_
                  ->SetServiceConfig(R"({"loadBalancingConfig":[{"round_robin":{}}],
                      "healthCheckConfig":{"serviceName":"other"}})")
                  .ok());
  Run();
  EXPECT_EQ(backend_->served.size(), 2U);
  EXPECT_EQ(State(), "CONNECTING");
  Answer(kServing);
  EXPECT_EQ(State(), "READY");
  EXPECT_EQ(backend_->connections(), 1U);
}

TEST_F(HealthWatchTest, AnOptionSwitchesItOff) {
  options_.health_checks = false;
  Begin();
  EXPECT_EQ(State(), "READY");
  EXPECT_THAT(backend_->served, IsEmpty());
}

TEST_F(HealthWatchTest, CallsGoToHealthyBackendsOnly) {
  FakeBackend& other = Serve("b:1");
  other.hold = true;
  OpenTo({"a:1", "b:1"});
  Connect();
  other.last().Begin();
  other.last().SayRaw(Says(kNotServing));
  Answer(kServing);
  for (int i = 0; i < 4; ++i) Ask("x");
  EXPECT_EQ(other.served.size(), 1U);
  EXPECT_EQ(backend_->served.size(), 5U);
}

TEST_F(HealthWatchTest, AnAnswerMayBeCompressed) {
  Begin();
  const http2::Header field[] = {{"grpc-encoding", "gzip"}};
  Watch().stream.Respond(AnswerHead(), field, false);
  Watch().SayRaw(Says(kServing, Compression::kGzip));
  Run();
  EXPECT_EQ(State(), "READY");
}

TEST_F(HealthWatchTest, AnAnswerThatIsNoneFailsTheConnectionsHealth) {
  Begin();
  Watch().Begin();
  Watch().SayRaw(std::string("\0\0\0\0\2\x0a\x7f", 7));
  Run();
  EXPECT_TRUE(Watch().ended);
  EXPECT_THAT(Ask("x")->message(),
              testing::HasSubstr("a:1: health check failure: the watch ended with INTERNAL: its "
                                 "answer is no HealthCheckResponse"));
}

TEST_F(HealthWatchTest, AWatchWaitsForAFreeStream) {
  backend_->options.session.max_streams = 1;
  options_.default_service_config = R"({"loadBalancingConfig":[{"round_robin":{}}]})";
  Begin();
  auto asked = Ask("x");  // Takes the only one.
  FakeBackend::Served& call = backend_->last();
  ASSERT_TRUE(channel_
                  ->SetServiceConfig(R"({"loadBalancingConfig":[{"round_robin":{}}],
                      "healthCheckConfig":{}})")
                  .ok());
  Run();
  EXPECT_EQ(backend_->served.size(), 1U);
  call.Answer();
  Run();
  EXPECT_EQ(asked->reply, "a:1:x");
  EXPECT_EQ(backend_->served.size(), 2U);
  Answer(kServing);
  EXPECT_EQ(State(), "READY");
}

// A105: the oldest connection is watched, and what was said counts until the next one's watch
// hears otherwise.
TEST_F(HealthWatchTest, WhenTheWatchedConnectionGoesTheNextOneIsWatched) {
  options_.default_service_config =
      R"({"loadBalancingConfig":[{"round_robin":{}}],"healthCheckConfig":{"serviceName":"shop"},
          "connectionScaling":{"maxConnectionsPerSubchannel":2}})";
  backend_->options.session.max_streams = 3;
  Begin();
  Answer(kServing);
  for (int i = 0; i < 3; ++i) Ask("x");
  EXPECT_EQ(backend_->connections(), 2U);
  states_.clear();
  backend_->GoAwayFirst();
  Run();
  EXPECT_EQ(State(), "READY");
  EXPECT_THAT(states_, IsEmpty());
  EXPECT_EQ(channel_->Explain().backends.at(0).state, Connectivity::kReady);
  Answer(kNotServing);  // On the second.
  EXPECT_EQ(State(), "TRANSIENT_FAILURE");
}

}  // namespace
}  // namespace rondo::channel

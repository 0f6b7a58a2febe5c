// Hedges over a network in memory: behaviour 3.5 and 8.16 (gRFC A6).
#include "channel/channel_fixture.h"

namespace rondo::channel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Backends a, b and c take turns and answer when the test says so.
class HedgingTest : public ChannelTest {
 protected:
  HedgingTest() { Policy(R"("hedgingDelay":"0.05s","nonFatalStatusCodes":["UNAVAILABLE"])"); }
  void Policy(std::string_view fields, std::string_view more = "", int attempts = 3) {
    options_.default_service_config =
        Cat(R"({"loadBalancingConfig":[{"round_robin":{}}],"methodConfig":[{"name":[{}],)",
            R"("hedgingPolicy":{"maxAttempts":)", attempts, ",", fields, "}}]", more, "}");
  }
  std::shared_ptr<Asked> Begin(CallOptions options = {}) {
    for (const char* address : {"a:1", "b:1", "c:1"}) Serve(address).hold = true;
    OpenTo({"a:1", "b:1", "c:1"});
    Connect();
    return Ask("x", options);
  }
  // All that came to any backend, by the number of attempts that came before.
  std::vector<FakeBackend::Served*> All() {
    std::vector<FakeBackend::Served*> all;
    for (auto& b : backends_) {
      for (auto& s : b->served) all.push_back(s.get());
    }
    const auto before = [](FakeBackend::Served* s) {
      return s->headers["grpc-previous-rpc-attempts"];
    };
    std::sort(all.begin(), all.end(), [&](auto* x, auto* y) { return before(x) < before(y); });
    return all;
  }
  size_t Sent() { return All().size(); }
  FakeBackend::Served& At(size_t i) { return *All().at(i); }
  void Fail(size_t i, std::string_view code = "14", std::string_view pushback = "") {
    std::vector<http2::Header> fields{{"grpc-status", code}, {"grpc-message", "no"}};
    if (!pushback.empty()) fields.push_back({"grpc-retry-pushback-ms", pushback});
    At(i).stream.Respond(AnswerHead(), fields, true);
    Run();
  }
  void Answer(size_t i) {
    At(i).Answer();
    Run();
  }
};

TEST_F(HedgingTest, AttemptsBeginADelayApart) {
  auto call = Begin();
  EXPECT_EQ(Sent(), 1u);
  Advance(49ms);
  EXPECT_EQ(Sent(), 1u);
  Advance(1ms);
  EXPECT_EQ(Sent(), 2u);
  Advance(50ms);
  EXPECT_EQ(Sent(), 3u);
  Advance(500ms);
  EXPECT_EQ(Sent(), 3u);
  EXPECT_FALSE(call->done);
}
TEST_F(HedgingTest, WithoutADelayAllBeginAtOnceAndOnDifferentBackends) {
  Policy(R"("nonFatalStatusCodes":[14])");
  Begin();
  for (auto& b : backends_) EXPECT_EQ(b->served.size(), 1u);
}
TEST_F(HedgingTest, EachHedgeTellsHowManyCameBefore) {
  Begin();
  Advance(100ms);
  EXPECT_EQ(At(0).headers["grpc-previous-rpc-attempts"], "");
  EXPECT_EQ(At(1).headers["grpc-previous-rpc-attempts"], "1");
  EXPECT_EQ(At(2).headers["grpc-previous-rpc-attempts"], "2");
  for (auto& b : backends_) EXPECT_EQ(b->served.size(), 1u);
}
TEST_F(HedgingTest, HedgesAreCompressedAsTheFirstAttemptIs) {
  Begin();  // Servers that hold what comes.
  Ask(std::string(1000, 'x'), {.compression = Compression::kGzip});
  Advance(50ms);
  int compressed = 0;
  for (FakeBackend::Served* s : All()) {
    if (s->headers["grpc-encoding"] != "gzip") continue;
    EXPECT_TRUE(s->compressed.at(0));
    EXPECT_LT(s->messages.at(0).size(), 100u);
    ++compressed;
  }
  EXPECT_EQ(compressed, 2);
}
TEST_F(HedgingTest, TheFirstAnswerWinsAndTheOthersAreCancelled) {
  auto call = Begin();
  Advance(100ms);
  Answer(1);
  ASSERT_TRUE(call->done);
  EXPECT_EQ(call->reply.substr(1), ":1:x");
  EXPECT_TRUE(At(0).reset);
  EXPECT_TRUE(At(2).reset);
  EXPECT_EQ(call->report.attempts.size(), 3u);
  EXPECT_EQ(call->report.attempts.back().code, absl::StatusCode::kOk);
  EXPECT_EQ(call->report.peer, call->report.attempts.back().backend->address);
}
TEST_F(HedgingTest, TheFirstAttemptMayWinToo) {
  auto call = Begin();
  Advance(100ms);
  Answer(0);
  EXPECT_TRUE(call->status.ok());
  EXPECT_TRUE(At(1).reset && At(2).reset);
}
TEST_F(HedgingTest, HeadersCommitAlready) {
  auto call = Begin();
  Advance(50ms);
  At(1).Begin();
  Run();
  EXPECT_FALSE(call->done);
  EXPECT_TRUE(At(0).reset);
  Advance(100ms);
  EXPECT_EQ(Sent(), 2u) << "no more are sent";
  At(1).Say("late");
  At(1).End();
  Run();
  EXPECT_EQ(call->reply.substr(1), ":1:late");
}
TEST_F(HedgingTest, AFatalCodeEndsTheCallAtOnce) {
  auto call = Begin();
  Advance(50ms);
  Fail(1, "5");
  EXPECT_EQ(call->text(), "NOT_FOUND");
  EXPECT_EQ(call->message(), "no");
  EXPECT_TRUE(At(0).reset);
}
TEST_F(HedgingTest, ANonFatalCodeSendsTheNextAtOnceAndBeginsTheDelayAnew) {
  auto call = Begin();
  Advance(30ms);
  Fail(0);
  EXPECT_EQ(Sent(), 2u);
  Advance(49ms);
  EXPECT_EQ(Sent(), 2u);
  Advance(1ms);
  EXPECT_EQ(Sent(), 3u);
  Answer(2);
  EXPECT_TRUE(call->status.ok());
  EXPECT_TRUE(At(1).reset);
}
TEST_F(HedgingTest, WhenAllFailTheLastFailureIsTheCalls) {
  auto call = Begin();
  Advance(100ms);
  Fail(1);
  Fail(0);
  EXPECT_FALSE(call->done);
  Fail(2);
  EXPECT_EQ(call->text(), "UNAVAILABLE");
  EXPECT_EQ(call->report.attempts.size(), 3u);
}
TEST_F(HedgingTest, PushbackDelaysTheNext) {
  auto call = Begin();
  Fail(0, "14", "200");
  Advance(199ms);
  EXPECT_EQ(Sent(), 1u);
  Advance(1ms);
  EXPECT_EQ(Sent(), 2u);
  Advance(50ms);
  EXPECT_EQ(Sent(), 3u);
}
TEST_F(HedgingTest, APushbackThatIsNoTimeStopsNewOnesButNotThoseThatRun) {
  auto call = Begin();
  Advance(50ms);
  Fail(0, "14", "-1");
  Advance(500ms);
  EXPECT_EQ(Sent(), 2u);
  EXPECT_FALSE(call->done);
  Answer(1);
  EXPECT_TRUE(call->status.ok());
}
TEST_F(HedgingTest, AThrottledChannelSendsFirstAttemptsOnly) {
  Policy(R"("hedgingDelay":"0.05s","nonFatalStatusCodes":[14])",
         R"(,"retryThrottling":{"maxTokens":2,"tokenRatio":0.1})");
  auto call = Begin();
  Fail(0);  // 1 of 2.
  EXPECT_EQ(call->text(), "UNAVAILABLE");
  auto second = Ask("x");
  EXPECT_EQ(Sent(), 2u);
  Advance(500ms);
  EXPECT_EQ(Sent(), 2u);
  EXPECT_FALSE(second->done);
}
TEST_F(HedgingTest, TheChannelLimitsTheAttempts) {
  Policy(R"("hedgingDelay":"0s")", "", 9);
  Begin();
  EXPECT_EQ(Sent(), 5u);
}
TEST_F(HedgingTest, TheDeadlineIsThatOfTheCall) {
  auto call = Begin({.timeout = 80ms});
  Advance(50ms);
  EXPECT_EQ(At(1).headers["grpc-timeout"], "30m");
  Advance(30ms);
  EXPECT_EQ(call->text(), "DEADLINE_EXCEEDED");
  EXPECT_TRUE(At(0).reset && At(1).reset);
}
TEST_F(HedgingTest, ACancelledCallCancelsItsHedges) {
  auto call = Begin();
  Advance(100ms);
  call->cancel.Cancel();
  Run();
  EXPECT_EQ(call->text(), "CANCELLED");
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(At(i).reset);
}
TEST_F(HedgingTest, AChannelThatClosesEndsACallWithItsHedges) {
  auto call = Begin();
  Advance(50ms);
  Fail(0, "14", "1000");
  channel_->Close();
  Run();
  EXPECT_EQ(call->text(), "CANCELLED");
}
TEST_F(HedgingTest, AHedgeIsRepeatedTransparentlyByItself) {
  auto call = Begin();
  for (auto& b : backends_) b->refuse = b->served.empty();
  Advance(49ms);
  EXPECT_EQ(Sent(), 1u);
  Advance(1ms);  // Refused twice: a hedge that failed, the next is sent.
  EXPECT_FALSE(call->done);
  Answer(0);
  EXPECT_TRUE(call->status.ok());
}

}  // namespace
}  // namespace rondo::channel

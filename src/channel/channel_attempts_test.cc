// What the record of a call's attempts tells: where, when, how each ended, and why another followed
// or none did.
#include "channel/channel_fixture.h"

namespace rondo::channel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class AttemptsTest : public ChannelTest {
 protected:
  AttemptsTest() { options_.backoff.jitter = 0; }
  void Retry(std::string_view more = "", int attempts = 3) {
    options_.default_service_config =
        Cat(R"({"methodConfig":[{"name":[{}],"retryPolicy":{"maxAttempts":)", attempts,
            R"(,"initialBackoff":"0.01s","maxBackoff":"0.01s","backoffMultiplier":1,)",
            R"("retryableStatusCodes":["UNAVAILABLE"]}}])", more, "}");
  }
  FakeBackend& Held() {
    FakeBackend& a = Serve("a:1");
    a.hold = true;
    OpenTo({"a:1"});
    return a;
  }
  static void Fail(FakeBackend& b, std::string_view code, std::string_view pushback = "") {
    std::vector<http2::Header> fields{{"grpc-status", code}, {"grpc-message", "no"}};
    if (!pushback.empty()) fields.push_back({"grpc-retry-pushback-ms", pushback});
    b.last().stream.Respond(AnswerHead(), fields, true);
  }
  static std::vector<std::string> Sequels(const CallReport& report) {
    std::vector<std::string> out;
    for (const Attempt& a : report.attempts) {
      out.push_back(Cat(absl::StatusCodeToString(a.code), a.sequel == Sequel::kNone ? "" : "; ",
                        Name(a.sequel)));
    }
    return out;
  }
};

TEST_F(AttemptsTest, ACallThatSucceedsHasOneAttemptAndNothingFollows) {
  FakeBackend& a = Held();
  Advance(5ms);
  const Time before = loop_->Now();
  auto call = Ask("x");
  Advance(7ms);
  a.last().Answer();
  Run();
  ASSERT_EQ(call->report.attempts.size(), 1u);
  const Attempt& only = call->report.attempts[0];
  EXPECT_EQ(only.backend->address, "a:1");
  EXPECT_EQ(only.began, before);
  EXPECT_EQ(only.server, 7ms);
  EXPECT_EQ(only.code, absl::StatusCode::kOk);
  EXPECT_EQ(only.message, "");
  EXPECT_EQ(only.sequel, Sequel::kNone);
  EXPECT_EQ(call->report.Text(), "1: a:1 OK after 7ms (7ms waiting for the server)\n");
}
TEST_F(AttemptsTest, EachTellsWhenItBeganHowItEndedAndThatItWasRetried) {
  Retry();
  FakeBackend& a = Held();
  const Time began = loop_->Now();
  auto call = Ask("x");
  Advance(3ms);
  Fail(a, "14");
  Advance(20ms);
  a.last().Answer();
  Run();
  const auto& all = call->report.attempts;
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].began, began);
  EXPECT_EQ(all[0].code, absl::StatusCode::kUnavailable);
  EXPECT_EQ(all[0].message, "no");
  EXPECT_EQ(all[1].began, began + 3ms + all[1].backoff);
  EXPECT_THAT(Sequels(call->report), ElementsAre("UNAVAILABLE; retried", "OK"));
  EXPECT_THAT(call->report.Text(),
              HasSubstr("1: a:1 UNAVAILABLE after 3ms (3ms waiting for the server): no; retried\n"
                        "2: a:1 OK after "));
}
TEST_F(AttemptsTest, WithoutAPolicyNothingIsRetried) {
  FakeBackend& a = Held();
  auto call = Ask("x");
  Fail(a, "14");
  Run();
  EXPECT_THAT(Sequels(call->report),
              ElementsAre("UNAVAILABLE; not retried: the method has no policy that says so"));
  EXPECT_EQ(call->report.attempts[0].message, "no");
}
TEST_F(AttemptsTest, ACodeThatThePolicyDoesNotNameIsTheLast) {
  Retry();
  FakeBackend& a = Held();
  auto call = Ask("x");
  Fail(a, "5");
  Run();
  EXPECT_THAT(Sequels(call->report),
              ElementsAre("NOT_FOUND; not retried: the policy doesn't name this code"));
}
TEST_F(AttemptsTest, AnAnswerThatHadBegunIsTheLast) {
  Retry();
  FakeBackend& a = Held();
  auto call = Ask("x");
  a.last().Begin();
  Run();
  a.last().stream.Cancel(http2::Code::kRefusedStream);
  Run();
  EXPECT_THAT(Sequels(call->report),
              ElementsAre("UNAVAILABLE; not retried: an answer had begun, or what was written is "
                          "no longer kept"));
}
TEST_F(AttemptsTest, TheServersWordIsTold) {
  Retry();
  FakeBackend& a = Held();
  auto call = Ask("x");
  Fail(a, "14", "5");
  Advance(5ms);
  Fail(a, "14", "-1");
  Run();
  EXPECT_THAT(Sequels(call->report), ElementsAre("UNAVAILABLE; retried when the server said",
                                                 "UNAVAILABLE; not retried: the server says so"));
}
TEST_F(AttemptsTest, TheLastThatIsAllowedSaysSo) {
  Retry("", 2);
  FakeBackend& a = Held();
  auto call = Ask("x");
  Fail(a, "14");
  Advance(20ms);
  Fail(a, "14");
  Run();
  EXPECT_THAT(Sequels(call->report),
              ElementsAre("UNAVAILABLE; retried",
                          "UNAVAILABLE; not retried: no more attempts are allowed"));
}
TEST_F(AttemptsTest, AThrottledOneSaysSo) {
  Retry(R"(,"retryThrottling":{"maxTokens":2,"tokenRatio":0.1})");
  FakeBackend& a = Held();
  auto call = Ask("x");
  Fail(a, "14");
  Run();
  EXPECT_THAT(Sequels(call->report),
              ElementsAre("UNAVAILABLE; not retried: too many of the channel's calls fail"));
}
TEST_F(AttemptsTest, ADeadlineInTheBackoffEndsAnAttemptThatNeverBegan) {
  Retry();
  FakeBackend& a = Held();
  auto call = Ask("x", {.timeout = 10ms});
  Fail(a, "14", "1000");
  Advance(10ms);
  EXPECT_THAT(Sequels(call->report),
              ElementsAre("UNAVAILABLE; retried when the server said",
                          "DEADLINE_EXCEEDED; not retried: the call is over"));
  EXPECT_EQ(call->report.attempts[1].backend, nullptr);
  EXPECT_EQ(call->report.attempts[1].began, Time{});
}
TEST_F(AttemptsTest, WhatTheServerDidNotLookAtIsRepeatedAtOnce) {
  FakeBackend& a = Serve("a:1");
  a.refuse = true;
  OpenTo({"a:1"});
  auto call = Ask("x");
  EXPECT_THAT(Sequels(call->report),
              ElementsAre("UNAVAILABLE; repeated: the server hasn't looked at it",
                          "UNAVAILABLE; not retried: the method has no policy that says so"));
  EXPECT_TRUE(call->report.attempts[0].transparent);
  EXPECT_FALSE(call->report.attempts[1].transparent);
}
TEST_F(AttemptsTest, ACancelledCallWasNotRetriedAsItIsOver) {
  Held();
  auto call = Ask("x");
  call->cancel.Cancel();
  Run();
  EXPECT_THAT(Sequels(call->report), ElementsAre("CANCELLED; not retried: the call is over"));
}
TEST_F(AttemptsTest, HedgesTellThatOthersRanBesideThem) {
  options_.default_service_config =
      R"({"loadBalancingConfig":[{"round_robin":{}}],"methodConfig":[{"name":[{}],"hedgingPolicy":)"
      R"({"maxAttempts":2,"hedgingDelay":"0.05s","nonFatalStatusCodes":["UNAVAILABLE"]}}]})";
  FakeBackend& a = Serve("a:1");
  FakeBackend& b = Serve("b:1");
  a.hold = b.hold = true;
  OpenTo({"a:1", "b:1"});
  Connect();
  auto call = Ask("x");
  Advance(50ms);
  ASSERT_EQ(a.served.size() + b.served.size(), 2u);
  FakeBackend& first =
      call->done ? a : (a.last().headers.contains("grpc-previous-rpc-attempts") ? b : a);
  FakeBackend& second = &first == &a ? b : a;
  second.last().Answer();
  Run();
  EXPECT_THAT(Sequels(call->report), ElementsAre("CANCELLED; others ran beside it", "OK"));
  EXPECT_EQ(call->report.attempts[0].message, "another attempt was answered");
}
TEST_F(AttemptsTest, AStreamTellsThemAfterItsEndWithoutBeingAskedBefore) {
  FakeBackend& a = Held();
  StreamCall call = channel_->Stream(kChat, {});
  Run();
  EXPECT_THAT(call.Attempts(), IsEmpty());
  bool over = false;
  call.Finish([&](const absl::Status&) { over = true; });
  Advance(4ms);
  a.last().Fail("8", "full");
  Run();
  ASSERT_TRUE(over);
  const std::vector<Attempt> all = call.Attempts();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].backend->address, "a:1");
  EXPECT_EQ(all[0].code, absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(all[0].message, "full");
  EXPECT_EQ(all[0].server, 4ms);
  EXPECT_EQ(call.Attempts().size(), 1u);  // As often as one likes.
}
TEST_F(AttemptsTest, ACallThatNeverHadABackendSaysSo) {
  OpenTo({"a:1"});
  network_.Refuse("a:1");
  auto call = Ask("x");
  EXPECT_THAT(call->report.Text(),
              testing::StartsWith("1: no backend UNAVAILABLE after 0us: a:1: connection refused"));
}

}  // namespace
}  // namespace rondo::channel

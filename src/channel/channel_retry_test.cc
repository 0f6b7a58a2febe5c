// Retries over a network in memory: behaviour 3.3, 3.4 and 8.11 (gRFC A6).
#include <initializer_list>

#include "channel/channel_fixture.h"

namespace rondo::channel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Backends answer when the test says so. The backoff is 10 ms, less or more a fifth.
class RetryTest : public ChannelTest {
 protected:
  RetryTest() { Policy(); }
  ~RetryTest() override {
    call_ = StreamCall();
    if (!loop_->stopped()) Run();
  }
  static std::string Config(int attempts, std::string_view codes, std::string_view more,
                            std::string_view entry = "") {
    return Cat(R"({"loadBalancingConfig":[{"round_robin":{}}],"methodConfig":[{"name":[{}],)",
               entry, R"("retryPolicy":{"maxAttempts":)", attempts,
               R"(,"initialBackoff":"0.01s","maxBackoff":"0.01s","backoffMultiplier":1,)",
               R"("retryableStatusCodes":[)", codes, "]}}]", more, "}");
  }
  void Policy(int attempts = 4, std::string_view codes = "\"UNAVAILABLE\"",
              std::string_view more = "", std::string_view entry = "") {
    options_.default_service_config = Config(attempts, codes, more, entry);
  }
  FakeBackend& OpenToOne() {
    FakeBackend& a = Serve("a:1");
    a.hold = true;
    OpenTo({"a:1"});
    return a;
  }
  void Fail(FakeBackend& b, std::string_view code = "14") {
    b.last().Fail(code, "no");
    Run();
  }
  // Trailers only, with pushback.
  void Push(FakeBackend& b, std::initializer_list<std::string_view> pushback) {
    std::vector<http2::Header> fields{{"grpc-status", "14"}};
    for (std::string_view value : pushback) fields.push_back({"grpc-retry-pushback-ms", value});
    b.last().stream.Respond(AnswerHead(), fields, true);
    Run();
  }
  // The code of the call, and the index of the server's last call; `code` answers each.
  std::string Play(FakeBackend& b, const std::function<std::string_view(size_t)>& code) {
    auto call = Ask("x");
    for (int turn = 0; !call->done && turn < 20; ++turn) {
      if (answered_ == b.served.size()) Advance(12ms);
      if (answered_ == b.served.size()) continue;
      FakeBackend::Served& served = *b.served[answered_];
      const std::string_view answer = code(answered_++);
      answer == "0" ? served.Answer() : served.Fail(answer, "no");
      Run();
    }
    return Cat(call->Code(), " ", answered_ - 1);
  }
  void Begin(CallOptions options = {}) {
    call_ = channel_->Stream(kChat, options);
    Run();
  }
  void Write(std::string_view text, bool last = false) {
    call_.Write(FrameMessage(text), last, [this](bool ok) { writes_ += ok ? 'w' : 'x'; });
    Run();
  }
  void Read() {
    call_.Read([this](std::optional<Bytes> m) {
      read_.push_back(m ? std::string(m->begin(), m->end()) : "end");
    });
    Run();
  }
  void Finish() {
    call_.Finish([this](absl::Status s) { status_ = std::move(s); });
    Run();
  }
  std::string Status() const {
    return status_ ? absl::StatusCodeToString(status_->code()) : std::string("waiting");
  }

  size_t answered_ = 0;
  StreamCall call_;
  std::string writes_;
  std::vector<std::string> read_;
  std::optional<absl::Status> status_;
};

// ---- 8.11
TEST_F(RetryTest, UnaryCallsAreRetriedAsThePolicySays) {
  Policy(4, "\"ALREADY_EXISTS\"");
  FakeBackend& a = OpenToOne();
  const auto code = [](size_t i) -> std::string_view {
    if (i == 0 || i == 2 || i == 5) return "0";
    return i == 6 || i == 8 || i == 11 ? "13" : "6";
  };
  std::vector<std::string> seen;
  for (int i = 0; i < 7; ++i) seen.push_back(Play(a, code));
  EXPECT_THAT(seen, ElementsAre("OK 0", "OK 2", "OK 5", "INTERNAL 6", "INTERNAL 8", "INTERNAL 11",
                                "ALREADY_EXISTS 15"));
}
TEST_F(RetryTest, ThrottlingFollowsTheTokens) {
  Policy(4, "14", R"(,"retryThrottling":{"maxTokens":10,"tokenRatio":0.5})");
  FakeBackend& a = OpenToOne();
  const auto code = [](size_t i) -> std::string_view {
    for (size_t ok : {0, 3, 6, 10, 11, 12, 13, 14, 16, 18}) {
      if (i == ok) return "0";
    }
    return "14";
  };
  std::vector<std::string> seen;
  for (int i = 0; i < 12; ++i) seen.push_back(Play(a, code));
  EXPECT_THAT(seen, ElementsAre("OK 0", "OK 3", "OK 6", "UNAVAILABLE 8", "UNAVAILABLE 9", "OK 10",
                                "OK 11", "OK 12", "OK 13", "OK 14", "OK 16", "UNAVAILABLE 17"));
}
TEST_F(RetryTest, TheThrottleKeepsItsFractionWhenTheConfigChanges) {
  Policy(2, "14", R"(,"retryThrottling":{"maxTokens":10,"tokenRatio":0.5})");
  FakeBackend& a = OpenToOne();
  const auto always = [](size_t) -> std::string_view { return "14"; };
  EXPECT_EQ(Play(a, always), "UNAVAILABLE 1");  // 8
  EXPECT_EQ(Play(a, always), "UNAVAILABLE 3");  // 6
  EXPECT_EQ(Play(a, always), "UNAVAILABLE 4");  // 5: throttled
  ASSERT_TRUE(channel_
                  ->SetServiceConfig(
                      Config(2, "14", R"(,"retryThrottling":{"maxTokens":100,"tokenRatio":0.5})"))
                  .ok());
  Run();
  EXPECT_EQ(Play(a, always), "UNAVAILABLE 5") << "49 of 100";
}
TEST_F(RetryTest, AttemptsAreLimitedByPolicyAndChannel) {
  struct Row {
    int policy, option, attempts;
  };
  for (const Row row : {Row{9, 4, 4}, Row{9, 7, 7}, Row{3, 10, 3}, Row{8, -1, 5}, Row{3, 0, 3}}) {
    SCOPED_TRACE(Cat(row.policy, " ", row.option));
    Policy(row.policy);
    options_.retry.max_attempts = row.option;
    backends_.clear();
    Run();
    FakeBackend& a = OpenToOne();
    answered_ = 0;
    EXPECT_EQ(Play(a, [](size_t) { return "14"; }), Cat("UNAVAILABLE ", row.attempts - 1));
    channel_.reset();
    Run();
  }
}

// ---- 3.3
TEST_F(RetryTest, EachAttemptTellsHowManyCameBefore) {
  FakeBackend& a = OpenToOne();
  auto call = Ask("x");
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(a.served.size(), i + 1u);
    auto& headers = a.last().headers;
    EXPECT_EQ(headers.contains("grpc-previous-rpc-attempts") ? headers["grpc-previous-rpc-attempts"]
                                                             : "none",
              i == 0 ? "none" : Cat(i));
    Fail(a);
    Advance(12ms);
  }
  EXPECT_EQ(call->Code(), "UNAVAILABLE");
  EXPECT_EQ(call->message(), "no; retries exhausted after 4 attempts");
  ASSERT_EQ(call->report.attempts.size(), 4u);
  EXPECT_FALSE(call->report.attempts[0].transparent);
  EXPECT_EQ(call->report.attempts[3].code, absl::StatusCode::kUnavailable);
}
TEST_F(RetryTest, TheBackoffStaysWithinItsJitter) {
  FakeBackend& a = OpenToOne();
  auto call = Ask("x");
  Fail(a);
  Advance(7999us);
  EXPECT_EQ(a.served.size(), 1u);
  Advance(4001us);
  ASSERT_EQ(a.served.size(), 2u);
  a.last().Answer();
  Run();
  EXPECT_EQ(call->reply, "a:1:x");
  EXPECT_GE(call->report.attempts[1].backoff, 8ms);
  EXPECT_LE(call->report.attempts[1].backoff, 12ms);
}
TEST_F(RetryTest, ARetryGoesToABackendNotYetTried) {
  std::vector<FakeBackend*> all;
  for (const char* address : {"a:1", "b:1", "c:1"}) {
    all.push_back(&Serve(address));
    all.back()->hold = true;
  }
  OpenTo({"a:1", "b:1", "c:1"});
  Connect();
  // Another call takes the turn in between, so that turns alone would come back to the first.
  for (int round = 0; round < 4; ++round) {
    for (auto* b : all) b->served.clear();
    auto call = Ask("x");
    std::vector<std::shared_ptr<Asked>> others;
    for (int i = 0; i < 2; ++i) {
      for (auto* b : all) {
        for (auto& s : b->served) {
          if (s->messages == std::vector<std::string>{"x"} && !s->ended) s->Fail("14", "no");
        }
      }
      Run();
      others.push_back(Ask("other"));
      others.push_back(Ask("other"));
      Advance(12ms);
    }
    std::vector<size_t> tries;
    for (auto* b : all) {
      tries.push_back(static_cast<size_t>(std::count_if(
          b->served.begin(), b->served.end(), [](auto& s) { return s->messages.at(0) == "x"; })));
    }
    EXPECT_THAT(tries, ElementsAre(1, 1, 1));
    for (auto* b : all) {
      for (auto& s : b->served) {
        if (!s->ended && s->stream.open()) s->Answer();
      }
    }
    Run();
    EXPECT_TRUE(call->done);
  }
}
TEST_F(RetryTest, TheConfigMayAskForTriedBackendsToo) {
  Policy(4, "14", "", R"("avoidTriedBackends":false,)");
  FakeBackend& a = Serve("a:1");
  FakeBackend& b = Serve("b:1");
  a.hold = b.hold = true;
  OpenTo({"a:1", "b:1"});
  Connect();
  auto call = Ask("x");
  FakeBackend& first = a.served.empty() ? b : a;
  Fail(first);
  auto other = Ask("other");
  Advance(12ms);
  EXPECT_EQ(first.served.size(), 2u);
}
TEST_F(RetryTest, ACallAfterHeadersIsNotRetried) {
  FakeBackend& a = OpenToOne();
  auto call = Ask("x");
  a.last().Begin();
  Run();
  const http2::Header extra[] = {{"grpc-status", "14"}};
  static const http2::HeaderTemplate none(http2::HeaderTemplate::Fields{});
  a.last().stream.Finish(none, extra);
  Run();
  EXPECT_EQ(call->text(), "UNAVAILABLE");
  EXPECT_EQ(a.served.size(), 1u);
}
TEST_F(RetryTest, ALostConnectionIsAFailureLikeAnother) {
  FakeBackend& a = OpenToOne();
  auto call = Ask("x");
  a.CloseWith(http2::Code::kInternalError, "oops");
  Run();
  EXPECT_FALSE(call->done);
  Advance(12ms);
  ASSERT_EQ(a.served.size(), 2u);
  a.last().Answer();
  Run();
  EXPECT_EQ(call->reply, "a:1:x");
}
TEST_F(RetryTest, ThePushbackOfTheServerIsObeyed) {
  FakeBackend& a = OpenToOne();
  auto call = Ask("x");
  Push(a, {"1000"});
  Advance(999ms);
  EXPECT_EQ(a.served.size(), 1u);
  Advance(1ms);
  ASSERT_EQ(a.served.size(), 2u);
  a.last().Answer();
  Run();
  EXPECT_TRUE(call->status.ok());
}
TEST_F(RetryTest, APushbackThatIsNoTimeMeansNever) {
  FakeBackend& a = OpenToOne();
  for (const auto& words : {std::initializer_list<std::string_view>{"-1"},
                            {"xxx"},
                            {""},
                            {"10", "10"},
                            {"99999999999"}}) {
    a.served.clear();
    auto call = Ask("x");
    Push(a, words);
    EXPECT_EQ(call->text(), "UNAVAILABLE");
    EXPECT_EQ(a.served.size(), 1u);
  }
}
TEST_F(RetryTest, TheDeadlineCoversAllAttemptsAndTheirWaits) {
  FakeBackend& a = OpenToOne();
  auto call = Ask("x", {.timeout = 100ms});
  Push(a, {"1000"});
  Advance(99ms);
  EXPECT_FALSE(call->done);
  Advance(1ms);
  EXPECT_EQ(call->Code(), "DEADLINE_EXCEEDED");
  EXPECT_EQ(call->message(),
            "the retry waits after UNAVAILABLE: ; test:///service after 100ms, attempt 1 to a:1 "
            "ended with UNAVAILABLE, attempt 2: 100ms waiting to try again; policy round_robin");
  auto late = Ask("x", {.timeout = 100ms});
  Advance(50ms);
  Push(a, {"10"});
  Advance(10ms);
  EXPECT_EQ(a.last().headers["grpc-timeout"], "40m");
}
TEST_F(RetryTest, APickThatFailsIsAnAttempt) {
  options_.backoff.jitter = 0;
  OpenTo({"a:1"});
  auto call = Ask("x");
  for (int i = 0; i < 2; ++i) Advance(12ms);
  EXPECT_FALSE(call->done);
  Advance(12ms);
  EXPECT_EQ(call->text(), "UNAVAILABLE");
  EXPECT_THAT(call->message(), HasSubstr("; retries exhausted after 4 attempts"));
  EXPECT_EQ(call->report.attempts.size(), 4u);
}
TEST_F(RetryTest, TransparentRepeatsAreNotCounted) {
  FakeBackend& a = OpenToOne();
  auto first = Ask("warm");
  a.last().Answer();
  Run();
  a.refuse = true;
  auto call = Ask("x");  // Refused twice: the second is an attempt that failed.
  EXPECT_FALSE(call->done);
  a.refuse = false;
  Advance(12ms);
  EXPECT_EQ(a.last().headers["grpc-previous-rpc-attempts"], "1");
  a.last().Answer();
  Run();
  EXPECT_EQ(call->reply, "a:1:x");
  EXPECT_EQ(call->report.attempts.size(), 3u);
}
TEST_F(RetryTest, OnlyTheFirstAttemptIsRepeatedTransparently) {
  FakeBackend& a = OpenToOne();
  auto call = Ask("x");
  Fail(a);
  a.refuse = true;
  Advance(12ms);  // Refused: an attempt that failed, not a repeat.
  a.refuse = false;
  EXPECT_EQ(a.served.size(), 1u);
  Advance(12ms);
  ASSERT_EQ(a.served.size(), 2u);
  EXPECT_EQ(a.last().headers["grpc-previous-rpc-attempts"], "2");
}
TEST_F(RetryTest, ItCanBeSwitchedOff) {
  options_.retry.enabled = false;
  FakeBackend& a = OpenToOne();
  auto call = Ask("x");
  Fail(a);
  EXPECT_EQ(call->message(), "no");
}
TEST_F(RetryTest, AThrottledCallSaysSo) {
  Policy(4, "14", R"(,"retryThrottling":{"maxTokens":1,"tokenRatio":0.5})");
  FakeBackend& a = OpenToOne();
  auto call = Ask("x");
  Fail(a);
  EXPECT_EQ(call->message(),
            "no; not retried: too many of the channel's calls fail (retryThrottling)");
}
TEST_F(RetryTest, ACallThatWaitsToTryAgainCanBeCancelled) {
  FakeBackend& a = OpenToOne();
  auto call = Ask("x");
  Fail(a);
  call->cancel.Cancel();
  Run();
  EXPECT_EQ(call->text(), "CANCELLED");
  Advance(1s);
  EXPECT_EQ(a.served.size(), 1u);
}
TEST_F(RetryTest, AChannelThatClosesEndsCallsThatWaitToTryAgain) {
  FakeBackend& a = OpenToOne();
  auto call = Ask("x");
  Fail(a);
  channel_->Close();
  Run();
  EXPECT_EQ(call->text(), "CANCELLED");
}
TEST_F(RetryTest, ALoopThatStopsEndsCallsThatWaitToTryAgain) {
  FakeBackend& a = OpenToOne();
  auto call = Ask("x");
  Fail(a);
  loop_->Stop();
  Run();
  EXPECT_EQ(call->text(), "CANCELLED");
}

// ---- Streams
TEST_F(RetryTest, AllThatWasWrittenIsSentAgainInOrder) {
  FakeBackend& a = OpenToOne();
  Begin();
  Write("one");
  Write("two", true);
  for (int i = 0; i < 2; ++i) {
    Fail(a);
    Advance(12ms);
  }
  ASSERT_EQ(a.served.size(), 3u);
  EXPECT_THAT(a.last().messages, ElementsAre("one", "two"));
  EXPECT_TRUE(a.last().half_closed);
  a.last().Answer();
  Read();
  Read();
  Finish();
  EXPECT_THAT(read_, ElementsAre("a:1:one", "a:1:two"));
  EXPECT_EQ(Status(), "OK");
  EXPECT_EQ(writes_, "ww");
}
TEST_F(RetryTest, WhatIsWrittenDuringTheBackoffIsSentWithTheRest) {
  FakeBackend& a = OpenToOne();
  Begin();
  Write("one");
  Fail(a);
  Write("two");
  EXPECT_EQ(writes_, "ww");
  call_.WritesDone();
  Advance(12ms);
  ASSERT_EQ(a.served.size(), 2u);
  EXPECT_THAT(a.last().messages, ElementsAre("one", "two"));
  EXPECT_TRUE(a.last().half_closed);
}
TEST_F(RetryTest, AReaderThatWaitsGetsTheReplyOfTheLastAttempt) {
  FakeBackend& a = OpenToOne();
  Begin();
  Read();
  std::string headers = "none";
  call_.Headers([&](const Metadata&) { headers = "came"; });
  Fail(a);
  EXPECT_EQ(headers, "none");
  Advance(12ms);
  a.last().Begin();
  a.last().Say("late");
  Run();
  EXPECT_THAT(read_, ElementsAre("a:1:late"));
  EXPECT_EQ(headers, "came");
}
TEST_F(RetryTest, AStreamThatHasOutgrownItsBufferIsNotRetried) {
  options_.retry.call_buffer = 200;
  FakeBackend& a = OpenToOne();
  Begin();
  Write(std::string(100, 'x'));
  Fail(a);
  Advance(12ms);
  EXPECT_EQ(a.served.size(), 2u);
  Write(std::string(100, 'x'));
  Fail(a);
  Finish();
  EXPECT_EQ(Status(), "UNAVAILABLE");
  EXPECT_EQ(a.served.size(), 2u);
}
TEST_F(RetryTest, TheChannelsBufferIsSharedByItsCalls) {
  options_.retry.channel_buffer = 150;
  FakeBackend& a = OpenToOne();
  Begin();
  Write(std::string(95, 'x'));
  StreamCall first = std::move(call_);
  Begin();
  Write(std::string(95, 'y'));  // More than all may keep: this one is committed.
  Fail(a);
  Finish();
  EXPECT_EQ(Status(), "UNAVAILABLE");
  a.served[0]->Fail("14", "no");  // The room is free again: the other is retried.
  Run();
  Advance(12ms);
  EXPECT_EQ(a.served.size(), 3u);
  first = StreamCall();
  call_ = StreamCall();
  Run();
  Begin();
  Write(std::string(95, 'z'));
  Fail(a);
  Advance(12ms);
  EXPECT_EQ(a.served.size(), 5u) << "calls that have ended left their room";
}
TEST_F(RetryTest, ABrokenAnswerDoesNotLiftTheBuffersLimit) {
  options_.retry.call_buffer = 200;
  FakeBackend& a = OpenToOne();
  Begin();
  Write("x");
  static const http2::HeaderTemplate html(
      http2::HeaderTemplate::Fields{{":status", "503"}, {"content-type", "text/html"}});
  a.last().stream.Respond(html, {}, false);
  Run();
  Write(std::string(300, 'x'));
  a.last().SayRaw("<html>", true);
  Finish();
  EXPECT_EQ(Status(), "UNAVAILABLE");
}
TEST_F(RetryTest, ABrokenAnswerOfAProxyIsAFailureLikeAnother) {
  FakeBackend& a = OpenToOne();
  auto call = Ask("x");
  static const http2::HeaderTemplate html(
      http2::HeaderTemplate::Fields{{":status", "503"}, {"content-type", "text/html"}});
  a.last().stream.Respond(html, {}, false);
  a.last().SayRaw("<html>", true);
  Run();
  EXPECT_FALSE(call->done);
  Advance(12ms);
  EXPECT_EQ(a.served.size(), 2u);
}

// ---- Drops

TEST_F(RetryTest, ADroppedCallEndsAtOnceAndIsNotTriedAgain) {
  options_.default_service_config = Config(4, "\"UNAVAILABLE\"", "");
  std::string& config = options_.default_service_config;
  const std::string_view plain = R"({"round_robin":{}})";
  config.replace(
      config.find(plain), plain.size(),
      R"({"circuit_breaking":{"maxConcurrentRequests":1,"childPolicy":[{"round_robin":{}}]}})");
  FakeBackend& a = OpenToOne();
  auto first = Ask("x");
  auto second = Ask("x", {.wait_for_ready = true});
  EXPECT_FALSE(first->done);
  EXPECT_EQ(second->Code(), "UNAVAILABLE");
  Advance(1s);
  EXPECT_EQ(a.served.size(), 1u);
  a.last().Answer();
  Run();
  EXPECT_EQ(first->Code(), "OK");
  auto third = Ask("x");  // There is room again.
  EXPECT_EQ(a.served.size(), 2u);
  a.last().Answer();
  Run();
  EXPECT_EQ(third->Code(), "OK");
}

}  // namespace
}  // namespace rondo::channel

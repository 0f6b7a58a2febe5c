// Interceptors of a channel, around unary and streaming calls.
#include <stdexcept>

#include "channel/channel_fixture.h"
#include "rondo/interceptor.h"
#include "rondo/spawn.h"

namespace rondo::channel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class InterceptorTest : public ChannelTest {
 protected:
  ~InterceptorTest() override {
    call_ = StreamCall();
    if (!loop_->stopped()) Run();
  }
  // Notes when it begins, and the status it saw.
  ClientInterceptor Noting(std::string name) {
    return [this, name](ClientCall& call, ClientNext next) { return Note(name, call, next); };
  }
  Task<absl::Status> Note(std::string name, ClientCall& call, ClientNext next) {
    log_.push_back(name);
    absl::Status status = co_await next(call);
    log_.push_back(Cat(name, " ", absl::StatusCodeToString(status.code())));
    co_return status;
  }
  template <class F>
  static ClientInterceptor Of(F f) {
    return ClientInterceptor(f);
  }
  FakeBackend& Held() {
    FakeBackend& a = Serve("a:1");
    a.hold = true;
    OpenTo({"a:1"});
    return a;
  }
  StreamCall call_;
  std::vector<std::string> log_;
};

TEST_F(InterceptorTest, TheFirstIsTheOutermost) {
  options_.interceptors = {Noting("one"), Noting("two")};
  FakeBackend& a = Held();
  auto call = Ask("x");
  EXPECT_THAT(log_, ElementsAre("one", "two"));
  EXPECT_FALSE(call->done);
  a.last().Answer();
  Run();
  EXPECT_EQ(call->text(), "a:1:x");
  EXPECT_THAT(log_, ElementsAre("one", "two", "two OK", "one OK"));
}
TEST_F(InterceptorTest, WhatItAddsToTheMetadataIsSent) {
  options_.interceptors = {Of([](ClientCall& call, ClientNext next) -> Task<absl::Status> {
    call.metadata().Add("tenant", "blue");
    co_return co_await next(call);
  })};
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  const Metadata own = metadata("own", "1");
  EXPECT_EQ(Ask("x", {.metadata = own})->text(), "a:1:x");
  EXPECT_EQ(a.last().headers["tenant"], "blue");
  EXPECT_EQ(a.last().headers["own"], "1");
}
TEST_F(InterceptorTest, AStreamGoesThroughTheSameFunction) {
  options_.interceptors = {Noting("one")};
  FakeBackend& a = Held();
  call_ = channel_->Stream(kChat, {});
  std::vector<std::string> read;
  std::optional<absl::Status> end;
  call_.Write(FrameMessage(1, [](uint8_t* to) { *to = 'x'; }), true, [](bool) {});
  call_.Read([&](std::optional<Bytes> m) {
    read.push_back(m ? std::string(m->begin(), m->end()) : "end");
  });
  Run();
  a.last().Answer();
  Run();
  EXPECT_THAT(read, ElementsAre("a:1:x"));
  call_.Finish([&](absl::Status s) { end = std::move(s); });
  Run();
  EXPECT_EQ(end, absl::OkStatus());
  EXPECT_THAT(log_, ElementsAre("one", "one OK"));
}
TEST_F(InterceptorTest, OneThatDoesNotGoOnEndsTheCallAndNothingIsSent) {
  options_.interceptors = {Noting("one"), Of([](ClientCall&, ClientNext) -> Task<absl::Status> {
                             co_return absl::PermissionDeniedError("not you");
                           })};
  FakeBackend& a = Held();
  auto call = Ask("x");
  EXPECT_EQ(call->Code(), "PERMISSION_DENIED");
  EXPECT_EQ(call->message(), "not you");
  EXPECT_TRUE(a.served.empty());
  EXPECT_THAT(log_, ElementsAre("one", "one PERMISSION_DENIED"));
}
TEST_F(InterceptorTest, OkWithoutACallIsAnError) {
  options_.interceptors = {
      Of([](ClientCall&, ClientNext) -> Task<absl::Status> { co_return absl::OkStatus(); })};
  Held();
  auto call = Ask("x");
  EXPECT_EQ(call->Code(), "INTERNAL");
  EXPECT_EQ(call->message(), "/test.Echo/Unary: an interceptor returned OK without calling next");
}
TEST_F(InterceptorTest, ItMayTurnOkIntoAFailureButNoFailureIntoOk) {
  absl::Status as = absl::DataLossError("checksum");
  options_.interceptors = {Of([&as](ClientCall& call, ClientNext next) -> Task<absl::Status> {
    absl::Status seen = co_await next(call);
    co_return as;
  })};
  FakeBackend& a = Held();
  auto bad = Ask("x");
  a.last().Answer();
  Run();
  EXPECT_EQ(bad->Code(), "DATA_LOSS");
  as = absl::OkStatus();
  auto failed = Ask("x");
  a.last().Fail("5", "none");
  Run();
  EXPECT_EQ(failed->Code(), "NOT_FOUND");
  EXPECT_EQ(failed->message(), "none");
}
TEST_F(InterceptorTest, ItMayWaitBeforeAndAfter) {
  options_.interceptors = {Of([](ClientCall& call, ClientNext next) -> Task<absl::Status> {
    co_await Sleep(10ms);
    absl::Status status = co_await next(call);
    co_await Sleep(20ms);
    co_return status;
  })};
  Serve("a:1");
  OpenTo({"a:1"});
  Connect();
  auto call = Ask("x");
  EXPECT_EQ(backends_[0]->served.size(), 0u);
  Advance(10ms);
  EXPECT_EQ(backends_[0]->served.size(), 1u);
  EXPECT_FALSE(call->done);
  Advance(20ms);
  EXPECT_EQ(call->text(), "a:1:x");
}
TEST_F(InterceptorTest, TheDeadlineCountsWhileItWaits) {
  bool dropped = false;
  options_.interceptors = {Of([&](ClientCall& call, ClientNext next) -> Task<absl::Status> {
    struct Tell {
      ~Tell() { *flag = true; }
      bool* flag;
    } tell{&dropped};
    co_await Sleep(1h);
    co_return co_await next(call);
  })};
  Held();
  auto call = Ask("x", {.timeout = 50ms});
  Advance(50ms);
  EXPECT_EQ(call->Code(), "DEADLINE_EXCEEDED");
  EXPECT_EQ(call->message(),
            "the interceptors had not let the call go; test:///service after 50ms, attempt 1");
  EXPECT_TRUE(dropped);
}
TEST_F(InterceptorTest, ACancelledCallDropsItWhereItWaits) {
  options_.interceptors = {Of([](ClientCall& call, ClientNext next) -> Task<absl::Status> {
    co_await Sleep(1h);
    co_return co_await next(call);
  })};
  FakeBackend& a = Held();
  auto call = Ask("x");
  call->cancel.Cancel();
  Run();
  EXPECT_EQ(call->Code(), "CANCELLED");
  Advance(2h);
  EXPECT_TRUE(a.served.empty());
}
TEST_F(InterceptorTest, ADroppedStreamDropsItToo) {
  options_.interceptors = {Of([](ClientCall& call, ClientNext next) -> Task<absl::Status> {
    co_await Sleep(1h);
    co_return co_await next(call);
  })};
  FakeBackend& a = Held();
  call_ = channel_->Stream(kChat, {});
  Run();
  call_ = StreamCall();
  Advance(2h);
  EXPECT_TRUE(a.served.empty());
}
TEST_F(InterceptorTest, AClosedChannelEndsACallThatWaitsInOne) {
  options_.interceptors = {Of([](ClientCall& call, ClientNext next) -> Task<absl::Status> {
    co_await Sleep(1h);
    co_return co_await next(call);
  })};
  Held();
  auto call = Ask("x");
  channel_->Close();
  Run();
  EXPECT_EQ(call->Code(), "CANCELLED");
  EXPECT_EQ(Ask("y")->Code(), "CANCELLED");
}
TEST_F(InterceptorTest, ALoopThatStopsEndsThemAll) {
  options_.interceptors = {Of([](ClientCall& call, ClientNext next) -> Task<absl::Status> {
    co_await Sleep(1h);
    co_return co_await next(call);
  })};
  Held();
  auto before = Ask("x");
  loop_->Stop();
  Run();
  EXPECT_EQ(before->Code(), "CANCELLED");
}
TEST_F(InterceptorTest, ALoopThatStopsEndsCallsAtWork) {
  options_.interceptors = {Noting("one")};
  Held();
  auto inside = Ask("x");
  loop_->Stop();
  Run();
  EXPECT_EQ(inside->Code(), "CANCELLED");
}
TEST_F(InterceptorTest, NextWorksOnce) {
  absl::Status second;
  options_.interceptors = {Of([&](ClientCall& call, ClientNext next) -> Task<absl::Status> {
    absl::Status first = co_await next(call);
    second = co_await next(call);
    co_return first;
  })};
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  EXPECT_EQ(Ask("x")->text(), "a:1:x");
  EXPECT_EQ(second, absl::FailedPreconditionError("an interceptor may call next once"));
  EXPECT_EQ(a.served.size(), 1u);
}
TEST_F(InterceptorTest, WhatItThrowsEndsTheCall) {
  options_.interceptors = {Of([](ClientCall&, ClientNext) -> Task<absl::Status> {
    throw std::runtime_error("oops");
    co_return absl::OkStatus();
  })};
  Held();
  auto call = Ask("x");
  EXPECT_EQ(call->Code(), "UNKNOWN");
  EXPECT_EQ(call->message(), "/test.Echo/Unary: an interceptor threw: oops");
}
TEST_F(InterceptorTest, ACallThatIsRetriedIsInterceptedOnceAndTellsItsAttempts) {
  size_t attempts = 0;
  std::optional<std::string> trailer;
  options_.default_service_config =
      R"({"methodConfig":[{"name":[{}],"retryPolicy":{"maxAttempts":3,"initialBackoff":"0.01s",)"
      R"("maxBackoff":"0.01s","backoffMultiplier":1,"retryableStatusCodes":["UNAVAILABLE"]}}]})";
  options_.interceptors = {Of([&](ClientCall& call, ClientNext next) -> Task<absl::Status> {
    EXPECT_THAT(call.attempts(), IsEmpty());
    absl::Status status = co_await next(call);
    attempts = call.attempts().size();
    if (auto found = call.trailers().Find("why")) trailer = std::string(*found);
    co_return status;
  })};
  FakeBackend& a = Held();
  auto call = Ask("x");
  a.last().Fail("14", "no");
  Advance(20ms);
  const http2::Header end[] = {{"grpc-status", "9"}, {"why", "because"}};
  a.last().stream.Respond(AnswerHead(), end, true);
  Run();
  EXPECT_EQ(call->Code(), "FAILED_PRECONDITION");
  EXPECT_EQ(attempts, 2u);
  EXPECT_EQ(trailer, "because");
}
TEST_F(InterceptorTest, HedgesAreNotInterceptedThemselves) {
  options_.default_service_config =
      R"({"loadBalancingConfig":[{"round_robin":{}}],"methodConfig":[{"name":[{}],)"
      R"("hedgingPolicy":{"maxAttempts":2,"hedgingDelay":"0.01s"}}]})";
  options_.interceptors = {Noting("one")};
  FakeBackend &a = Serve("a:1"), &b = Serve("b:1");
  a.hold = b.hold = true;
  OpenTo({"a:1", "b:1"});
  Connect();
  auto call = Ask("x");
  Advance(10ms);
  ASSERT_EQ(a.served.size() + b.served.size(), 2u);
  b.last().Answer();
  Run();
  EXPECT_EQ(call->text(), "b:1:x");
  EXPECT_THAT(log_, ElementsAre("one", "one OK"));
}
TEST_F(InterceptorTest, ADeadlineMayBeShortenedNotLengthened) {
  options_.interceptors = {Of([](ClientCall& call, ClientNext next) -> Task<absl::Status> {
    call.ShortenDeadline(call.loop().Now() + 40ms);
    call.ShortenDeadline(call.loop().Now() + 1h);
    co_return co_await next(call);
  })};
  FakeBackend& a = Held();
  auto call = Ask("x", {.timeout = 1s});
  EXPECT_EQ(a.last().headers["grpc-timeout"], "40m");
  Advance(40ms);
  EXPECT_EQ(call->Code(), "DEADLINE_EXCEEDED");
}
Task<> Hold(Task<absl::Status> rest, absl::Status* end) { *end = co_await std::move(rest); }
TEST_F(InterceptorTest, OneThatLeavesTheCallEndsIt) {
  absl::Status elsewhere;
  options_.interceptors = {Of([&](ClientCall& call, ClientNext next) -> Task<absl::Status> {
    Spawn(call.loop(), Hold(next(call), &elsewhere));
    co_await Sleep(5ms);
    co_return absl::AbortedError("left");
  })};
  FakeBackend& a = Held();
  auto call = Ask("x");
  ASSERT_EQ(a.served.size(), 1u);
  Advance(5ms);
  EXPECT_EQ(call->Code(), "ABORTED");
  EXPECT_TRUE(a.last().reset);
  EXPECT_EQ(elsewhere, absl::CancelledError("the call is over"));
}
// An interceptor gives the rest of the way to another task and ends the call before that ran.
TEST_F(InterceptorTest, WhatIsBegunAfterTheEndIsCancelledAndRunsNobody) {
  absl::Status elsewhere;
  options_.interceptors = {Of([&](ClientCall& call, ClientNext next) -> Task<absl::Status> {
                             Spawn(call.loop(), Hold(next(call), &elsewhere));
                             co_return absl::AbortedError("left");
                           }),
                           Noting("two")};
  FakeBackend& a = Held();
  auto call = Ask("x");
  EXPECT_EQ(call->Code(), "ABORTED");
  EXPECT_EQ(elsewhere, absl::CancelledError("the call is over"));
  EXPECT_THAT(log_, IsEmpty());
  EXPECT_THAT(a.served, IsEmpty());
}
TEST_F(InterceptorTest, NextAfterTheEndIsCancelledAlsoWhenTheChannelHasGone) {
  std::optional<ClientNext> late;
  ClientCall* its = nullptr;
  options_.interceptors = {Of([&](ClientCall& call, ClientNext next) -> Task<absl::Status> {
                             late = next;
                             its = &call;
                             co_return absl::AbortedError("left");
                           }),
                           Noting("two")};
  Held();
  EXPECT_EQ(Ask("x")->Code(), "ABORTED");
  channel_.reset();
  Run();
  absl::Status elsewhere;
  Spawn(*loop_, Hold((*late)(*its), &elsewhere));
  Run();
  EXPECT_EQ(elsewhere, absl::CancelledError("the call is over"));
  EXPECT_THAT(log_, IsEmpty());
}
// A call of the server, in place of one.
class Parent final : public ServerCall {
 public:
  explicit Parent(Loop& loop) {
    loop_ = &loop;
    method_ = "/s/M";
  }
  void SetDeadline(Time deadline) { deadline_ = deadline; }
  void AddMetadata(std::string_view key, std::string_view value) { metadata_.Add(key, value); }
  void Go() { SetCancelled(); }
  void OnCancel(Function<void()>) override {}
  void SendHeaders() override {}
  bool SetCompression(Compression) override { return false; }
  void Read(Function<void(std::optional<Bytes>)>) override {}
  void Write(Slice, Function<void(bool)>, WriteOptions) override {}
  void Finish(const absl::Status&) override {}
  void Reply(Slice) override {}
  bool RunOnWorker(Function<void()>) override { return false; }
};
TEST_F(InterceptorTest, TheParentsDeadlineCountsToo) {
  FakeBackend& a = Held();
  Parent parent(*loop_);
  parent.SetDeadline(loop_->Now() + 30ms);
  auto call = Ask("x", {.timeout = 1s, .parent = &parent});
  EXPECT_EQ(a.last().headers["grpc-timeout"], "30m");
  Advance(30ms);
  EXPECT_EQ(call->Code(), "DEADLINE_EXCEEDED");
}
TEST_F(InterceptorTest, WhenTheParentIsCancelledSoIsTheCall) {
  FakeBackend& a = Held();
  Parent parent(*loop_);
  auto call = Ask("x", {.parent = &parent});
  auto other = Ask("y");
  parent.Go();
  Run();
  EXPECT_EQ(call->Code(), "CANCELLED");
  EXPECT_THAT(call->message(), HasSubstr("the call that it is made for was cancelled; "));
  EXPECT_FALSE(other->done);
  EXPECT_TRUE(a.served[0]->reset);
  EXPECT_THAT(Ask("z", {.parent = &parent})->message(),
              HasSubstr("the call that it is made for was cancelled; "));
}
TEST_F(InterceptorTest, TheParentMayGoBeforeTheCall) {
  FakeBackend& a = Held();
  std::shared_ptr<Asked> call;
  {
    Parent parent(*loop_);
    call = Ask("x", {.parent = &parent});
  }
  a.last().Answer();
  Run();
  EXPECT_EQ(call->text(), "a:1:x");
}
TEST_F(InterceptorTest, TraceContextAndWhatTheChannelNamesGoAlong) {
  options_.forward_metadata.emplace_back("tenant");
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  Parent parent(*loop_);
  parent.AddMetadata("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  parent.AddMetadata("tenant", "theirs");
  parent.AddMetadata("authorization", "secret");
  const Metadata own = metadata("tenant", "mine");
  Ask("x", {.metadata = own, .parent = &parent});
  EXPECT_EQ(a.last().headers["traceparent"],
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  EXPECT_EQ(a.last().headers["tenant"], "mine");
  EXPECT_FALSE(a.last().headers.contains("authorization"));
}

TEST_F(InterceptorTest, WhatIsWrittenWhileOneWaitsIsSentLater) {
  options_.interceptors = {Of([](ClientCall& call, ClientNext next) -> Task<absl::Status> {
    co_await Sleep(10ms);
    co_return co_await next(call);
  })};
  FakeBackend& a = Held();
  Connect();
  call_ = channel_->Stream(kChat, {.compression = Compression::kGzip});
  std::string told;
  call_.Write(FrameMessage(1, [](uint8_t* to) { *to = 'x'; }), false,
              [&](bool ok) { told += ok ? "sent " : "refused "; });
  Run();
  EXPECT_EQ(told, "sent ");
  EXPECT_TRUE(a.served.empty());
  Advance(10ms);
  ASSERT_EQ(a.served.size(), 1u);
  EXPECT_EQ(a.last().messages.size(), 1u);
  EXPECT_FALSE(a.last().ended);
}
TEST_F(InterceptorTest, TheServiceConfigsLimitHoldsWhileOneWaits) {
  options_.default_service_config =
      R"({"methodConfig":[{"name":[{}],"maxRequestMessageBytes":50}]})";
  options_.interceptors = {Of([](ClientCall& call, ClientNext next) -> Task<absl::Status> {
    co_await Sleep(10ms);
    co_return co_await next(call);
  })};
  FakeBackend& a = Held();
  // Compressed it would be short enough: the limit is of what it was before.
  call_ = channel_->Stream(kChat, {.compression = Compression::kGzip});
  std::optional<absl::Status> end;
  call_.Write(FrameMessage(1000, [](uint8_t* to) { std::memset(to, 'x', 1000); }), true,
              [](bool) {});
  call_.Finish([&](absl::Status s) { end = std::move(s); });
  Run();
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(absl::StatusCodeToString(end->code()), "RESOURCE_EXHAUSTED");
  EXPECT_THAT(std::string(end->message()),
              HasSubstr("/test.Echo/Chat: the request has 1000 bytes, more than the limit of 50"));
  EXPECT_TRUE(a.served.empty());
}
TEST_F(InterceptorTest, TheServiceConfigsTimeoutCountsWhileItWaits) {
  options_.default_service_config = R"({"methodConfig":[{"name":[{}],"timeout":"0.05s"}]})";
  std::optional<Duration> left;
  options_.interceptors = {Of([&](ClientCall& call, ClientNext next) -> Task<absl::Status> {
    if (call.deadline().has_value()) left = *call.deadline() - call.loop().Now();
    co_await Sleep(1h);
    co_return co_await next(call);
  })};
  Held();
  auto call = Ask("x");
  EXPECT_EQ(left, Duration(50ms));
  Advance(50ms - 1ms);
  EXPECT_FALSE(call->done);
  Advance(1ms);
  EXPECT_EQ(call->Code(), "DEADLINE_EXCEEDED");
  EXPECT_EQ(call->message(),
            "the interceptors had not let the call go; test:///service after 50ms, attempt 1");
}

}  // namespace
}  // namespace rondo::channel

// Trace contexts and spans: behaviour 6.5 (A72, W3C Trace Context level 1).
#include "rondo/trace.h"

#include "channel/channel_fixture.h"
#include "server/server_fixture.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(TraceContextTest, ATraceparentIsReadAndWritten) {
  const auto read = TraceContext::FromTraceparent(kParent);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->trace[0], 0x0a);
  EXPECT_EQ(read->span[7], 0x31);
  EXPECT_TRUE(read->sampled);
  EXPECT_EQ(read->Traceparent(), kParent);
}
TEST(TraceContextTest, WhatIsNoTraceparentIsRefused) {
  for (const std::string_view bad : {
           "",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
           "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "00-00000000000000000000000000000000-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
           "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
           "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
       }) {
    EXPECT_FALSE(TraceContext::FromTraceparent(bad).has_value()) << bad;
  }
}
TEST(TraceContextTest, ALaterVersionMaySayMore) {
  const auto read =
      TraceContext::FromTraceparent("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-more");
  ASSERT_TRUE(read.has_value());
  EXPECT_FALSE(read->sampled);
}
TEST(TraceContextTest, TheBinaryFormIsReadAndWritten) {
  const auto context = *TraceContext::FromTraceparent(kParent);
  const std::string bytes = context.Binary();
  ASSERT_EQ(bytes.size(), 29u);
  EXPECT_EQ(TraceContext::FromBinary(bytes)->Traceparent(), kParent);
  EXPECT_FALSE(TraceContext::FromBinary(bytes.substr(1)).has_value());
  std::string other = bytes;
  other[0] = 1;
  EXPECT_FALSE(TraceContext::FromBinary(other).has_value());
}
TEST(TraceContextTest, OfMetadataTheTraceparentCountsFirst) {
  const auto context = *TraceContext::FromTraceparent(kParent);
  Metadata both = metadata("traceparent", kParent, "tracestate", "a=1");
  EXPECT_EQ(TraceContext::From(both)->state, "a=1");
  Metadata binary = metadata("traceparent", "nonsense", "grpc-trace-bin", context.Binary());
  EXPECT_EQ(TraceContext::From(binary)->Traceparent(), kParent);
  EXPECT_FALSE(TraceContext::From(Metadata()).has_value());
}

class Kept final : public SpanExporter {
 public:
  void Export(Span span) override { spans.push_back(std::move(span)); }
  std::vector<Span> spans;
};
std::string Hex(const std::array<uint8_t, 8>& id) {
  TraceContext c;
  c.span = id;
  return c.Traceparent().substr(36, 16);
}

class ClientTraceTest : public channel::ChannelTest {
 protected:
  void Trace(TracerOptions options) {
    tracer_ = std::make_shared<Tracer>(kept_, options);
    options_.interceptors = {TraceCalls(tracer_)};
    Advance(1s);  // Time{} is no time.
  }
  const std::shared_ptr<Kept> kept_ = std::make_shared<Kept>();
  std::shared_ptr<Tracer> tracer_;
};

TEST_F(ClientTraceTest, ACallIsASpanWithOneForEachAttempt) {
  Trace({.seed = 1});
  options_.default_service_config =
      R"({"methodConfig":[{"name":[{}],"retryPolicy":{"maxAttempts":3,"initialBackoff":"0.01s",)"
      R"("maxBackoff":"0.01s","backoffMultiplier":1,"retryableStatusCodes":["UNAVAILABLE"]}}]})";
  channel::FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  Connect();
  const Time begin = loop_->Now();
  auto call = Ask("x");
  Advance(5ms);
  a.last().Fail("14", "no");
  Advance(20ms);
  a.last().Answer();
  Run();
  ASSERT_EQ(call->text(), "a:1:x");
  ASSERT_EQ(kept_->spans.size(), 3u);
  const Span &first = kept_->spans[0], &second = kept_->spans[1], &whole = kept_->spans[2];
  EXPECT_EQ(whole.name, "Sent.test.Echo.Unary");
  EXPECT_EQ(whole.kind, Span::Kind::kClient);
  EXPECT_EQ(Hex(whole.parent), "0000000000000000");
  EXPECT_EQ(whole.start, begin);
  EXPECT_EQ(whole.end, loop_->Now());
  EXPECT_EQ(whole.status, absl::OkStatus());
  EXPECT_EQ(first.name, "Attempt.test.Echo.Unary");
  EXPECT_EQ(first.parent, whole.context.span);
  EXPECT_EQ(first.context.trace, whole.context.trace);
  EXPECT_EQ(first.end - first.start, 5ms);
  EXPECT_EQ(first.status, absl::UnavailableError("no"));
  EXPECT_THAT(second.attributes, ElementsAre(testing::Pair("previous-rpc-attempts", "1"),
                                             testing::Pair("transparent-retry", "false"),
                                             testing::Pair("peer", "a:1")));
  EXPECT_EQ(a.last().headers["traceparent"], whole.context.Traceparent());
  EXPECT_FALSE(a.last().headers.contains("grpc-trace-bin"));
}
TEST_F(ClientTraceTest, AWaitForAPickIsAnEvent) {
  Trace({.seed = 1});
  Open();
  auto call = Ask("x");
  Advance(30ms);
  Serve("a:1");
  names_.PublishAddresses({"a:1"});
  Run();
  ASSERT_EQ(call->text(), "a:1:x");
  ASSERT_EQ(kept_->spans[0].events.size(), 1u);
  EXPECT_EQ(kept_->spans[0].events[0].name, "Delayed name resolution complete");
  EXPECT_EQ(kept_->spans[0].events[0].at - kept_->spans[0].start, 30ms);
}
TEST_F(ClientTraceTest, WhatTheCallerSaysIsTheParent) {
  Trace({.seed = 1, .binary = true});
  channel::FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  const Metadata from = metadata("traceparent", kParent, "other", "1");
  ASSERT_EQ(Ask("x", {.metadata = from})->text(), "a:1:x");
  const Span& whole = kept_->spans.back();
  EXPECT_EQ(Hex(whole.parent), "b7ad6b7169203331");
  EXPECT_THAT(a.last().headers["traceparent"], HasSubstr("0af7651916cd43dd8448eb211c80319c"));
  EXPECT_TRUE(a.last().headers.contains("grpc-trace-bin"));
  EXPECT_EQ(a.last().headers["other"], "1");
}
TEST_F(ClientTraceTest, ATraceThatIsNotSampledIsCarriedAndNotExported) {
  Trace({.sample = 0, .seed = 1});
  channel::FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  Ask("x");
  EXPECT_TRUE(kept_->spans.empty());
  EXPECT_TRUE(a.last().headers["traceparent"].ends_with("-00"));
}

class ServerTraceTest : public server::ServerTest {
 protected:
  const std::shared_ptr<Kept> kept_ = std::make_shared<Kept>();
};

TEST_F(ServerTraceTest, ACallIsASpanBelowItsCallersAndWhatItMakesComesBelowIt) {
  options.interceptors = {
      TraceServedCalls(std::make_shared<Tracer>(kept_, TracerOptions{.seed = 1}))};
  std::string passed_on;
  On("/a.Echo/Say", kUnary, [&](ServerCall& call, Bytes) {
    passed_on = std::string(call.forwarded().Find("traceparent").value_or("none"));
    call.Finish(absl::NotFoundError("none"));
  });
  Start();
  Ask("/a.Echo/Say", "hi", {{"traceparent", std::string(kParent)}});
  ASSERT_EQ(kept_->spans.size(), 1u);
  const Span& span = kept_->spans[0];
  EXPECT_EQ(span.kind, Span::Kind::kServer);
  EXPECT_EQ(span.name, "Recv.a.Echo.Say");
  EXPECT_EQ(Hex(span.parent), "b7ad6b7169203331");
  EXPECT_EQ(span.status, absl::NotFoundError("none"));
  EXPECT_EQ(passed_on, span.context.Traceparent());
}

TEST_F(ServerTraceTest, AChainOfCallsIsOneTraceWithOneDeadlineAndIsCancelledAsAWhole) {
  const auto tracer = std::make_shared<Tracer>(kept_, TracerOptions{.seed = 1});
  options.interceptors = {TraceServedCalls(tracer)};
  OnKeep(kUnary);
  absl::StatusOr<Channel> inner = channel::MakeChannel(
      Cat("ipv4:", server::kAddress),
      {.credentials = Insecure(), .interceptors = {TraceCalls(tracer)}}, {loop, &network, 1, this});
  ASSERT_TRUE(inner.ok()) << inner.status();
  static const Method kKeep{"/a.Echo/Keep"};
  On("/a.Echo/Outer", kUnary, [&](ServerCall& call, Bytes) {
    UnaryCall ask = inner->Unary(kKeep, {.parent = &call}, 0);
    std::move(ask).Start([&call](const UnaryResult& result) { call.Finish(result.status); });
  });
  Start();
  loop->Advance(1s);  // Time{} is no time.
  server::ClientCall& outer =
      Ask("/a.Echo/Outer", "hi", {{"traceparent", std::string(kParent)}, {"grpc-timeout", "1S"}});
  ASSERT_EQ(kept.size(), 1u);
  ASSERT_TRUE(kept[0]->deadline().has_value());
  EXPECT_LE(*kept[0]->deadline(), loop->Now() + 1s);
  outer.stream.Cancel();
  Idle();
  EXPECT_TRUE(kept[0]->cancelled());
  kept[0]->Finish(absl::OkStatus());
  Idle();
  std::vector<std::string> names;
  for (const Span& span : kept_->spans) {
    names.push_back(Cat(span.name, " ", absl::StatusCodeToString(span.status.code())));
    EXPECT_EQ(span.context.Traceparent().substr(0, 35), kParent.substr(0, 35));
  }
  EXPECT_THAT(names, ElementsAre("Attempt.a.Echo.Keep CANCELLED", "Sent.a.Echo.Keep CANCELLED",
                                 "Recv.a.Echo.Outer CANCELLED", "Recv.a.Echo.Keep OK"));
  const Span &sent = kept_->spans[1], &served = kept_->spans[2], &below = kept_->spans[3];
  EXPECT_EQ(sent.parent, served.context.span);
  EXPECT_EQ(below.parent, sent.context.span);
}

}  // namespace
}  // namespace rondo

// What a user reads when a call fails, word for word: architecture 9. Each text says who, what is
// wrong, the other side's words, and where the time went.
#include "channel/channel_fixture.h"

namespace rondo::channel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using testing::UnorderedElementsAre;

class ErrorsTest : public ChannelTest {
 protected:
  ErrorsTest() { options_.backoff.jitter = 0; }
  static std::string Told(const std::shared_ptr<Asked>& call) {
    return call->done ? call->Code() + ": " + call->message() : "waiting";
  }
  // A backend that has one call and answers it by hand.
  FakeBackend& Held() {
    FakeBackend& a = Serve("a:1");
    a.hold = true;
    OpenTo({"a:1"});
    return a;
  }
};

// ---- No backend
TEST_F(ErrorsTest, ATargetThatCannotBeResolved) {
  names_.Publish({.endpoints = absl::NotFoundError("no host is called \"service\"")});
  Open();
  EXPECT_EQ(Told(Ask("x")),
            "INTERNAL: illegal status NOT_FOUND from the control plane: name resolver "
            "error: no host is called \"service\"; test:///service after 0us, attempt "
            "1; policy pick_first, 0 endpoints");
}
TEST_F(ErrorsTest, AResolverThatSaysNothingBeforeTheDeadline) {
  Open();
  auto call = Ask("x", {.timeout = 1s});
  Advance(1s);
  EXPECT_EQ(Told(call),
            "DEADLINE_EXCEEDED: test:///service after 1.0s, attempt 1: 1.0s waiting "
            "for the resolver; the resolver has not answered yet");
}
TEST_F(ErrorsTest, ALongTargetIsCutShort) {
  Open("test:///" + std::string(500, 'x'));
  auto call = Ask("x", {.timeout = 1s});
  Advance(1s);
  EXPECT_EQ(Told(call),
            "DEADLINE_EXCEEDED: test:///" + std::string(120, 'x') +
                "... after 1.0s, attempt 1: 1.0s waiting for the resolver; the resolver has not "
                "answered yet");
}
TEST_F(ErrorsTest, ANameWithoutAddresses) {
  OpenTo({});
  EXPECT_EQ(Told(Ask("x")),
            "UNAVAILABLE: pick_first: name resolver error: produced zero addresses: "
            "pushed; test:///service after 0us, attempt 1; policy pick_first, 0 "
            "endpoints (pushed)");
}
TEST_F(ErrorsTest, ABackendThatRefuses) {
  OpenTo({"a:1"});
  network_.Refuse("a:1");
  EXPECT_EQ(Told(Ask("x")),
            "UNAVAILABLE: a:1: connection refused (ECONNREFUSED); test:///service "
            "after 0us, attempt 1; policy pick_first, 1 endpoint (pushed): a:1 "
            "connection refused (ECONNREFUSED) (1 try, next in 1.0s)");
}
TEST_F(ErrorsTest, SeveralBackendsThatRefuse) {
  RoundRobin();
  OpenTo({"a:1", "b:1"});
  network_.Refuse("a:1");
  network_.Refuse("b:1");
  EXPECT_EQ(Told(Ask("x")),
            "UNAVAILABLE: round_robin: none of 2 endpoints can be reached; last: a:1: "
            "connection refused (ECONNREFUSED); test:///service after 0us, attempt 1; "
            "policy round_robin, 2 endpoints (pushed): a:1 connection refused "
            "(ECONNREFUSED) (1 try, next in 1.0s), b:1 connection refused "
            "(ECONNREFUSED) (1 try, next in 1.0s)");
}
TEST_F(ErrorsTest, ADeadlineAmongRefusals) {
  OpenTo({"a:1"});
  network_.Refuse("a:1");
  auto call = Ask("x", {.timeout = 500ms, .wait_for_ready = true});
  Advance(500ms);
  EXPECT_EQ(Told(call),
            "DEADLINE_EXCEEDED: a:1: connection refused (ECONNREFUSED); "
            "test:///service after 500ms, attempt 1: 500ms waiting for a ready "
            "backend; policy pick_first, 1 endpoint (pushed): a:1 connection refused "
            "(ECONNREFUSED) (1 try, next in 500ms)");
}
TEST_F(ErrorsTest, ADeadlineWhileConnecting) {
  Serve("a:1").mute = true;
  OpenTo({"a:1"});
  auto call = Ask("x", {.timeout = 500ms});
  Advance(500ms);
  EXPECT_EQ(Told(call),
            "DEADLINE_EXCEEDED: test:///service after 500ms, attempt 1: 500ms waiting "
            "for a ready backend; policy pick_first, 1 endpoint (pushed): a:1 "
            "connecting");
}
TEST_F(ErrorsTest, AServerThatAcceptsAndSaysNothing) {
  Serve("a:1").mute = true;
  OpenTo({"a:1"});
  auto call = Ask("x");
  Advance(20s);
  EXPECT_EQ(Told(call),
            "UNAVAILABLE: a:1: no SETTINGS from a:1 within 20000 ms; test:///service "
            "after 20.0s, attempt 1: 20.0s waiting for a ready backend; policy "
            "pick_first, 1 endpoint (pushed, 20.0s ago): a:1 no SETTINGS from a:1 within 20000 ms "
            "(1 try, next in 0us)");
}
TEST_F(ErrorsTest, AServerThatClosesAtOnce) {
  Serve("a:1").slam = true;
  OpenTo({"a:1"});
  EXPECT_EQ(Told(Ask("x")),
            "UNAVAILABLE: a:1: connection closed by the peer before its SETTINGS came; "
            "test:///service after 0us, attempt 1; policy pick_first, 1 endpoint "
            "(pushed): a:1 connection closed by the peer before its SETTINGS came (1 "
            "try, next in 1.0s)");
}
TEST_F(ErrorsTest, AServerThatDoesNotSpeakHttp2) {
  std::vector<std::unique_ptr<event::Socket>> open;
  auto listening = network_.Listen(
      *loop_, "a:1", [this]() -> event::EventLoop& { return *loop_; },
      [&](event::EventLoop&, std::unique_ptr<event::Socket> socket) {
        std::string hello = "SSH-2.0-OpenSSH_9.2\r\nand more that is no frame of any kind";
        const iovec bytes{hello.data(), hello.size()};
        socket->Write({&bytes, 1});
        open.push_back(std::move(socket));
      });
  OpenTo({"a:1"});
  EXPECT_THAT(Told(Ask("x")),
              StartsWith("UNAVAILABLE: a:1: PROTOCOL_ERROR: the peer does not answer in HTTP/2; "));
}

TEST_F(ErrorsTest, AnOldListOfEndpointsTellsItsAgeAndTheTroubleSince) {
  OpenTo({"a:1"});
  network_.Refuse("a:1");
  auto call = Ask("x", {.timeout = 5s, .wait_for_ready = true});
  Advance(3s);
  names_.Publish({.endpoints = absl::UnavailableError("the name server is silent")});
  Run();
  Advance(2s);
  ASSERT_TRUE(call->done);
  EXPECT_THAT(Told(call), HasSubstr("; policy pick_first, 1 endpoint (pushed, 5.0s ago): a:1 "));
  EXPECT_THAT(Told(call), HasSubstr("; the resolver's last word, 2.0s ago: the name server is "
                                    "silent"));
}
TEST_F(ErrorsTest, AServerThatNobodyHears) {
  network_.Swallow("a:1");
  OpenTo({"a:1"});
  auto call = Ask("x");
  Advance(20s);
  EXPECT_EQ(Told(call),
            "UNAVAILABLE: a:1: no connection within the connect timeout; test:///service after "
            "20.0s, attempt 1: 20.0s waiting for a ready backend; policy pick_first, 1 endpoint "
            "(pushed, 20.0s ago): a:1 no connection within the connect timeout (1 try, next in "
            "0us)");
}

// ---- A backend, but no answer
TEST_F(ErrorsTest, ADeadlineAmongHedgesThatAllFailed) {
  options_.default_service_config =
      R"({"methodConfig":[{"name":[{}],"hedgingPolicy":{"maxAttempts":2,"hedgingDelay":"10s",)"
      R"("nonFatalStatusCodes":["UNAVAILABLE"]}}]})";
  FakeBackend& a = Held();
  auto call = Ask("x", {.timeout = 300ms});
  const http2::Header fields[] = {{"grpc-status", "14"}, {"grpc-retry-pushback-ms", "5000"}};
  a.last().stream.Respond(AnswerHead(), fields, true);
  Advance(300ms);
  EXPECT_EQ(Told(call),
            "DEADLINE_EXCEEDED: all attempts failed, last with UNAVAILABLE; test:///service after "
            "300ms, attempt 1 to a:1 ended with UNAVAILABLE, attempt 2: 300ms waiting to try "
            "again; policy pick_first");
}
TEST_F(ErrorsTest, OptionsThatCannotBe) {
  options_.backoff.multiplier = 0.5;
  EXPECT_EQ(std::string(TryOpen().message()),
            "channel: backoff must have 0 < base <= max, multiplier >= 1, 0 <= jitter < 1 and "
            "min_connect_timeout > 0");
}
TEST_F(ErrorsTest, ADeadlineWhileWaitingForAStreamSlot) {
  FakeBackend& a = Serve("a:1");
  a.options.session.max_streams = 1;
  a.hold = true;
  OpenTo({"a:1"});
  auto first = Ask("1");
  auto second = Ask("2", {.timeout = 300ms});
  Advance(300ms);
  EXPECT_EQ(Told(second),
            "DEADLINE_EXCEEDED: test:///service after 300ms, attempt 1 to a:1: 300ms "
            "waiting for a stream slot (1 of 1 in use); policy pick_first");
  EXPECT_EQ(first->text(), "waiting");
}
TEST_F(ErrorsTest, ADeadlineWhileTheServersWindowIsShut) {
  FakeBackend& a = Held();
  a.unpulled = true;
  Connect();
  auto call = Ask(std::string(200 << 10, 'x'), {.timeout = 300ms});
  Advance(300ms);
  EXPECT_EQ(Told(call),
            "DEADLINE_EXCEEDED: test:///service after 300ms, attempt 1 to a:1: 300ms "
            "waiting for the server, 73733 bytes of the request wait for its flow "
            "control; policy pick_first");
}
TEST_F(ErrorsTest, ADeadlineWhileTheServerWorks) {
  Held();
  auto call = Ask("x", {.timeout = 300ms});
  Advance(300ms);
  EXPECT_EQ(Told(call),
            "DEADLINE_EXCEEDED: test:///service after 300ms, attempt 1 to a:1: 300ms "
            "waiting for the server; policy pick_first");
}
TEST_F(ErrorsTest, AServerThatFreezes) {
  Held();
  Connect();
  network_.Freeze("a:1");
  auto call = Ask("x", {.timeout = 300ms});
  Advance(300ms);
  EXPECT_EQ(Told(call),
            "DEADLINE_EXCEEDED: test:///service after 300ms, attempt 1 to a:1: 300ms "
            "waiting for the server; policy pick_first");
}
TEST_F(ErrorsTest, ACancelledCallInTheQueue) {
  Open();
  auto call = Ask("x");
  Advance(20ms);
  call->cancel.Cancel();
  Run();
  EXPECT_EQ(Told(call),
            "CANCELLED: the call was cancelled; test:///service after 20ms, attempt 1: "
            "20ms waiting for the resolver; the resolver has not answered yet");
}
TEST_F(ErrorsTest, ACancelledCallAtTheServer) {
  Held();
  auto call = Ask("x");
  Advance(20ms);
  call->cancel.Cancel();
  Run();
  EXPECT_EQ(Told(call),
            "CANCELLED: the call was cancelled; test:///service after 20ms, attempt 1 "
            "to a:1: 20ms waiting for the server; policy pick_first");
}
TEST_F(ErrorsTest, AClosedChannel) {
  Held();
  auto running = Ask("x");
  channel_->Close();
  Run();
  EXPECT_EQ(Told(running),
            "CANCELLED: the channel was closed; test:///service after 0us, attempt 1 "
            "to a:1; policy pick_first");
  EXPECT_EQ(Told(Ask("y")), "CANCELLED: test:///service: the channel is closed");
}
TEST_F(ErrorsTest, APeerThatVanishes) {
  FakeBackend& a = Held();
  auto call = Ask("x");
  Advance(20ms);
  a.Die();
  Run();
  EXPECT_EQ(Told(call),
            "UNAVAILABLE: the connection was lost: connection reset by peer "
            "(ECONNRESET); test:///service after 20ms, attempt 1 to a:1: 20ms waiting "
            "for the server; policy pick_first");
}
TEST_F(ErrorsTest, AServerThatGoesAwayAngry) {
  FakeBackend& a = Held();
  auto call = Ask("x");
  a.CloseWith(http2::Code::kEnhanceYourCalm, "too_many_pings");
  Run();
  EXPECT_EQ(Told(call),
            "UNAVAILABLE: the connection was lost: GOAWAY ENHANCE_YOUR_CALM: "
            "too_many_pings; test:///service after 0us, attempt 1 to a:1; policy "
            "pick_first");
}
TEST_F(ErrorsTest, AStreamThatTheServerResets) {
  FakeBackend& a = Held();
  auto call = Ask("x");
  a.last().stream.Cancel(http2::Code::kInternalError);
  Run();
  EXPECT_EQ(Told(call),
            "INTERNAL: the server reset the stream (INTERNAL_ERROR); test:///service "
            "after 0us, attempt 1 to a:1; policy pick_first");
}
TEST_F(ErrorsTest, AStreamThatIsRefusedTwice) {
  FakeBackend& a = Serve("a:1");
  a.refuse = true;
  OpenTo({"a:1"});
  EXPECT_EQ(Told(Ask("x")),
            "UNAVAILABLE: the server reset the stream (REFUSED_STREAM); "
            "test:///service after 0us, attempt 1 to a:1 ended with UNAVAILABLE, "
            "attempt 2 to a:1; policy pick_first");
}

// ---- Messages and metadata
TEST_F(ErrorsTest, ARequestThatIsTooLong) {
  options_.max_send_message = 3;
  OpenTo({"a:1"});
  EXPECT_EQ(Told(Ask("four")),
            "RESOURCE_EXHAUSTED: /test.Echo/Unary: the request has 4 bytes, more than "
            "the limit of 3");
}
TEST_F(ErrorsTest, AReplyThatIsTooLong) {
  Serve("a:1");
  options_.max_receive_message = 8;
  OpenTo({"a:1"});
  EXPECT_EQ(Told(Ask("123456789")),
            "RESOURCE_EXHAUSTED: /test.Echo/Unary: a reply of 13 bytes is more than "
            "the limit of 8; test:///service after 0us, attempt 1 to a:1; policy "
            "pick_first");
}
TEST_F(ErrorsTest, MetadataThatCannotBeSent) {
  OpenTo({"a:1"});
  const Metadata wrong = metadata("Upper", "x"), value = metadata("tenant", "a\nb");
  EXPECT_EQ(Told(Ask("x", {.metadata = wrong})),
            "INTERNAL: /test.Echo/Unary: metadata key \"Upper\": has the byte 0x55, "
            "allowed are 0-9 a-z _ . -");
  EXPECT_EQ(Told(Ask("x", {.metadata = value})),
            "INTERNAL: /test.Echo/Unary: metadata key \"tenant\": its value has the "
            "byte 0x0a, only printable ASCII is allowed; end the key in -bin for any "
            "bytes");
}

// ---- Answers that are none. Another call on the same connection is not disturbed.
class BadAnswerTest : public ErrorsTest {
 protected:
  std::string After(const std::function<void(FakeBackend::Served&)>& answer) {
    FakeBackend& a = Held();
    auto other = Ask("other");
    FakeBackend::Served& others = a.last();
    auto call = Ask("x");
    answer(a.last());
    Run();
    others.Answer();
    Run();
    EXPECT_EQ(other->text(), "a:1:other");
    EXPECT_EQ(network_.attempts("a:1"), 1u);
    return Told(call);
  }
  static void Respond(FakeBackend::Served& s, http2::HeaderTemplate::Fields fields) {
    const http2::HeaderTemplate head(fields);
    s.stream.Respond(head, {}, true);
  }
};
TEST_F(BadAnswerTest, AnHtmlPageOfAProxy) {
  EXPECT_EQ(After([](auto& s) { Respond(s, {{":status", "503"}, {"content-type", "text/html"}}); }),
            "UNAVAILABLE: HTTP status 503, content-type \"text/html\", instead of a "
            "gRPC answer; test:///service after 0us, attempt 1 to a:1; policy "
            "pick_first");
}
TEST_F(BadAnswerTest, NoStatusAtTheEnd) {
  EXPECT_EQ(After([](auto& s) {
              s.Begin();
              s.SayRaw("", true);
            }),
            "INTERNAL: /test.Echo/Unary: the server ended the answer without a "
            "grpc-status; test:///service after 0us, attempt 1 to a:1; policy "
            "pick_first");
}
TEST_F(BadAnswerTest, AStatusThatIsNone) {
  EXPECT_EQ(After([](auto& s) { s.Fail("banana", "yellow"); }),
            "UNKNOWN: grpc-status \"banana\" is not a status code: yellow");
}
TEST_F(BadAnswerTest, AMessageWithAWrongPrefix) {
  EXPECT_EQ(After([](auto& s) {
              s.Begin();
              s.SayRaw(std::string_view("\7\0\0\0\1x", 6));
            }),
            "INTERNAL: /test.Echo/Unary: a reply's first byte is 7, it should be 0 or "
            "1; test:///service after 0us, attempt 1 to a:1; policy pick_first");
}
TEST_F(BadAnswerTest, AnEndInsideAMessage) {
  EXPECT_EQ(After([](auto& s) {
              s.Begin();
              s.SayRaw(std::string_view("\0\0\0\0\7x", 6));
              s.End();
            }),
            "INTERNAL: /test.Echo/Unary: the answer ended inside a message; "
            "test:///service after 0us, attempt 1 to a:1; policy pick_first");
}
TEST_F(BadAnswerTest, ACompressedMessageThatNobodyAskedFor) {
  EXPECT_EQ(After([](auto& s) {
              s.Begin();
              s.SayRaw(std::string_view("\1\0\0\0\1x", 6));
            }),
            "INTERNAL: /test.Echo/Unary: the server sent a compressed message without "
            "grpc-encoding; test:///service after 0us, attempt 1 to a:1; policy "
            "pick_first");
}
TEST_F(BadAnswerTest, TwoRepliesToAUnaryCall) {
  EXPECT_EQ(After([](auto& s) {
              s.Begin();
              s.Say("1");
              s.Say("2");
              s.End();
            }),
            "UNIMPLEMENTED: /test.Echo/Unary: the server sent more than one reply, the "
            "method has one; test:///service after 0us, attempt 1 to a:1; policy "
            "pick_first");
}
TEST_F(BadAnswerTest, OkWithoutAReply) {
  EXPECT_EQ(After([](auto& s) {
              s.Begin();
              s.End();
            }),
            "UNIMPLEMENTED: /test.Echo/Unary: the server answered OK without a reply; "
            "test:///service after 0us, attempt 1 to a:1; policy pick_first");
}
TEST_F(BadAnswerTest, BinaryMetadataThatIsNotBase64) {
  EXPECT_EQ(After([](auto& s) {
              const http2::Header bad[] = {{"trace-bin", "!!"}};
              s.stream.Respond(AnswerHead(), bad, false);
              s.Say("1");
              s.End();
            }),
            "INTERNAL: metadata key \"trace-bin\": \"!!\" is not base64; "
            "test:///service after 0us, attempt 1 to a:1; policy pick_first");
}
// ---- Configuration
TEST_F(ErrorsTest, ATargetThatCannotBeRead) {
  EXPECT_EQ(std::string(TryOpen("%zz").message()),
            "target \"%zz\": not a URI, also not with \"dns:///\" before it; known "
            "schemes: test, dns, file, ipv4, ipv6, passthrough, static, unix, unix-abstract");
}
TEST_F(ErrorsTest, ADefaultServiceConfigThatIsNotJson) {
  options_.default_service_config = "{\"loadBalancingConfig\":\n  [{\"round_robin\":{}]}";
  EXPECT_EQ(std::string(TryOpen().message()),
            "channel: the provided default service config is invalid: 2:21: not JSON: "
            "while parsing object - unexpected ']'; expected '}'");
}
TEST_F(ErrorsTest, AnUnknownPolicy) {
  options_.default_service_config = R"({"loadBalancingConfig":[{"fancy":{}}]})";
  EXPECT_EQ(std::string(TryOpen().message()),
            "channel: the provided default service config is invalid: 1:24: "
            "loadBalancingConfig: none of these policies is known: fancy");
}
TEST_F(ErrorsTest, AFieldOfTheWrongType) {
  options_.default_service_config =
      R"({"loadBalancingConfig":[{"pick_first":{"shuffleAddressList":"yes"}}]})";
  EXPECT_EQ(std::string(TryOpen().message()),
            "channel: the provided default service config is invalid: 1:61: "
            "loadBalancingConfig[0].pick_first.shuffleAddressList: must be true or "
            "false");
}
TEST_F(ErrorsTest, AServiceConfigOfTheResolverThatIsWrong) {
  names_.Publish({.endpoints = std::vector<Endpoint>{{.addresses = {"a:1"}}},
                  .service_config_json = "{\"methodConfig\":[{\"name\":[{}],\"timeout\":3}]}"});
  Open();
  EXPECT_EQ(Told(Ask("x")),
            "UNAVAILABLE: error parsing service config: 1:41: methodConfig[0].timeout: "
            "must be a duration such as \"1.5s\"; test:///service after 0us, attempt "
            "1; no service config is in force");
}

// ---- What is asked for in vain is told
TEST_F(ErrorsTest, WhatTheDefaultServiceConfigAsksForInVainIsTold) {
  options_.default_service_config = R"({"connectionScaling":{"serviceName":"s"},"fancy":1})";
  OpenTo({"a:1"});
  EXPECT_THAT(
      warnings_,
      UnorderedElementsAre(
          "rondo: test:///service: default service config: 1:37: connectionScaling.serviceName: "
          "unknown field, ignored",
          "rondo: test:///service: default service config: 1:50: fancy: unknown field, ignored"));
}
TEST_F(ErrorsTest, WhatTheResolversServiceConfigAsksForInVainIsToldOnce) {
  Open();
  Connect();
  for (int i = 0; i < 2; ++i) {
    names_.Publish({.endpoints = std::vector<Endpoint>{{.addresses = {"a:1"}}},
                    .service_config_json = R"({"connectionScaling":{"serviceName":"s"}})"});
    Run();
  }
  EXPECT_THAT(warnings_, ElementsAre("rondo: test:///service: service config of the resolver: "
                                     "1:37: connectionScaling.serviceName: unknown field, "
                                     "ignored"));
}
TEST_F(ErrorsTest, AServiceConfigOfTheResolverThatIsNotUsedIsTold) {
  OpenTo({"a:1"});
  Connect();
  names_.Publish(
      {.endpoints = std::vector<Endpoint>{{.addresses = {"a:1"}}}, .service_config_json = "[]"});
  Run();
  EXPECT_THAT(warnings_,
              ElementsAre("rondo: test:///service: service config of the resolver: not used: "
                          "error parsing service config: 1:1: a service config is an object"));
}

TEST_F(ErrorsTest, TheReportNamesThePolicy) {
  Serve("a:1");
  OpenTo({"a:1"});
  EXPECT_EQ(Ask("x")->report.attempts.back().policy, "pick_first");
}
TEST_F(ErrorsTest, AGoAwayAsksTheResolverForNews) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  Ask("x");
  const int before = names_.refreshes();
  a.GoAway();
  Run();
  EXPECT_EQ(names_.refreshes(), before + 1);
}

}  // namespace
}  // namespace rondo::channel

// What a server refuses, and in which words.
#include "server/server_fixture.h"

namespace rondo::server {
namespace {

using namespace std::chrono_literals;

class ServerLimitsTest : public ServerTest {
 protected:
  std::string Peer() { return clients[0].link->local(); }
};

// ---- Paths and plain HTTP.

TEST_F(ServerLimitsTest, AnUnknownServiceIsUnimplemented) {
  OnEcho();
  Start();
  EXPECT_EQ(Ask("/b.Other/Say").trailers,
            ":status=200 grpc-status=12 grpc-message=unknown service b.Other");
}

TEST_F(ServerLimitsTest, AnUnknownMethodIsUnimplemented) {
  OnEcho();
  Start();
  EXPECT_EQ(Ask("/a.Echo/Shout").trailers,
            ":status=200 grpc-status=12 grpc-message=unknown method Shout for service a.Echo");
}

TEST_F(ServerLimitsTest, APathThatIsNotCanonicalReachesNoHandler) {  // CVE-2026-33186
  Make().HandleUnknown([](ServerCall& call) { call.Finish(absl::OkStatus()); });
  Start();
  EXPECT_EQ(Ask("//a.Echo/Say").trailers,
            ":status=200 grpc-status=12 grpc-message=malformed path \"//a.Echo/Say\"");
}

TEST_F(ServerLimitsTest, AHandlerForUnknownPathsGetsThem) {
  Make().HandleUnknown([](ServerCall& call) {
    call.Read([&call](std::optional<Bytes> bytes) {
      call.Reply(FrameMessage(std::string(call.method()) + " " + Text(*bytes)));
    });
  });
  OnEcho();
  Start();
  EXPECT_EQ(Ask("/b.Other/Say", "x").messages, std::vector<std::string>{"/b.Other/Say x"});
  EXPECT_EQ(Ask("/a.Echo/Say", "x").messages, std::vector<std::string>{"x"});
}

TEST_F(ServerLimitsTest, AGetIsAnsweredInPlainHttp) {
  OnEcho();
  Start();
  ClientCall& call = Ask("/a.Echo/Say", "", {{":method", "GET"}});
  EXPECT_EQ(call.head, ":status=405 content-type=text/plain allow=POST");
  EXPECT_EQ(call.end, "broken");  // Its body is text, no message.
}

TEST_F(ServerLimitsTest, AnotherContentTypeIsAnsweredInPlainHttp) {
  OnEcho();
  Start();
  EXPECT_EQ(Ask("/a.Echo/Say", "", {{"content-type", "application/json"}}).head,
            ":status=415 content-type=text/plain");
  EXPECT_EQ(Ask("/a.Echo/Say", "", {{"content-type", "application/grpc-web"}}).head,
            ":status=415 content-type=text/plain");
}

TEST_F(ServerLimitsTest, TheProtoSubtypeIsGrpc) {
  OnEcho();
  Start();
  EXPECT_EQ(Ask("/a.Echo/Say", "", {{"content-type", "application/grpc+proto"}}).trailers,
            "grpc-status=0");
}

// ---- Wrong headers.

TEST_F(ServerLimitsTest, AMalformedTimeoutIsRefused) {
  OnEcho();
  Start();
  EXPECT_EQ(Ask("/a.Echo/Say", "", {{"grpc-timeout", "1s"}}).trailers,
            ":status=200 grpc-status=13 grpc-message=grpc-timeout \"1s\" is not 1 to 8 digits and "
            "one of H M S m u n");
}

TEST_F(ServerLimitsTest, ABadBinaryHeaderEndsItsCallOnly) {
  OnEcho();
  OnKeep();
  Start();
  ClientCall& other = Open("/a.Echo/Keep");
  EXPECT_EQ(Ask("/a.Echo/Say", "", {{"trace-bin", "!"}}).trailers,
            ":status=200 grpc-status=13 grpc-message=metadata key \"trace-bin\": \"!\" is not "
            "base64");
  EXPECT_EQ(other.end, "");
  kept.at(0)->Finish(absl::OkStatus());
}

TEST_F(ServerLimitsTest, HeadersBeyondTheSoftLimitAreAnsweredAndBeyondTheHardOneReset) {
  OnEcho();
  Start();
  ClientCall& soft = Ask("/a.Echo/Say", "", {{"x", std::string(9000, 'x')}});
  EXPECT_EQ(soft.trailers,
            ":status=200 grpc-status=8 grpc-message=request headers of 9317 bytes from " + Peer() +
                " are more than the limit of 8192");
  ClientCall& hard = Ask("/a.Echo/Say", "", {{"x", std::string(17000, 'x')}});
  EXPECT_EQ(hard.end, "reset ENHANCE_YOUR_CALM");
  EXPECT_EQ(Ask("/a.Echo/Say").trailers, "grpc-status=0");
}

// ---- Wrong messages.

TEST_F(ServerLimitsTest, AUnaryMethodWithoutARequestIsUnimplemented) {  // gRPC's status codes page.
  OnEcho();
  Start();
  ClientCall& call = Open("/a.Echo/Say");
  EndRequests(call);
  EXPECT_EQ(call.trailers, ":status=200 grpc-status=12 grpc-message=/a.Echo/Say: " + Peer() +
                               " sent no request, the method takes one");
}

TEST_F(ServerLimitsTest, AUnaryMethodWithTwoRequestsIsUnimplementedAndNotRun) {
  OnKeep(kServerStreams);
  Start();
  ClientCall& call = Open("/a.Echo/Keep");
  Say(call, "one");
  Say(call, "two", true);
  EXPECT_EQ(call.trailers, ":status=200 grpc-status=12 grpc-message=/a.Echo/Keep: " + Peer() +
                               " sent more than one request, the method takes one");
  EXPECT_TRUE(kept.empty());
}

TEST_F(ServerLimitsTest, ARequestThatIsTooLongIsAnsweredBeforeItHasCome) {
  options.max_receive_message = 1000;
  OnEcho();
  Start();
  ClientCall& call = Open("/a.Echo/Say");
  SayRaw(call, std::string("\0\0\0\x03\xe9", 5) + "begins");
  EXPECT_EQ(call.trailers,
            ":status=200 grpc-status=8 grpc-message=/a.Echo/Say: a request of 1001 "
            "bytes from " +
                Peer() + " is more than the limit of 1000");
  EXPECT_EQ(Ask("/a.Echo/Say", std::string(1000, 'x')).trailers, "grpc-status=0");
}

TEST_F(ServerLimitsTest, ARequestThatIsTooLongEndsAStream) {
  options.max_receive_message = 1000;
  OnKeep();
  Start();
  ClientCall& call = Open("/a.Echo/Keep");
  Idle();
  kept.at(0)->Read([this](std::optional<Bytes> b) { log += b ? "?" : "no more "; });
  Say(call, std::string(2000, 'x'));
  EXPECT_EQ(log, "cancelled no more ");
  EXPECT_EQ(call.trailers,
            ":status=200 grpc-status=8 grpc-message=/a.Echo/Keep: a request of 2000 "
            "bytes from " +
                Peer() + " is more than the limit of 1000");
  kept[0]->Finish(absl::OkStatus());
}

TEST_F(ServerLimitsTest, AReplyThatIsTooLongIsNotSent) {
  options.max_send_message = 10;
  OnEcho();
  Start();
  EXPECT_EQ(Ask("/a.Echo/Say", "0123456789").trailers, "grpc-status=0");
  EXPECT_EQ(Ask("/a.Echo/Say", "01234567890").trailers,
            ":status=200 grpc-status=8 grpc-message=/a.Echo/Say: a reply of 11 bytes to " + Peer() +
                " is more than the limit of 10");
}

TEST_F(ServerLimitsTest, AMalformedFrameIsInternal) {
  OnEcho();
  Start();
  ClientCall& call = Open("/a.Echo/Say");
  SayRaw(call, std::string("\x07\0\0\0\0", 5));
  EXPECT_EQ(call.trailers,
            ":status=200 grpc-status=13 grpc-message=/a.Echo/Say: the first byte of "
            "a request from " +
                Peer() + " is 7, it should be 0 or 1");
}

TEST_F(ServerLimitsTest, ARequestThatIsCutShortIsInternal) {
  OnEcho();
  Start();
  ClientCall& call = Open("/a.Echo/Say");
  SayRaw(call, std::string("\0\0\0\0\x09", 5) + "abc", true);
  EXPECT_EQ(call.trailers, ":status=200 grpc-status=13 grpc-message=/a.Echo/Say: " + Peer() +
                               " ended inside a request");
}

TEST_F(ServerLimitsTest, ACompressedMessageWithoutAnEncodingIsInternal) {
  OnEcho();
  Start();
  ClientCall& call = Open("/a.Echo/Say");
  SayRaw(call, std::string("\x01\0\0\0\x01z", 6), true);
  EXPECT_EQ(call.trailers, ":status=200 grpc-status=13 grpc-message=/a.Echo/Say: " + Peer() +
                               " sent a compressed message without a grpc-encoding");
}

// ---- Numbers.

TEST_F(ServerLimitsTest, ASlotIsTakenUntilItsHandlerIsDone) {  // CVE-2023-44487
  options.max_concurrent_streams = 2;
  OnKeep();
  Start();
  Open("/a.Echo/Keep");
  Open("/a.Echo/Keep");
  Idle();
  calls[0].stream.Cancel();
  calls[1].stream.Cancel();
  Idle();
  ClientCall& refused = Open("/a.Echo/Keep");
  Idle();
  EXPECT_EQ(refused.end, "refused");
  kept.at(0)->Finish(absl::OkStatus());
  Open("/a.Echo/Keep");
  Idle();
  EXPECT_EQ(kept.size(), 3u);
  kept[1]->Finish(absl::OkStatus());
  kept[2]->Finish(absl::OkStatus());
}

TEST_F(ServerLimitsTest, AConnectionTooManyIsClosedAtOnce) {
  options.max_connections = 1;
  OnEcho();
  Start();
  Client& second = Connect();
  EXPECT_FALSE(second.ready);
  EXPECT_NE(second.closed, "");
  clients[0].link->Close(http2::Code::kNoError, "");
  Idle();
  EXPECT_TRUE(Connect().ready);
}

TEST_F(ServerLimitsTest, ASilentConnectionEndsWithTheHandshakeTime) {
  options.handshake_timeout = 10s;
  OnEcho();
  ASSERT_TRUE(server->Start().ok());
  std::unique_ptr<event::Socket> silent;
  auto dial = network.Connect(*loop, kAddress, [&](auto socket) { silent = std::move(*socket); });
  Idle();
  loop->Advance(9s);
  EXPECT_EQ(network.connections(kAddress), 1u);
  loop->Advance(1s);
  EXPECT_EQ(network.connections(kAddress), 0u);
}

}  // namespace
}  // namespace rondo::server

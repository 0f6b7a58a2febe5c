// Compression on a server: what it takes, what it answers, what it refuses.
#include <gmock/gmock.h>

#include "server/server_fixture.h"
#include "wire/compression.h"

namespace rondo::server {
namespace {

using testing::ElementsAre;

const std::string kLong(1000, 'x');

std::string Compressed(Compression how, std::string_view body) {
  return Text(wire::CompressMessage(how, FrameMessage(body)).bytes());
}
std::string Undone(Compression how, const std::string& message) {
  ByteVector out;
  const Bytes bytes{reinterpret_cast<const uint8_t*>(message.data()), message.size()};
  const absl::Status s = wire::DecompressMessage(how, bytes, 1 << 20, out);
  return s.ok() ? std::string(out.begin(), out.end()) : s.ToString();
}

class ServerCompressionTest : public ServerTest {
 protected:
  std::string Peer() const { return clients.back().link->local(); }
  ClientCall& AskRaw(std::string_view raw, Fields extra) {
    ClientCall& call = Open("/a.Echo/Say", std::move(extra));
    SayRaw(call, raw, true);
    return call;
  }
};

TEST_F(ServerCompressionTest, CompressedRequestsAreUndone) {
  OnEcho();
  Start();
  for (const Compression how : {Compression::kGzip, Compression::kDeflate}) {
    ClientCall& call =
        AskRaw(Compressed(how, kLong), {{"grpc-encoding", std::string(wire::EncodingName(how))}});
    EXPECT_THAT(call.messages, ElementsAre(kLong));
    EXPECT_EQ(call.trailers, "grpc-status=0");
  }
}

TEST_F(ServerCompressionTest, AHandlerKnowsWhetherItsRequestWasCompressed) {
  On("/a.Echo/Say", kUnary, [](ServerCall& call, Bytes) {
    call.Reply(FrameMessage(call.request_was_compressed() ? "yes" : "no"));
  });
  Start();
  EXPECT_THAT(AskRaw(Compressed(Compression::kGzip, kLong), {{"grpc-encoding", "gzip"}}).messages,
              ElementsAre("yes"));
  EXPECT_THAT(AskRaw(Text(FrameMessage("x").bytes()), {{"grpc-encoding", "gzip"}}).messages,
              ElementsAre("no"));
}

TEST_F(ServerCompressionTest, RepliesAreCompressedAsTheOptionsSayIfTheCallerTakesThat) {
  options.compression = Compression::kGzip;
  OnEcho();
  Start();
  ClientCall& takes = Ask("/a.Echo/Say", kLong, {{"grpc-accept-encoding", "deflate, gzip"}});
  EXPECT_EQ(takes.head, ":status=200 grpc-encoding=gzip");
  EXPECT_EQ(Undone(Compression::kGzip, takes.messages.at(0)), kLong);
  ClientCall& takes_not = Ask("/a.Echo/Say", kLong, {{"grpc-accept-encoding", "deflate"}});
  EXPECT_EQ(takes_not.head, ":status=200");
  EXPECT_THAT(takes_not.messages, ElementsAre(kLong));
  EXPECT_THAT(Ask("/a.Echo/Say", kLong).messages, ElementsAre(kLong));
}

TEST_F(ServerCompressionTest, AHandlerChoosesAmongWhatItsCallerTakes) {
  On("/a.Echo/Say", kUnary, [this](ServerCall& call, Bytes) {
    log += call.SetCompression(Compression::kGzip) ? "gzip " : "no ";
    log += call.SetCompression(Compression::kDeflate) ? "deflate " : "no ";
    call.SendHeaders();
    log += call.SetCompression(Compression::kIdentity) ? "identity " : "no ";
    call.Reply(FrameMessage(kLong));
  });
  Start();
  ClientCall& call = Ask("/a.Echo/Say", "", {{"grpc-accept-encoding", "deflate"}});
  EXPECT_EQ(log, "no deflate no ");
  EXPECT_EQ(call.head, ":status=200 grpc-encoding=deflate");
  EXPECT_EQ(Undone(Compression::kDeflate, call.messages.at(0)), kLong);
}

TEST_F(ServerCompressionTest, AMessageOfAStreamMayGoUncompressed) {
  options.compression = Compression::kGzip;
  OnKeep();
  Start();
  ClientCall& call =
      Open("/a.Echo/Keep", {{"grpc-accept-encoding", std::string(wire::kAcceptEncoding)}});
  Idle();
  kept.at(0)->Write(FrameMessage(kLong), [](bool) {});
  Idle();
  kept.at(0)->Write(FrameMessage(kLong), [](bool) {}, {.compress = false});
  Idle();
  kept.at(0)->Finish(absl::OkStatus());
  Idle();
  ASSERT_EQ(call.messages.size(), 2U);
  EXPECT_EQ(Undone(Compression::kGzip, call.messages[0]), kLong);
  EXPECT_EQ(call.messages[1], kLong);
}

TEST_F(ServerCompressionTest, AnEncodingThatIsNotSupportedIsUnimplementedAndTheOthersAreTold) {
  OnEcho();
  Start();
  EXPECT_EQ(Ask("/a.Echo/Say", "", {{"grpc-encoding", "br"}}).trailers,
            ":status=200 grpc-status=12 grpc-message=grpc-encoding \"br\" is not supported; send "
            "one of identity,gzip,deflate grpc-accept-encoding=identity,gzip,deflate");
  EXPECT_EQ(Ask("/a.Echo/Say", "", {{"grpc-encoding", "identity"}}).trailers, "grpc-status=0");
}

TEST_F(ServerCompressionTest, ABombEndsItsCallAndNothingElse) {
  options.max_receive_message = 5000;
  OnEcho();
  Start();
  const std::string bomb = Compressed(Compression::kGzip, std::string(5001, 'x'));
  EXPECT_EQ(AskRaw(bomb, {{"grpc-encoding", "gzip"}}).trailers,
            ":status=200 grpc-status=8 grpc-message=/a.Echo/Say: " + Peer() +
                " sent a message of " + std::to_string(bomb.size() - kMessagePrefix) +
                " bytes that grows beyond the limit of 5000 bytes when its gzip is undone");
  EXPECT_EQ(Ask("/a.Echo/Say").trailers, "grpc-status=0");
}

TEST_F(ServerCompressionTest, ARequestThatIsNotWhatItsEncodingSaysIsInternal) {
  OnEcho();
  Start();
  EXPECT_EQ(AskRaw(std::string("\1\0\0\0\3abc", 8), {{"grpc-encoding", "deflate"}}).trailers,
            ":status=200 grpc-status=13 grpc-message=/a.Echo/Say: " + Peer() +
                " sent a message of 3 bytes that is not deflate: incorrect header check");
}

TEST_F(ServerCompressionTest, OneCallsCompressionIsNotTheNextOnes) {
  OnEcho();
  Start();
  AskRaw(Compressed(Compression::kGzip, kLong), {{"grpc-encoding", "gzip"}});
  EXPECT_EQ(AskRaw(Compressed(Compression::kGzip, kLong), {}).trailers,
            ":status=200 grpc-status=13 grpc-message=/a.Echo/Say: " + Peer() +
                " sent a compressed message without a grpc-encoding");
}

}  // namespace
}  // namespace rondo::server

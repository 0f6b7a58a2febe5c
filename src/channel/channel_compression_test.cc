// Compression on a channel: what it asks for, what it offers, what it makes of the answers.
#include "channel/channel_fixture.h"
#include "wire/compression.h"

namespace rondo::channel {
namespace {

using testing::ElementsAre;

std::string Raw(Slice framed) { return {framed.bytes().begin(), framed.bytes().end()}; }
std::string Undone(Compression how, const std::string& message) {
  ByteVector out;
  const Bytes bytes{reinterpret_cast<const uint8_t*>(message.data()), message.size()};
  const absl::Status s = wire::DecompressMessage(how, bytes, 1 << 20, out);
  return s.ok() ? std::string(out.begin(), out.end()) : s.ToString();
}
const std::string kLong(1000, 'x');

class CompressionTest : public ChannelTest {
 protected:
  // A backend that begins its answer so, and then says this.
  std::shared_ptr<Asked> AnswerWith(std::string_view encoding, const std::string& raw) {
    FakeBackend& backend = Serve("a:1");
    backend.hold = true;
    OpenTo({"a:1"});
    auto asked = Ask("x");
    const http2::Header field[] = {{"grpc-encoding", encoding}};
    backend.last().stream.Respond(AnswerHead(), field, false);
    backend.last().SayRaw(raw);
    backend.last().End();
    Run();
    return asked;
  }
};

TEST_F(CompressionTest, EveryCallOffersWhatTheChannelTakes) {
  FakeBackend& backend = Serve("a:1");
  OpenTo({"a:1"});
  Ask("x");
  EXPECT_EQ(backend.last().headers["grpc-accept-encoding"], "identity,gzip,deflate");
  EXPECT_EQ(backend.last().headers.count("grpc-encoding"), 0U);
}

TEST_F(CompressionTest, ACallCompressesAsItsOptionsSay) {
  FakeBackend& backend = Serve("a:1");
  OpenTo({"a:1"});
  for (const Compression how : {Compression::kGzip, Compression::kDeflate}) {
    Ask(kLong, {.compression = how});
    EXPECT_EQ(backend.last().headers["grpc-encoding"], wire::EncodingName(how));
    EXPECT_THAT(backend.last().compressed, ElementsAre(true));
    EXPECT_EQ(Undone(how, backend.last().messages.at(0)), kLong);
  }
}

TEST_F(CompressionTest, ACallMayLeaveTheChannelsCompressionOut) {
  options_.compression = Compression::kGzip;
  FakeBackend& backend = Serve("a:1");
  OpenTo({"a:1"});
  Ask(kLong);
  EXPECT_THAT(backend.last().compressed, ElementsAre(true));
  Ask(kLong, {.compression = Compression::kIdentity});
  EXPECT_THAT(backend.last().compressed, ElementsAre(false));
  EXPECT_EQ(backend.last().headers.count("grpc-encoding"), 0U);
}

TEST_F(CompressionTest, AMessageThatWouldNotBecomeShorterGoesAsItIs) {
  FakeBackend& backend = Serve("a:1");
  OpenTo({"a:1"});
  EXPECT_EQ(Ask("x", {.compression = Compression::kGzip})->reply, "a:1:x");
  EXPECT_EQ(backend.last().headers["grpc-encoding"], "gzip");
  EXPECT_THAT(backend.last().compressed, ElementsAre(false));
}

TEST_F(CompressionTest, AMessageOfAStreamMayGoUncompressed) {
  FakeBackend& backend = Serve("a:1");
  OpenTo({"a:1"});
  StreamCall call = channel_->Stream(kChat, {.compression = Compression::kGzip});
  call.Write(FrameMessage(kLong), false, [](bool) {});
  Run();
  call.Write(FrameMessage(kLong), false, [](bool) {}, {.compress = false});
  Run();
  call.Write(FrameMessage(kLong), true, [](bool) {});
  Run();
  EXPECT_THAT(backend.last().compressed, ElementsAre(true, false, true));
  EXPECT_EQ(Undone(Compression::kGzip, backend.last().messages.at(2)), kLong);
}

TEST_F(CompressionTest, TheSendLimitCountsUncompressedBytes) {
  options_.max_send_message = 999;
  Serve("a:1");
  OpenTo({"a:1"});
  auto asked = Ask(kLong, {.compression = Compression::kGzip});
  EXPECT_EQ(asked->status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(asked->message(),
              testing::StartsWith(
                  "/test.Echo/Unary: the request has 1000 bytes, more than the limit of 999"));
}

TEST_F(CompressionTest, CompressedRepliesAreUndone) {
  EXPECT_EQ(AnswerWith("gzip", Raw(wire::CompressMessage(Compression::kGzip, FrameMessage(kLong))))
                ->text(),
            kLong);
}

TEST_F(CompressionTest, AReplyMayBeCompressedOtherwiseThanTheRequest) {
  EXPECT_EQ(
      AnswerWith("deflate", Raw(wire::CompressMessage(Compression::kDeflate, FrameMessage(kLong))))
          ->text(),
      kLong);
}

TEST_F(CompressionTest, CompressedMessagesOfAStreamAreUndoneOneByOne) {
  FakeBackend& backend = Serve("a:1");
  backend.hold = true;
  OpenTo({"a:1"});
  StreamCall call = channel_->Stream(kChat, {});
  std::vector<std::string> read;
  const auto read_one = [&] {
    call.Read([&](std::optional<Bytes> m) {
      read.push_back(m ? std::string(m->begin(), m->end()) : "end");
    });
    Run();
  };
  call.WritesDone();
  Run();
  const http2::Header field[] = {{"grpc-encoding", "gzip"}};
  backend.last().stream.Respond(AnswerHead(), field, false);
  backend.last().SayRaw(Raw(wire::CompressMessage(Compression::kGzip, FrameMessage(kLong))));
  backend.last().SayRaw(Raw(FrameMessage("plain")));
  backend.last().End();
  for (int i = 0; i < 3; ++i) read_one();
  EXPECT_THAT(read, ElementsAre(kLong, "plain", "end"));
}

TEST_F(CompressionTest, ABombEndsTheCallAndNothingElse) {
  options_.max_receive_message = 5000;
  const Slice bomb =
      wire::CompressMessage(Compression::kGzip, FrameMessage(std::string(5001, 'x')));
  auto asked = AnswerWith("gzip", {bomb.bytes().begin(), bomb.bytes().end()});
  EXPECT_EQ(asked->Code(), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(asked->message(),
            Cat("/test.Echo/Unary: the server sent a message of ", bomb.size() - kMessagePrefix,
                " bytes that grows beyond the limit of 5000 bytes when its gzip is undone; "
                "test:///service after 0us, attempt 1 to a:1; policy pick_first"));
  EXPECT_EQ(State(), "READY");
}

TEST_F(CompressionTest, AnEncodingThatWasNotOfferedIsInternal) {
  auto asked = AnswerWith("br", std::string("\1\0\0\0\1x", 6));
  EXPECT_EQ(asked->Code(), "INTERNAL");
  EXPECT_EQ(asked->message(),
            "/test.Echo/Unary: the server compressed with \"br\", which was not offered; "
            "test:///service after 0us, attempt 1 to a:1; policy pick_first");
}

TEST_F(CompressionTest, AReplyThatIsNotWhatItsEncodingSaysIsInternal) {
  auto asked = AnswerWith("gzip", std::string("\1\0\0\0\1x", 6));
  EXPECT_EQ(asked->Code(), "INTERNAL");
  EXPECT_EQ(asked->message(),
            "/test.Echo/Unary: the server sent a message of 1 bytes that is not gzip: it ends too "
            "early; test:///service after 0us, attempt 1 to a:1; policy pick_first");
}

}  // namespace
}  // namespace rondo::channel

// Trailers that arrive inside a message: the call ends as truncated, whether its reader waits
// already or comes later. It once waited for the rest of the message for ever.
#include "channel/channel_fixture.h"

namespace rondo::channel {
namespace {

// A message that announces so many bytes and has three.
Slice Beginning(size_t announced) {
  uint8_t bytes[kMessagePrefix + 3] = {};
  WriteMessagePrefix(bytes, announced);
  return Slice::Copy(bytes);
}

class TrailersInsideAMessage : public ChannelTest {
 protected:
  void SetUp() override {
    backend_ = &Serve("10.0.0.1:80");
    backend_->hold = true;
    OpenTo({"10.0.0.1:80"});
  }
  // A streaming call to which one whole reply has come.
  void Begin() {
    stream_ = channel_->Stream(kChat, {});
    stream_.WritesDone();
    Read();
    Run();
    backend_->last().stream.Respond(AnswerHead(), {}, false);
    backend_->last().Say("one");
    Run();
    ASSERT_EQ(log_, "10.0.0.1:80:one ");
  }
  void Read() {
    stream_.Read([this](std::optional<Bytes> reply) {
      log_ += reply ? std::string(reply->begin(), reply->end()) + " " : "over ";
    });
  }
  void Finish() {
    stream_.Finish([this](const absl::Status& status) { log_ += status.ToString(); });
  }
  void Say(Slice bytes) { backend_->last().stream.Send(std::move(bytes), false); }
  void SayTrailers(const http2::HeaderTemplate& trailers = OkTrailers()) {
    backend_->last().stream.Finish(trailers, {});
    Run();
  }

  static constexpr const char* kTruncated =
      "INTERNAL: /test.Echo/Chat: the answer ended inside a message";
  FakeBackend* backend_ = nullptr;
  StreamCall stream_;
  std::string log_;
};

TEST_F(TrailersInsideAMessage, EndTheCallOfAReaderThatWaits) {
  Begin();
  log_.clear();
  Read();
  Say(Beginning(10));
  Run();  // The beginning is there, the reader waits for the rest.
  EXPECT_EQ(log_, "");
  SayTrailers();
  EXPECT_EQ(log_, "over ");
  Finish();
  Run();
  EXPECT_THAT(log_, testing::StartsWith(std::string("over ") + kTruncated));
}

TEST_F(TrailersInsideAMessage, EndTheCallAlsoInOnePacketWithTheBeginning) {
  Begin();
  log_.clear();
  Read();
  Say(Beginning(10));
  SayTrailers();
  Finish();
  Run();
  EXPECT_THAT(log_, testing::StartsWith(std::string("over ") + kTruncated));
}

TEST_F(TrailersInsideAMessage, EndTheCallOfAReaderThatComesLater) {
  Begin();
  log_.clear();
  Say(Beginning(10));
  SayTrailers();
  EXPECT_EQ(log_, "");
  Read();
  Run();
  EXPECT_EQ(log_, "over ");
  Finish();
  Run();
  EXPECT_THAT(log_, testing::StartsWith(std::string("over ") + kTruncated));
}

TEST_F(TrailersInsideAMessage, EndTheCallOfOneThatWaitsForTheEndOnly) {
  Begin();
  log_.clear();
  Finish();
  Say(Beginning(10));
  Run();
  SayTrailers();
  EXPECT_THAT(log_, testing::StartsWith(kTruncated));
}

TEST_F(TrailersInsideAMessage, EndTheCallAfterHalfAPrefix) {
  Begin();
  log_.clear();
  Read();
  Say(Slice::Copy(std::vector<uint8_t>(3)));
  Run();
  SayTrailers();
  EXPECT_EQ(log_, "over ");
  Finish();
  Run();
  EXPECT_THAT(log_, testing::StartsWith(std::string("over ") + kTruncated));
}

TEST_F(TrailersInsideAMessage, EndAUnaryCall) {
  const auto asked = Ask("hi");
  backend_->last().stream.Respond(AnswerHead(), {}, false);
  Say(Beginning(10));
  Run();
  EXPECT_FALSE(asked->done);
  SayTrailers();
  EXPECT_EQ(asked->text(), "INTERNAL");
  EXPECT_THAT(asked->message(),
              testing::StartsWith("/test.Echo/Unary: the answer ended inside a message"));
}

}  // namespace
}  // namespace rondo::channel

// Large messages, and streams whose reader is slow.
#include <future>

#include "echo_backend.h"

namespace rondo::sockets {
namespace {

constexpr size_t kPiece = 64 << 10, kPieces = 1024;  // 64 MiB.
// What may be on its way: a stream's unsent bytes (1 MiB), its window at the other end (4 MiB at
// the most), and what the system's sockets hold (TCP lets them grow to 10 MiB together).
constexpr size_t kMostOnItsWay = 16 << 20;

TEST(MessagesTest, AMegabytePassesBothWays) {
  EchoBackend backend;
  EchoStub stub = backend.Start().Stub();
  const std::string text(1 << 20, 'm');
  const Reply reply = stub.UnaryEcho(Request(text), {.timeout = kLong});
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_TRUE(reply->message() == text);
}

TEST(MessagesTest, ARequestBeyondTheServersLimitIsRefusedWithItsSize) {
  EchoBackend backend;
  EchoStub stub = backend.Start().Stub();
  const Reply reply = stub.UnaryEcho(Request(std::string(5 << 20, 'm')), {.timeout = kLong});
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kResourceExhausted);
  const std::string text = Words(reply.status());
  EXPECT_TRUE(text.starts_with(
      "/grpc.examples.echo.Echo/UnaryEcho: a request of 5242885 bytes from 127.0.0.1:"))
      << text;
  EXPECT_TRUE(text.ends_with(" is more than the limit of 4194304")) << text;
  EXPECT_EQ(TextOf(stub.UnaryEcho(Request("a"), {.timeout = kLong})), "a");
  EXPECT_EQ(backend.server().connections_accepted(), 1u);
}

TEST(MessagesTest, AReplyBeyondTheClientsLimitIsRefusedWithItsSize) {
  EchoBackend backend;
  EchoStub stub = backend.Start().Stub();
  const Reply reply = stub.UnaryEcho(Request("big 5242880"), {.timeout = kLong});
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Words(reply.status())
                  .starts_with("/grpc.examples.echo.Echo/UnaryEcho: a reply of 5242885 bytes is "
                               "more than the limit of "
                               "4194304; "))
      << reply.status();
  EXPECT_EQ(TextOf(stub.UnaryEcho(Request("a"), {.timeout = kLong})), "a");
  EXPECT_EQ(backend.server().connections_accepted(), 1u);
}

TEST(MessagesTest, ALargerLimitLetsLargerMessagesPass) {
  EchoBackend backend("127.0.0.1:0", {.max_receive_message = 8 << 20});
  EchoStub stub = backend.Start().Stub({.max_receive_message = 8 << 20});
  const std::string text(6 << 20, 'm');
  const Reply reply = stub.UnaryEcho(Request(text), {.timeout = kLong});
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_TRUE(reply->message() == text);
}

Slice Piece() {
  return FrameMessage(kPiece, [](uint8_t* to) { std::fill_n(to, kPiece, uint8_t{7}); });
}

// Two methods of bare bytes: "/t/Down" sends all pieces as fast as it may, "/t/Up" reads a piece
// whenever `allowed` says so.
class SlowReaderTest : public testing::Test {
 protected:
  struct Counts {
    size_t written = 0, read = 0, allowed = 0;
    bool over = false;
    absl::Status end;
  };
  static constexpr Method kDown{"/t/Down", false, true}, kUp{"/t/Up", true, false};

  void SetUp() override {
    backend_.server().Handle({&kDown, [this](ServerCall& call, Bytes) { SendNext(call); }});
    backend_.server().Handle({&kUp, [this](ServerCall& call, Bytes) { ReadNext(call); }});
    backend_.Start();
    stub_.emplace(backend_.Stub());
  }
  void SendNext(ServerCall& call) {
    if (counts.Get().written == kPieces) return call.Finish(absl::OkStatus());
    call.Write(Piece(), [this, &call](bool room) {
      if (!room) return call.Finish(absl::CancelledError("nobody reads"));
      counts.Change([](Counts& c) { ++c.written; });
      SendNext(call);
    });
  }
  void ReadNext(ServerCall& call) {
    reader_ = [this, &call] {
      call.Read([this, &call](std::optional<Bytes> bytes) {
        if (!bytes) return call.Reply(FrameMessage(0, [](uint8_t*) {}));
        counts.Change([](Counts& c) { ++c.read; });
        if (counts.Get().allowed > counts.Get().read) reader_();
      });
    };
    counts.Change([&](Counts&) { server_loop_ = &call.loop(); });
  }
  void SendUp(StreamCall& call, size_t sent = 0) {
    if (sent == kPieces) return;
    call.Write(Piece(), sent + 1 == kPieces, [this, &call, sent](bool room) {
      if (!room) return counts.Change([](Counts& c) { c.over = true; });
      counts.Change([](Counts& c) { ++c.written; });
      SendUp(call, sent + 1);
    });
  }
  // Until twenty calls in a row have come and gone on the same connection and nothing was written
  // meanwhile.
  void WaitUntilHeldBack() {
    size_t before = SIZE_MAX;
    for (int quiet = 0, calls = 0; quiet < 20; ++quiet) {
      ASSERT_LT(++calls, 100'000);
      ASSERT_EQ(TextOf(stub_->UnaryEcho(Request("a"), {.timeout = kLong})), "a");
      const size_t now = counts.Get().written;
      if (now != std::exchange(before, now)) quiet = 0;
    }
  }
  void ExpectBounded() {
    const Counts c = counts.Get();
    EXPECT_LE((c.written - std::min(c.read, c.written)) * kPiece, kMostOnItsWay);
  }

  Shared<Counts> counts;
  EchoBackend backend_;
  std::optional<EchoStub> stub_;
  std::function<void()> reader_;
  Loop* server_loop_ = nullptr;
};

TEST_F(SlowReaderTest, OfRepliesHoldsTheServerBack) {
  StreamCall call = stub_->channel().Stream(kDown, {.timeout = kLong});
  call.Write(FrameMessage(0, [](uint8_t*) {}), true, [](bool) {});
  WaitUntilHeldBack();
  EXPECT_GT(counts.Get().written, 0u);
  EXPECT_LT(counts.Get().written, kPieces / 2);
  ExpectBounded();
  std::function<void()> read = [&] {
    call.Read([&](std::optional<Bytes> bytes) {
      counts.Change([&](Counts& c) { bytes ? void(++c.read) : void(c.over = true); });
      if (!bytes) return;
      EXPECT_EQ(bytes->size(), kPiece);
      ExpectBounded();
      read();
    });
  };
  read();
  EXPECT_TRUE(counts.Wait([](const Counts& c) { return c.over; }));
  EXPECT_EQ(counts.Get().read, kPieces);
  std::promise<absl::Status> end;
  call.Finish([&](absl::Status s) { end.set_value(std::move(s)); });
  EXPECT_EQ(end.get_future().get(), absl::OkStatus());
}

TEST_F(SlowReaderTest, OfRequestsHoldsTheClientBack) {
  StreamCall call = stub_->channel().Stream(kUp, {.timeout = kLong});
  SendUp(call);
  WaitUntilHeldBack();
  EXPECT_GT(counts.Get().written, 0u);
  EXPECT_LT(counts.Get().written, kPieces / 2);
  ExpectBounded();
  counts.Change([](Counts& c) { c.allowed = kPieces + 1; });
  server_loop_->Post([this] { reader_(); });
  std::promise<absl::Status> end;
  call.Finish([&](absl::Status s) { end.set_value(std::move(s)); });
  EXPECT_EQ(end.get_future().get(), absl::OkStatus());
  EXPECT_EQ(counts.Get().read, kPieces);
}

}  // namespace
}  // namespace rondo::sockets

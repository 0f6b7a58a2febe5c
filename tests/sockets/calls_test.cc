// All kinds of calls, over all kinds of sockets.
#include <unistd.h>

#include <filesystem>
#include <future>

#include "echo_backend.h"
#include "event/tls_fixture.h"
#include "has_ipv6.h"

namespace rondo::sockets {
namespace {

using std::string_literals::operator""s;

const std::string kBytes = "\0\x01\xff\n bytes"s;

const event::TestAuthority& Authority() {
  static const event::TestAuthority authority;
  return authority;
}

class CallsTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    std::string listen = GetParam();
    if (listen == "[::1]:0" && !HasIpv6()) GTEST_SKIP() << "this machine has no ::1";
    if (listen == "unix:") {
      std::string folder = testing::TempDir() + "rondo.XXXXXX";
      ASSERT_NE(mkdtemp(folder.data()), nullptr);
      folder_ = folder;
      listen += folder + "/socket";
    } else if (listen == "unix-abstract:") {
      listen += "rondo-sockets-test-" + std::to_string(getpid());
    }
    ServerOptions of_server;
    ChannelOptions of_client;
    if (listen.starts_with("tls:")) {
      listen = "127.0.0.1:0";
      of_server.credentials = Tls(Authority().Server());
      of_client.credentials = Tls(Authority().Client());
    }
    backend.emplace(listen, of_server);
    backend->Start();
    stub.emplace(backend->Stub(of_client));
  }
  void TearDown() override {
    stub.reset();
    backend.reset();
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  // What the backend sends back of `sent`.
  static void ExpectBack(const Metadata& got, const char* prefix) {
    EXPECT_EQ(got.FindAll(prefix + "x-word"s), (std::vector<std::string_view>{"blue", "green"}));
    EXPECT_EQ(got.Find(prefix + "x-raw-bin"s), kBytes);
  }
  void ExpectBack() {
    ExpectBack(report.headers, "");
    ExpectBack(report.trailers, "t");
    EXPECT_EQ(report.peer, backend->address());
  }

  const Metadata sent = metadata("x-word", "blue", "x-raw-bin", kBytes, "x-word", "green");
  CallReport report;
  const CallOptions options{.timeout = kLong, .metadata = sent, .report = &report};
  std::optional<EchoBackend> backend;
  std::optional<EchoStub> stub;

 private:
  std::string folder_;
};

std::string KindOf(const testing::TestParamInfo<const char*>& info) {
  return std::vector<std::string>{"TcpV4", "TcpV6", "Unix", "UnixAbstract", "Tls"}[info.index];
}
INSTANTIATE_TEST_SUITE_P(Sockets, CallsTest,
                         testing::Values("127.0.0.1:0", "[::1]:0",
                                         "unix:", "unix-abstract:", "tls:"),
                         KindOf);

TEST_P(CallsTest, AUnaryCallCarriesMetadataBothWays) {
  EXPECT_EQ(TextOf(stub->UnaryEcho(Request("a"), options)), "a");
  ExpectBack();
}

TEST_P(CallsTest, RepliesAreStreamedWithMetadataBothWays) {
  auto stream = stub->ServerStreamingEcho(Request("12"), options);
  ExpectBack(stream.Headers(), "");
  std::string all;
  while (auto reply = stream.Read()) all += reply->message();
  EXPECT_EQ(all, "01234567891011");
  EXPECT_EQ(stream.Finish(), absl::OkStatus());
  ExpectBack();
}

TEST_P(CallsTest, RequestsAreStreamedWithMetadataBothWays) {
  auto stream = stub->ClientStreamingEcho(options);
  for (const char* word : {"a", "", "b", "c"}) EXPECT_TRUE(stream.Write(Request(word)));
  EXPECT_EQ(TextOf(stream.Finish()), "abc");
  ExpectBack();
}

TEST_P(CallsTest, BothWaysAreStreamedWithMetadataBothWays) {
  auto stream = stub->BidirectionalStreamingEcho(options);
  for (const char* word : {"a", "", "b"}) {
    EXPECT_TRUE(stream.Write(Request(word)));
    auto reply = stream.Read();
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->message(), word);
  }
  ExpectBack(stream.Headers(), "");
  stream.WritesDone();
  EXPECT_FALSE(stream.Read().has_value());
  EXPECT_EQ(stream.Finish(), absl::OkStatus());
  ExpectBack();
}

TEST_P(CallsTest, TheServersRefusalComesAsItIs) {
  EXPECT_EQ(stub->UnaryEcho(Request("refuse"), options).status(),
            absl::PermissionDeniedError("no, thanks"));
  auto stream = stub->BidirectionalStreamingEcho(options);
  EXPECT_TRUE(stream.Write(Request("refuse")));
  EXPECT_FALSE(stream.Read().has_value());
  EXPECT_EQ(stream.Finish(), absl::PermissionDeniedError("no, thanks"));
}

TEST_P(CallsTest, ADeadlineEndsTheCallOnBothSides) {
  ASSERT_TRUE(stub->UnaryEcho(Request("a"), options).ok());  // It is connected.
  const Reply reply = stub->UnaryEcho(Request("hold"), {.timeout = 50ms});
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kDeadlineExceeded) << reply.status();
  EXPECT_TRUE(backend->WaitForCancelled(1) || backend->seen.Get().started == 1);
}

TEST_P(CallsTest, ADeadlineEndsAStream) {
  auto stream = stub->BidirectionalStreamingEcho({.timeout = 50ms});
  EXPECT_FALSE(stream.Read().has_value());
  const absl::Status end = stream.Finish();
  EXPECT_EQ(end.code(), absl::StatusCode::kDeadlineExceeded) << end;
}

TEST_P(CallsTest, ACallerThatCancelsIsHeardByTheHandler) {
  std::promise<absl::Status> end;
  const EchoRequest hold = Request("hold");
  UnaryCall call =
      stub->channel().Unary(EchoMethods::UnaryEcho, {.timeout = kLong}, hold.ByteSizeLong());
  hold.SerializeWithCachedSizesToArray(call.body());
  CallCanceller cancel;
  std::move(call).Start([&](UnaryResult result) { end.set_value(result.status); }, &cancel);
  ASSERT_TRUE(backend->WaitForHeld(1));
  cancel.Cancel();
  EXPECT_EQ(end.get_future().get().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(backend->WaitForCancelled(1));
}

TEST_P(CallsTest, AStreamThatIsCancelledEndsOnBothSides) {
  auto stream = stub->BidirectionalStreamingEcho({.timeout = kLong});
  ASSERT_TRUE(stream.Write(Request("a")));
  ASSERT_TRUE(stream.Read().has_value());
  stream.Cancel();
  EXPECT_FALSE(stream.Read().has_value());
  EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(backend->server().Drain(kLong), absl::OkStatus());  // Which waits for handlers.
}

TEST_P(CallsTest, AServerThatCancelsIsHeardByTheCaller) {
  std::promise<Reply> end;
  stub->UnaryEcho(Request("hold"), {.timeout = kLong},
                  [&](Reply r) { end.set_value(std::move(r)); });
  ASSERT_TRUE(backend->WaitForHeld(1));
  ServerCall* call = *backend->seen.Get().held.begin();
  std::promise<void> finished;
  call->loop().Post([&] {
    backend->seen.Change([](EchoBackend::Seen& s) { s.held.clear(); });
    call->Finish(absl::CancelledError("not any more"));
    finished.set_value();
  });
  finished.get_future().get();
  EXPECT_EQ(end.get_future().get().status(), absl::CancelledError("not any more"));
}

}  // namespace
}  // namespace rondo::sockets

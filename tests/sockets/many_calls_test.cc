// Many calls at once: streams, queues, small socket buffers, cancels.
#include <sys/socket.h>

#include <future>

#include "echo_backend.h"
#include "socket_buffers.h"

namespace rondo::sockets {
namespace {

using Both = ReadWriteStream<EchoRequest, EchoResponse>;

// Each of them open while all the others are; each carries messages both ways.
void CarryAtOnce(std::vector<EchoStub>& stubs, int n) {
  std::vector<Both> streams;
  for (int i = 0; i < n; ++i) {
    streams.push_back(stubs[static_cast<size_t>(i) % stubs.size()].BidirectionalStreamingEcho(
        {.timeout = kLong}));
  }
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < n; ++i) {
      ASSERT_TRUE(streams[static_cast<size_t>(i)].Write(Request(std::to_string(i))));
    }
    for (int i = 0; i < n; ++i) {
      auto reply = streams[static_cast<size_t>(i)].Read();
      ASSERT_TRUE(reply.has_value()) << streams[static_cast<size_t>(i)].Finish();
      EXPECT_EQ(reply->message(), std::to_string(i));
    }
  }
  for (Both& stream : streams) {
    stream.WritesDone();
    EXPECT_EQ(stream.Finish(), absl::OkStatus());
  }
}

TEST(ManyCallsTest, AThousandStreamsShareOneConnection) {
  EchoBackend backend("127.0.0.1:0", {.max_concurrent_streams = 1000});
  std::vector<EchoStub> stubs{backend.Start().Stub()};
  CarryAtOnce(stubs, 1000);
  EXPECT_EQ(backend.server().connections_accepted(), 1u);
}

TEST(ManyCallsTest, AThousandStreamsOverSeveralLoops) {
  EchoBackend backend("127.0.0.1:0", {.max_concurrent_streams = 1000}, 3);
  backend.Start();
  LoopPool loops(2);
  std::vector<EchoStub> stubs;
  for (int i = 0; i < 4; ++i) stubs.push_back(backend.Stub({.loops = &loops}));
  CarryAtOnce(stubs, 1000);
  EXPECT_EQ(backend.server().connections_accepted(), 4u);
}

struct Ends {
  int ok = 0;
  std::map<std::string, int> failed;
  int all() const {
    int n = ok;
    for (const auto& [text, times] : failed) n += times;
    return n;
  }
};

// `n` calls at once; waits for all of them.
Ends CallAtOnce(EchoStub& stub, int n, const std::string& text, const CallOptions& options) {
  Shared<Ends> ends;
  for (int i = 0; i < n; ++i) {
    stub.UnaryEcho(Request(text), options, [&](const Reply& reply) {
      ends.Change([&](Ends& e) {
        if (reply.ok()) {
          ++e.ok;
        } else {
          ++e.failed[reply.status().ToString()];
        }
      });
    });
  }
  EXPECT_TRUE(ends.Wait([n](const Ends& e) { return e.all() == n; }));
  return ends.Get();
}

TEST(ManyCallsTest, CallsBeyondTheStreamLimitQueueAndAllEnd) {
  EchoBackend backend("127.0.0.1:0", {.max_concurrent_streams = 10});
  EchoStub stub = backend.Start().Stub();
  constexpr int kCalls = 200;
  Shared<Ends> ends;
  for (int i = 0; i < kCalls; ++i) {
    stub.UnaryEcho(Request("hold"), {.timeout = kLong}, [&](const Reply& reply) {
      ends.Change([&](Ends& e) { reply.ok() ? ++e.ok : ++e.failed[TextOf(reply)]; });
    });
  }
  for (int released = 0; released < kCalls; released += 10) {
    ASSERT_TRUE(backend.WaitForHeld(10));
    backend.Release();
    ASSERT_TRUE(ends.Wait([&](const Ends& e) { return e.all() >= released + 10; }));
  }
  EXPECT_EQ(ends.Get().ok, kCalls);
  EXPECT_EQ(backend.seen.Get().most_at_once, 10);
  EXPECT_EQ(backend.server().connections_accepted(), 1u);
}

TEST(ManyCallsTest, ManyThreadsShareAChannel) {
  EchoBackend backend("127.0.0.1:0", {}, 2);
  EchoStub stub = backend.Start().Stub();
  std::vector<std::future<int>> threads;
  for (int t = 0; t < 4; ++t) {
    threads.push_back(std::async(std::launch::async, [&, t] {
      int ok = 0;
      for (int i = 0; i < 200; ++i) {
        const std::string text = std::to_string(t) + " " + std::to_string(i);
        ok += TextOf(stub.UnaryEcho(Request(text), {.timeout = kLong})) == text ? 1 : 0;
      }
      return ok;
    }));
  }
  for (auto& thread : threads) EXPECT_EQ(thread.get(), 200);
}

// ---- grpc-go issue 9330: two peers whose sockets are full wait for each other.

class SmallBuffersTest : public testing::TestWithParam<std::tuple<const char*, int>> {};
INSTANTIATE_TEST_SUITE_P(Sockets, SmallBuffersTest,
                         testing::Combine(testing::Values("127.0.0.1:0",
                                                          "unix-abstract:rondo-small-buffers"),
                                          testing::Values(512, 2048)),
                         [](const auto& param) {
                           return (std::get<0>(param.param)[0] == 'u' ? "Unix" : "Tcp") +
                                  std::to_string(std::get<1>(param.param));
                         });

TEST_P(SmallBuffersTest, ManyCallsThroughFullSocketsAllComplete) {
  const auto& [where, calls] = GetParam();
  std::string listen = where;
  if (listen[0] == 'u') listen += std::to_string(getpid());
  EchoBackend backend(listen, {.max_concurrent_streams = 2048});
  EchoStub stub = backend.Start().Stub();
  SetSocketBuffers(8 << 10);  // The listener's, which TCP hands on.
  ASSERT_EQ(TextOf(stub.UnaryEcho(Request("a"), {.timeout = kLong})), "a");
  ASSERT_GE(SetSocketBuffers(8 << 10), 3) << "listener, and both ends of the connection";
  // Much more than fits into the sockets. TCP with such a window pauses 40 ms every few KiB.
  const std::string text(listen[0] == 'u' ? 4 << 10 : 64, 't');
  const Ends ends = CallAtOnce(stub, calls, text, {.timeout = kLong});
  EXPECT_EQ(ends.ok, calls) << (ends.failed.empty() ? "" : ends.failed.begin()->first);
  EXPECT_EQ(backend.server().connections_accepted(), 1u);
}

// ---- Cancels.

TEST(CancelsTest, ThousandsOfCancelsAndDeadlinesAmongGoodCallsKeepTheirConnection) {
  EchoBackend backend("127.0.0.1:0", {.max_concurrent_streams = 1000});
  EchoStub stub = backend.Start().Stub();
  ASSERT_TRUE(stub.UnaryEcho(Request("a"), {.timeout = kLong}).ok());
  for (int round = 0; round < 30; ++round) {
    std::vector<Both> cancelled;
    for (int i = 0; i < 50; ++i) {
      cancelled.push_back(stub.BidirectionalStreamingEcho({.timeout = kLong}));
      cancelled.back().Write(Request("a"), [](bool) {});
      cancelled.back().Cancel();
    }
    for (Both& stream : cancelled) {
      EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kCancelled);
    }
    const Ends late = CallAtOnce(stub, 50, "hold", {.timeout = 1ms});
    EXPECT_EQ(late.ok, 0);
    for (const auto& [why, times] : late.failed) {
      EXPECT_TRUE(why.starts_with("DEADLINE_EXCEEDED")) << why;
    }
    const Ends good = CallAtOnce(stub, 50, "a", {.timeout = kLong});
    EXPECT_EQ(good.ok, 50) << (good.failed.empty() ? "" : good.failed.begin()->first);
  }
  EXPECT_EQ(backend.server().connections_accepted(), 1u);  // So there was no GOAWAY.
}

TEST(CancelsTest, ACallMayBeCancelledByAnotherThreadAtAnyTime) {
  EchoBackend backend;
  EchoStub stub = backend.Start().Stub();
  const EchoRequest request = Request("a");
  for (int i = 0; i < 300; ++i) {
    UnaryCall call =
        stub.channel().Unary(EchoMethods::UnaryEcho, {.timeout = kLong}, request.ByteSizeLong());
    request.SerializeWithCachedSizesToArray(call.body());
    std::promise<absl::StatusCode> end;
    CallCanceller cancel;
    std::move(call).Start([&](UnaryResult r) { end.set_value(r.status.code()); }, &cancel);
    auto canceller = std::async(std::launch::async, [&] { cancel.Cancel(); });
    const absl::StatusCode code = end.get_future().get();
    EXPECT_TRUE(code == absl::StatusCode::kOk || code == absl::StatusCode::kCancelled) << code;
    canceller.get();
  }
}

}  // namespace
}  // namespace rondo::sockets

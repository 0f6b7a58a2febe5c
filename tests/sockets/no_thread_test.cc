// Channels on a loop without a thread: blocking calls run it.
#include <thread>
#include <vector>

#include "echo_backend.h"

namespace rondo::sockets {
namespace {

class NoThread : public testing::Test {
 protected:
  EchoBackend backend_;
  LoopPool loops_{LoopPool::kNoThread};
  EchoStub stub_ = backend_.Start().Stub({.loops = &loops_});
};

TEST_F(NoThread, ABlockingCallRunsTheLoopItself) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(TextOf(stub_.UnaryEcho(Request(std::to_string(i)))), std::to_string(i));
  }
}

TEST_F(NoThread, StreamsWork) {
  auto replies = stub_.ServerStreamingEcho(Request("3"));
  std::string all;
  while (auto reply = replies.Read()) all += reply->message();
  EXPECT_EQ(all, "012");
  EXPECT_TRUE(replies.Finish().ok());

  auto chat = stub_.BidirectionalStreamingEcho();
  EXPECT_TRUE(chat.Write(Request("a")));
  EXPECT_EQ(chat.Read()->message(), "a");
  chat.WritesDone();
  EXPECT_FALSE(chat.Read().has_value());
  EXPECT_TRUE(chat.Finish().ok());
}

TEST_F(NoThread, DeadlinesHold) {
  EXPECT_TRUE(
      absl::IsDeadlineExceeded(stub_.UnaryEcho(Request("hold"), {.timeout = 20ms}).status()));
  EXPECT_TRUE(backend_.WaitForCancelled(1));
}

TEST_F(NoThread, ManyThreadsMayCallAtATime) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 100; ++i) {
        const std::string text = std::to_string(t * 1000 + i);
        EXPECT_EQ(TextOf(stub_.UnaryEcho(Request(text), {.timeout = kLong})), text);
      }
    });
  }
  for (std::thread& t : threads) t.join();
}

TEST_F(NoThread, WaitingForAStateRunsTheLoop) {
  Channel channel =
      *Channel::Create(backend_.address(), {.credentials = Insecure(), .loops = &loops_});
  channel.Connect();
  const Time until = std::chrono::steady_clock::now() + kLong;
  while (channel.GetState() != ChannelState::kReady) {
    ASSERT_TRUE(channel.WaitForStateChange(channel.GetState(), until));
  }
}

TEST(NoThreadEnds, ACallThatWaitsHearsOfIt) {
  EchoBackend backend;
  auto loops = std::make_unique<LoopPool>(LoopPool::kNoThread);
  const EchoStub stub = backend.Start().Stub({.loops = loops.get()});
  absl::StatusCode code = absl::StatusCode::kOk;
  std::thread caller([&] { code = stub.UnaryEcho(Request("hold")).status().code(); });
  EXPECT_TRUE(backend.WaitForHeld(1));
  loops = nullptr;
  caller.join();
  EXPECT_EQ(code, absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace rondo::sockets

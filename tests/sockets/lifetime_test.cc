// Channel, stub, server and loops end in any order, with calls in flight and threads that call. The
// thread sanitizer is the judge; without it, that nothing hangs and no call is without its end.
#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "echo_backend.h"

namespace rondo::sockets {
namespace {

// Replies at once, or never reads on: streams that are open when everything ends.
struct Service final : grpc::examples::echo::EchoService {
  Task<Reply> UnaryEcho(ServerCall& /*call*/, EchoRequest request) override {
    EchoResponse reply;
    reply.set_message(request.message());
    co_return reply;
  }
  Task<absl::Status> BidirectionalStreamingEcho(
      ServerCall& /*call*/, ReaderWriter<EchoRequest, EchoResponse>& stream) override {
    while (auto request = co_await stream.Read()) {
    }
    co_return absl::OkStatus();
  }
};

bool IsAnEnd(absl::StatusCode code) {
  return code == absl::StatusCode::kOk || code == absl::StatusCode::kUnavailable ||
         code == absl::StatusCode::kCancelled;
}

// Calls until a call says that its channel is no more, or until it is told to stop.
void CallOn(const EchoStub stub, const std::atomic<bool>& stop, std::atomic<int>& calls) {
  while (!stop.load()) {
    const Reply reply = stub.UnaryEcho(Request("a"), {.timeout = kLong});
    EXPECT_TRUE(IsAnEnd(reply.status().code())) << reply.status();
    ++calls;
    if (absl::IsCancelled(reply.status())) return;
  }
}

enum Part { kChannel, kStub, kServer, kLoops };

struct World {
  World() : loops(std::make_unique<LoopPool>(2)) {
    server = std::make_unique<Server>(
        ServerOptions{.credentials = Insecure(), .listen = {"127.0.0.1:0"}, .loops = loops.get()});
    server->Add(service);
    EXPECT_TRUE(server->Start().ok());
    channel = std::make_unique<Channel>(*Channel::Create(
        server->addresses()[0], {.credentials = Insecure(), .loops = loops.get()}));
    stub = std::make_unique<EchoStub>(*channel);
  }
  void End(int part) {
    if (part == kChannel) channel = nullptr;
    if (part == kStub) stub = nullptr;
    if (part == kServer) server = nullptr;
    if (part == kLoops) loops = nullptr;
  }

  Service service;  // Outlives the server.
  std::unique_ptr<LoopPool> loops;
  std::unique_ptr<Server> server;
  std::unique_ptr<Channel> channel;
  std::unique_ptr<EchoStub> stub;
};

template <class Each>
void InEveryOrder(Each each) {
  std::vector<int> order{kChannel, kStub, kServer, kLoops};
  do {
    SCOPED_TRACE(testing::PrintToString(order));
    each(order);
  } while (std::ranges::next_permutation(order).found);
}

TEST(LifetimeTest, AnyOrderWillDoWithCallsInFlight) {
  for (int round = 0; round < 5; ++round) {
    InEveryOrder([](const std::vector<int>& order) {
      World world;
      Shared<int> ends;
      constexpr int kCalls = 20;
      {
        std::vector<ReadWriteStream<EchoRequest, EchoResponse>> streams;
        for (int i = 0; i < 5; ++i) {
          streams.push_back(world.stub->BidirectionalStreamingEcho());
          ASSERT_TRUE(streams.back().Write(Request("a")));
        }
        for (int i = 0; i < kCalls; ++i) {
          world.stub->UnaryEcho(Request("a"), {}, [&](const Reply& reply) {
            EXPECT_TRUE(IsAnEnd(reply.status().code())) << reply.status();
            ends.Change([](int& n) { ++n; });
          });
        }
        for (size_t i = 0; i < order.size(); ++i) {
          world.End(order[i]);
          if (i == 1) streams.clear();  // In the midst of it.
        }
      }
      // With the loops everything has ended. A callback whose loop stopped first is not called.
      EXPECT_LE(ends.Get(), kCalls);
    });
  }
}

TEST(LifetimeTest, AnyOrderWillDoWhileThreadsCall) {
  for (int round = 0; round < 2; ++round) {
    InEveryOrder([](const std::vector<int>& order) {
      World world;
      std::atomic<bool> stop{false};
      std::atomic<int> calls{0};
      std::vector<std::future<void>> threads;
      for (int t = 0; t < 3; ++t) {
        threads.push_back(std::async(std::launch::async, [stub = *world.stub, &stop, &calls] {
          CallOn(stub, stop, calls);
        }));
      }
      while (calls.load() < 10) std::this_thread::yield();
      for (const int part : order) world.End(part);
      stop = true;
      for (auto& thread : threads) thread.get();
    });
  }
}

TEST(LifetimeTest, ClosingAChannelEndsTheCallsOfAllThreads) {
  for (int round = 0; round < 10; ++round) {
    World world;
    const std::atomic<bool> stop{false};
    std::atomic<int> calls{0};
    std::vector<std::future<void>> threads;
    for (int t = 0; t < 3; ++t) {
      threads.push_back(std::async(
          std::launch::async, [stub = *world.stub, &stop, &calls] { CallOn(stub, stop, calls); }));
    }
    while (calls.load() < 10) std::this_thread::yield();
    world.channel->Close();
    for (auto& thread : threads) thread.get();  // CANCELLED made them return.
  }
}

}  // namespace
}  // namespace rondo::sockets

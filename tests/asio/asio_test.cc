#include "rondo/asio.h"

#include <gtest/gtest.h>

#include <asio/bind_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/experimental/deferred.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#include <asio/write.hpp>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

#include "echo.rondo.pb.h"
#include "rondo/channel.h"
#include "rondo/server.h"
#include "rondo/spawn.h"

namespace rondo {
namespace {

using grpc::examples::echo::EchoRequest;
using grpc::examples::echo::EchoResponse;
using grpc::examples::echo::EchoService;
using grpc::examples::echo::EchoStub;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using asio::experimental::awaitable_operators::operator||;
using asio::experimental::awaitable_operators::operator&&;
using Reply = absl::StatusOr<EchoResponse>;
using Both = ReadWriteStream<EchoRequest, EchoResponse>;

EchoRequest Request(std::string text) {
  EchoRequest request;
  request.set_message(std::move(text));
  return request;
}

struct Echo final : EchoService {
  Task<Reply> UnaryEcho(ServerCall& call, EchoRequest request) override {
    // "wait" is answered when its caller has gone.
    while (request.message() == "wait" && !call.cancelled()) co_await Sleep(1ms);
    EchoResponse reply;
    reply.set_message(request.message());
    co_return reply;
  }
  Task<absl::Status> BidirectionalStreamingEcho(
      ServerCall& /*call*/, ReaderWriter<EchoRequest, EchoResponse>& stream) override {
    while (auto request = co_await stream.Read()) {
      EchoResponse reply;
      reply.set_message(request->message());
      if (!co_await stream.Write(reply)) break;
    }
    co_return absl::OkStatus();
  }
};

class AsioTest : public testing::Test {
 protected:
  void SetUp() override {
    server_.Add(echo_);
    ASSERT_EQ(server_.Start(), absl::OkStatus());
    stub_.emplace(*Channel::Create(server_.addresses()[0], {.credentials = Insecure()}));
  }

  Echo echo_;
  Server server_{{.credentials = Insecure(), .listen = {"127.0.0.1:0"}}};
  std::optional<EchoStub> stub_;
  asio::io_context io_;
};

// ---- Asio's tokens.

TEST_F(AsioTest, UseFutureGivesAFuture) {
  std::future<Reply> reply = stub_->UnaryEcho(Request("a"), {.timeout = 10s}, asio::use_future);
  EXPECT_EQ(reply.get()->message(), "a");
}

asio::awaitable<std::string> Ask(const EchoStub& stub, const char* text) {
  Reply reply = co_await stub.UnaryEcho(Request(text), {.timeout = 10s}, asio::use_awaitable);
  co_return reply.ok() ? reply->message() : reply.status().ToString();
}

TEST_F(AsioTest, UseAwaitableGoesOnOnTheCoroutinesContext) {
  std::string said;
  std::thread::id where;
  asio::co_spawn(
      io_,
      [&]() -> asio::awaitable<void> {
        said = co_await Ask(*stub_, "a");
        where = std::this_thread::get_id();
      },
      asio::detached);
  io_.run();  // The call is work: this stays until it has ended.
  EXPECT_EQ(said, "a");
  EXPECT_EQ(where, std::this_thread::get_id());
}

TEST_F(AsioTest, TheLoserOfARaceIsCancelled) {
  size_t winner = 9;
  asio::co_spawn(
      io_,
      [&]() -> asio::awaitable<void> {
        asio::steady_timer timer(io_, 20ms);
        auto first = co_await (Ask(*stub_, "wait") || timer.async_wait(asio::use_awaitable));
        winner = first.index();
      },
      asio::detached);
  io_.run();
  EXPECT_EQ(winner, 1u);
}

TEST_F(AsioTest, DeferredBeginsWhenItIsCalled) {
  auto call = stub_->UnaryEcho(Request("a"), asio::experimental::deferred);
  EXPECT_EQ(std::move(call)(asio::use_future).get()->message(), "a");
}

TEST_F(AsioTest, ABoundExecutorIsWhereTheCallbackRuns) {
  std::thread::id where;
  stub_->UnaryEcho(Request("a"), asio::bind_executor(io_, [&](const Reply& reply) {
                     EXPECT_EQ(reply->message(), "a");
                     where = std::this_thread::get_id();
                   }));
  io_.run();
  EXPECT_EQ(where, std::this_thread::get_id());
}

TEST_F(AsioTest, ABoundSlotCancelsTheCall) {
  asio::cancellation_signal cancel;
  std::optional<absl::Status> status;
  stub_->UnaryEcho(
      Request("wait"),
      asio::bind_cancellation_slot(cancel.slot(), asio::bind_executor(io_, [&](const Reply& reply) {
                                     status = reply.status();
                                   })));
  cancel.emit(asio::cancellation_type::all);
  io_.run();
  EXPECT_TRUE(absl::IsCancelled(status.value())) << *status;
}

asio::awaitable<void> Send(Both& stream) {
  for (int i = 0; i < 5; ++i) {
    if (!co_await stream.Write(Request(std::to_string(i)), asio::use_awaitable)) co_return;
  }
  stream.WritesDone();
}
asio::awaitable<std::string> Receive(Both& stream) {
  std::string all;
  while (auto reply = co_await stream.Read(asio::use_awaitable)) all += reply->message();
  co_return all;
}

TEST_F(AsioTest, StreamsAreReadAndWrittenSideBySide) {
  std::string all;
  absl::Status status;
  asio::co_spawn(
      io_,
      [&]() -> asio::awaitable<void> {
        Both stream = stub_->BidirectionalStreamingEcho({.timeout = 10s});
        all = co_await (Send(stream) && Receive(stream));
        status = co_await stream.Finish(asio::use_awaitable);
      },
      asio::detached);
  io_.run();
  EXPECT_EQ(all, "01234");
  EXPECT_EQ(status, absl::OkStatus());
}

// ---- A loop as a guest, and tasks that await Asio's operations.

class GuestTest : public AsioTest {
 protected:
  ~GuestTest() override {
    stub_.reset();
    pool_.reset();
    io_.restart();
    io_.run();
  }
  // Runs the context until the task has ended.
  void Run(Task<> task) {
    bool done = false;
    Spawn(loop(), std::move(task), [&] { done = true; });
    while (!done) ASSERT_EQ(io_.run_one_for(10s), 1u);
  }
  Loop& loop() { return pool_->loop(0); }

  std::unique_ptr<LoopPool> pool_ = LoopPoolOn(io_);
};

TEST_F(GuestTest, AChannelsCallbacksRunOnTheUsersThread) {
  EchoStub stub(
      *Channel::Create(server_.addresses()[0], {.credentials = Insecure(), .loops = pool_.get()}));
  std::string said;
  Run([](EchoStub& s, std::string& out) -> Task<> {
    Reply reply = co_await s.UnaryEcho(Request("a"), {.timeout = 10s}, use_task);
    out = reply.ok() ? reply->message() : reply.status().ToString();
    EXPECT_EQ(ContextOf(co_await ThisLoop()), ContextOf(s.channel().loop()));
  }(stub, said));
  EXPECT_EQ(said, "a");
}

TEST_F(GuestTest, ATaskAwaitsATimerOfAsios) {
  asio::error_code error = asio::error::fault;
  Run([](asio::io_context& io, asio::error_code& out) -> Task<> {
    asio::steady_timer timer(io, 1ms);
    out = co_await timer.async_wait(use_task);
  }(io_, error));
  EXPECT_FALSE(error);
}

TEST_F(GuestTest, ATaskReadsAndWritesSocketsOfAsios) {
  using asio::ip::tcp;
  std::string received(5, ' ');
  Run([](asio::io_context& io, std::string& in) -> Task<> {
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    tcp::socket near(io), far(io);
    auto [connected, accepted] = co_await All(
        [](tcp::socket& s, tcp::endpoint to) -> Task<asio::error_code> {
          co_return co_await s.async_connect(to, use_task);
        }(near, acceptor.local_endpoint()),
        [](tcp::acceptor& a, tcp::socket& s) -> Task<asio::error_code> {
          co_return co_await a.async_accept(s, use_task);
        }(acceptor, far));
    EXPECT_FALSE(connected || accepted);
    auto written = co_await asio::async_write(near, asio::buffer("hello", 5), use_task);
    EXPECT_EQ(written, std::tuple(asio::error_code(), size_t{5}));
    auto read = co_await asio::async_read(far, asio::buffer(in), use_task);
    EXPECT_EQ(read, std::tuple(asio::error_code(), size_t{5}));
  }(io_, received));
  EXPECT_EQ(received, "hello");
}

TEST_F(GuestTest, ATaskOnALoopOfOursGoesOnThereAfterAnOperationOfAsios) {
  LoopPool ours(1);
  std::thread runs([&] { io_.run(); });
  const bool here = rondo::Run(ours.loop(0), [](asio::io_context& io, Loop& loop) -> Task<bool> {
    asio::steady_timer timer(io, 1ms);
    const asio::error_code error = co_await timer.async_wait(use_task);
    co_return !error && loop.IsHere();
  }(io_, ours.loop(0)));
  EXPECT_TRUE(here);
  io_.stop();
  runs.join();
}

TEST_F(GuestTest, DroppingATaskCancelsItsOperation) {
  asio::steady_timer timer(io_, 3600s);
  Spawn(loop(),
        [](asio::steady_timer& t) -> Task<> { (void)co_await t.async_wait(use_task); }(timer));
  io_.poll();
  pool_.reset();
  io_.restart();
  io_.run();  // Ends: the timer isn't waited for any more.
}

TEST_F(GuestTest, OnlyGuestsHaveAContext) {
  EXPECT_EQ(ContextOf(loop()), &io_);
  EXPECT_EQ(ContextOf(LoopPool::Default().loop(0)), nullptr);
}

}  // namespace
}  // namespace rondo

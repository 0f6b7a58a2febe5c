// The public face over real loops and sockets: threads, and ends in any order.
#include "rondo/server.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>

#include "event/loop_pool.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;

ServerOptions Options(LoopPool& pool) {
  ServerOptions options;
  options.credentials = Insecure();
  options.listen = {"127.0.0.1:0"};
  options.loops = &pool;
  return options;
}

TEST(Server, ListensOnPortsOfTheSystemsChoice) {
  LoopPool pool(2);
  ServerOptions options = Options(pool);
  options.listen = {"unix-abstract:rondo-server-test", "127.0.0.1:0", "[::1]:0"};
  Server server(options);
  const absl::Status started = server.Start();
  ASSERT_TRUE(started.ok()) << started;
  ASSERT_EQ(server.addresses().size(), 3u);
  EXPECT_EQ(server.addresses()[0], "unix-abstract:rondo-server-test");
  EXPECT_GT(server.port(), 0);
  EXPECT_EQ(server.addresses()[1], "127.0.0.1:" + std::to_string(server.port()));
}

TEST(Server, WantsALoopWithAThread) {
  LoopPool pool(LoopPool::kNoThread);
  EXPECT_EQ(Server(Options(pool)).Start(),
            absl::InvalidArgumentError(
                "server: its LoopPool has no thread (kNoThread), so nobody would answer; give it "
                "one with threads"));
}

TEST(Server, ThatNeverStartedStopsAndGoes) {
  LoopPool pool(1);
  Server server(Options(pool));
  server.Stop();
  EXPECT_EQ(server.port(), 0);
  EXPECT_FALSE(server.Start().ok());
}

TEST(Server, MayOutliveItsLoops) {
  auto pool = std::make_unique<LoopPool>(2);
  Server server(Options(*pool));
  ASSERT_TRUE(server.Start().ok());
  pool.reset();
  EXPECT_TRUE(server.Drain(1s).ok());
  server.Stop();
}

TEST(Server, CannotStartOnLoopsThatHaveStopped) {
  auto pool = std::make_unique<LoopPool>(1);
  Server server(Options(*pool));
  pool.reset();
  EXPECT_EQ(server.Start(), absl::CancelledError("server: its loops have stopped"));
}

TEST(Server, StartsAndStopsOnALoopOfItsOwn) {
  LoopPool pool(2);
  Server server(Options(pool));
  std::promise<bool> started;
  pool.loop(1).Post([&] {
    const bool ok = server.Start().ok();
    server.Stop();
    started.set_value(ok);
  });
  EXPECT_TRUE(started.get_future().get());
}

TEST(Server, DrainsWithoutConnectionsAtOnce) {
  LoopPool pool(2);
  Server server(Options(pool));
  ASSERT_TRUE(server.Start().ok());
  EXPECT_TRUE(server.Drain(1h).ok());
  EXPECT_TRUE(server.Drain(1h).ok());
}

TEST(Server, AnAddressInUseIsNamed) {
  LoopPool pool(1);
  Server first(Options(pool));
  ASSERT_TRUE(first.Start().ok());
  ServerOptions options = Options(pool);
  options.listen = first.addresses();
  Server second(options);
  EXPECT_EQ(second.Start(), absl::UnavailableError("listen on " + first.addresses()[0] +
                                                   ": address already in use (EADDRINUSE)"));
}

TEST(Server, RunsWorkOnItsWorkers) {
  LoopPool pool(1);
  Server server(Options(pool));
  std::promise<void> ran;
  EXPECT_TRUE(server.RunOnWorker([&] { ran.set_value(); }));
  ran.get_future().wait();
  server.Stop();
  EXPECT_FALSE(server.RunOnWorker([] { FAIL(); }));
}

}  // namespace
}  // namespace rondo

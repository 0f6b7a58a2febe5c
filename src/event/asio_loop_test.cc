#include "event/asio_loop.h"

#include <asio/post.hpp>
#include <string>
#include <thread>
#include <vector>

#include "event/socket.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rondo::event {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class AsioLoopTest : public testing::Test {
 protected:
  ~AsioLoopTest() override {
    loop_->Stop();
    io_.restart();
    io_.run();  // Ends: a stopped loop is no work.
  }
  void Until(const std::function<bool()>& done) {
    while (!done()) ASSERT_EQ(io_.run_one_for(10s), 1u);
  }

  asio::io_context io_{1};
  const std::shared_ptr<AsioLoop> loop_ = AsioLoop::Make(io_);
  std::vector<std::string> seen_;
};

TEST_F(AsioLoopTest, APostFromAnotherThreadWakesAsio) {
  io_.poll();
  std::thread other([&] {
    loop_->Post([&] {
      EXPECT_TRUE(loop_->IsHere());
      seen_.push_back("post");
    });
  });
  Until([&] { return !seen_.empty(); });
  other.join();
  EXPECT_FALSE(loop_->IsHere());
}

TEST_F(AsioLoopTest, TimersFireWhenTheirTimeHasCome) {
  const auto second = loop_->After(4ms, [&] { seen_.push_back("second"); });
  const auto first = loop_->After(2ms, [&] { seen_.push_back("first"); });
  Until([&] { return seen_.size() == 2; });
  EXPECT_THAT(seen_, ElementsAre("first", "second"));
}

TEST_F(AsioLoopTest, TurnEndWorkScheduledByAUsersHandlerRunsBehindWhatIsReady) {
  struct Ending final : TurnNode {
    void OnTurnEnd() override { seen->push_back("end"); }
    std::vector<std::string>* seen;
  } ending;
  ending.seen = &seen_;
  io_.poll();
  asio::post(io_, [&] { loop_->AtTurnEnd(ending); });
  asio::post(io_, [&] { seen_.push_back("the user's own"); });
  Until([&] { return seen_.size() == 2; });
  EXPECT_THAT(seen_, ElementsAre("the user's own", "end"));
}

TEST_F(AsioLoopTest, SocketsWorkOnIt) {
  std::unique_ptr<Socket> accepted, connected;
  const auto listener = SystemNetwork().Listen(
      *loop_, "127.0.0.1:0", [&]() -> EventLoop& { return *loop_; },
      [&](EventLoop&, std::unique_ptr<Socket> s) { accepted = std::move(s); });
  ASSERT_TRUE(listener.ok()) << listener.status();
  const auto dial = SystemNetwork().Connect(*loop_, (*listener)->address(), [&](auto s) {
    ASSERT_TRUE(s.ok()) << s.status();
    connected = *std::move(s);
  });
  Until([&] { return accepted != nullptr && connected != nullptr; });
  EXPECT_EQ(accepted->peer(), connected->local());
}

TEST_F(AsioLoopTest, StoppedInsideItsOwnTurnItEndsAfterIt) {
  loop_->Post([&] {
    loop_->Stop();
    EXPECT_TRUE(loop_->Post([&] { seen_.push_back("last"); }));
  });
  io_.run();  // Comes back only if the loop is no work any more.
  EXPECT_THAT(seen_, ElementsAre("last"));
  EXPECT_FALSE(loop_->Post([] {}));
}

}  // namespace
}  // namespace rondo::event

#include "rondo/token.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "event/manual_loop.h"
#include "rondo/spawn.h"

namespace rondo {
namespace {

using event::ManualLoop;
using Text = absl::StatusOr<std::string>;

// An operation that ends when the test says so, on the loop that the test runs.
struct Pending {
  Function<void(Text)> handler;
  int begun = 0, cancelled = 0;
  void End(Text result) { std::exchange(handler, nullptr)(std::move(result)); }
};
class Ask {
 public:
  using Result = Text;
  struct Canceller {
    void Cancel() {
      if (pending != nullptr) ++pending->cancelled;
    }
    Pending* pending = nullptr;
  };

  explicit Ask(Pending& pending) : pending_(&pending) {}
  template <class Handler>
  void operator()(Handler handler, Canceller* cancel) && {
    ++pending_->begun;
    pending_->handler = std::move(handler);
    if (cancel != nullptr) cancel->pending = pending_;
  }

 private:
  Pending* pending_;
};

// One that ends on a thread of its own.
struct Later {
  using Result = Text;
  using Canceller = Ask::Canceller;
  template <class Handler>
  void operator()(Handler handler, Canceller* /*cancel*/) && {
    *thread = std::thread([handler = std::move(handler)]() mutable { handler("a"); });
  }
  std::thread* thread;
};

class TokenTest : public testing::Test {
 public:
  // A task that waits for the operation.
  Task<> Wait() {
    const Text text = co_await Begin(Ask(pending), use_task);
    said.push_back(text.ok() ? *text : text.status().ToString());
  }

  std::shared_ptr<ManualLoop> loop = ManualLoop::Make();
  Pending pending;
  std::vector<std::string> said;
};
using Said = std::vector<std::string>;

TEST_F(TokenTest, ACallableIsCalledWithTheResult) {
  Begin(Ask(pending), [this](const Text& text) { said.push_back(*text); });
  EXPECT_EQ(pending.begun, 1);
  pending.End("a");
  EXPECT_EQ(said, Said{"a"});
}

TEST_F(TokenTest, ACallableThatCanOnlyBeMovedWillDo) {
  auto owned = std::make_unique<std::string>("b");
  Begin(Ask(pending), [this, owned = std::move(owned)](const Text&) { said.push_back(*owned); });
  pending.End("a");
  EXPECT_EQ(said, Said{"b"});
}

TEST_F(TokenTest, WithoutATokenTheCallerBlocks) {
  std::thread thread;
  EXPECT_EQ(*Block(Later{&thread}), "a");
  thread.join();
}

TEST_F(TokenTest, UseTaskBeginsNothingUntilItIsAwaited) {
  {
    auto awaited = Begin(Ask(pending), use_task);
  }
  EXPECT_EQ(pending.begun, 0);
  EXPECT_EQ(pending.cancelled, 0);
}

TEST_F(TokenTest, ATaskGoesOnAtOnceWhenTheResultComesOnItsLoop) {
  Spawn(*loop, Wait());
  loop->RunUntilIdle();
  pending.End("a");
  EXPECT_EQ(said, Said{"a"});
}

TEST_F(TokenTest, ATaskGoesOnByAPostWhenTheResultComesFromAnotherThread) {
  Spawn(*loop, Wait());
  loop->RunUntilIdle();
  std::thread([this] { pending.End("a"); }).join();
  EXPECT_EQ(said, Said{});
  loop->RunUntilIdle();
  EXPECT_EQ(said, Said{"a"});
}

TEST_F(TokenTest, DroppingATaskThatWaitsCancels) {
  Spawn(*loop, Wait());
  loop->RunUntilIdle();
  loop->Stop();
  EXPECT_EQ(pending.cancelled, 1);
  pending.End("too late");
  EXPECT_EQ(said, Said{});
}

TEST_F(TokenTest, AResultOnItsWayToADroppedTaskIsForgotten) {
  Spawn(*loop, Wait());
  loop->RunUntilIdle();
  std::thread([this] { pending.End("a"); }).join();
  loop->Stop();
  EXPECT_EQ(pending.cancelled, 0);
  EXPECT_EQ(said, Said{});
}

TEST_F(TokenTest, AHandlerThatIsDroppedWithoutACallIsCancelled) {
  Spawn(*loop, Wait());
  loop->RunUntilIdle();
  pending.handler = nullptr;
  EXPECT_EQ(said, Said{});  // Not inside whatever dropped it.
  loop->RunUntilIdle();
  EXPECT_EQ(said, Said{"CANCELLED: the call's event loop has stopped"});
}

TEST_F(TokenTest, ABlockedCallerHearsOfAHandlerThatIsDropped) {
  struct Dropped {
    using Result = Text;
    using Canceller = Ask::Canceller;
    void operator()(Function<void(Text)> /*handler*/, Canceller* /*cancel*/) && {}
  };
  EXPECT_EQ(Block(Dropped()).status().ToString(), "CANCELLED: the call's event loop has stopped");
}

}  // namespace
}  // namespace rondo

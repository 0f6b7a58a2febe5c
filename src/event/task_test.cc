#include "rondo/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "event/manual_loop.h"
#include "rondo/spawn.h"

namespace rondo {
namespace {

using event::ManualLoop;
using std::chrono_literals::operator""ms;

// Counts its lives, so that what a dropped task owned is seen to go.
struct Local {
  explicit Local(int& n) : alive(&n) { ++*alive; }
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;
  ~Local() { --*alive; }
  int* alive;
};

class TaskTest : public testing::Test {
 public:
  template <class T>
  void Begin(Task<T> task) {
    if constexpr (std::is_void_v<T>) {
      Spawn(*loop, std::move(task), [this] { Say("done"); });
    } else {
      Spawn(*loop, std::move(task), [this](T value) { Say("done " + value); });
    }
  }
  void Say(std::string what) { said.push_back(std::move(what)); }
  Task<std::string> Wait(Duration length, std::string name) {
    const Local local(alive);
    Say(name + " waits");
    co_await Sleep(length);
    co_return name;
  }

  std::shared_ptr<ManualLoop> loop = ManualLoop::Make();
  std::vector<std::string> said;
  int alive = 0;
};
using Said = std::vector<std::string>;

Task<int> Value(int n) { co_return n; }
Task<> Nothing() { co_return; }
Task<int> Sum(int n) {
  int sum = 0;
  for (int i = 0; i < n; ++i) sum += co_await Value(1);
  co_return sum;
}
Task<std::string> Throws() {
  throw std::runtime_error("no");
  co_return "";
}
Task<std::string> Catches() {
  try {
    co_return co_await Throws();
  } catch (const std::runtime_error& e) {
    co_return std::string("caught ") + e.what();
  }
}
Task<std::string> AsText(Task<int> number) { co_return std::to_string(co_await std::move(number)); }

TEST_F(TaskTest, RunsNothingUntilItIsBegun) {
  {
    Task<std::string> task = Wait(1ms, "a");
  }
  loop->RunUntilIdle();
  EXPECT_EQ(said, Said{});
}

TEST_F(TaskTest, SpawnRunsNothingInsideTheCallThatSpawns) {
  Begin(Nothing());
  EXPECT_EQ(said, Said{});
  loop->RunUntilIdle();
  EXPECT_EQ(said, Said{"done"});
}

TEST_F(TaskTest, WaitsWithoutBlocking) {
  Begin(Wait(10ms, "a"));
  Begin(Wait(5ms, "b"));
  loop->Advance(20ms);
  EXPECT_EQ(said, (Said{"a waits", "b waits", "done b", "done a"}));
}

TEST_F(TaskTest, GivesItsValueToWhoAwaitsIt) {
  Begin(AsText(Value(7)));
  loop->RunUntilIdle();
  EXPECT_EQ(said, Said{"done 7"});
}

TEST_F(TaskTest, TasksThatEndAtOnceDontNest) {
  Begin(AsText(Sum(300'000)));  // Each level of the stack would cost 100 bytes and more.
  loop->RunUntilIdle();
  EXPECT_EQ(said, Said{"done 300000"});
}

TEST_F(TaskTest, ThrowsIntoTheAwaitingTask) {
  Begin(Catches());
  loop->RunUntilIdle();
  EXPECT_EQ(said, Said{"done caught no"});
}

TEST_F(TaskTest, AllRunsSideBySideAndWaitsForTheLast) {
  Begin([](TaskTest& t) -> Task<std::string> {
    auto [a, none, b] = co_await All(t.Wait(10ms, "a"), Nothing(), t.Wait(5ms, "b"));
    co_return a + b;
  }(*this));
  loop->Advance(9ms);
  EXPECT_EQ(said, (Said{"a waits", "b waits"}));
  loop->Advance(1ms);
  EXPECT_EQ(said.back(), "done ab");
}

TEST_F(TaskTest, DroppingItWhereItWaitsDestroysWhatItOwns) {
  auto holder = std::make_unique<Task<std::string>>(Wait(10ms, "a"));
  {
    // Begun by hand and then dropped by its owner.
    Begin([](TaskTest& t, std::unique_ptr<Task<std::string>>& h) -> Task<std::string> {
      auto [a, b] = co_await All(std::move(*h), t.Wait(5ms, "b"));
      co_return a + b;
    }(*this, holder));
  }
  loop->Advance(1ms);
  EXPECT_EQ(alive, 2);
  loop->Stop();
  EXPECT_EQ(alive, 0);
}

TEST_F(TaskTest, ALoopThatStopsEndsItsTasksAndTellsNobody) {
  Begin(Wait(10ms, "a"));
  loop->Advance(1ms);
  Begin(Wait(10ms, "b"));  // Not begun yet.
  loop->Stop();
  loop.reset();
  EXPECT_EQ(said, Said{"a waits"});
  EXPECT_EQ(alive, 0);
}

TEST_F(TaskTest, SpawnOnAStoppedLoopDropsTheTask) {
  loop->Stop();
  Begin(Wait(10ms, "a"));
  EXPECT_EQ(said, Said{});
  EXPECT_EQ(alive, 0);
}

TEST_F(TaskTest, SpawnHereRunsUntilTheFirstWait) {
  SpawnHere(*loop, Wait(10ms, "a"), [this](std::string name) { Say("done " + name); });
  EXPECT_EQ(said, Said{"a waits"});
  loop->Advance(10ms);
  EXPECT_EQ(said, (Said{"a waits", "done a"}));
}

TEST_F(TaskTest, KnowsItsLoop) {
  Loop* seen = nullptr;
  Begin([](Loop*& s) -> Task<> { s = &co_await ThisLoop(); }(seen));
  loop->RunUntilIdle();
  EXPECT_EQ(seen, loop.get());
}

TEST_F(TaskTest, RunBlocksUntilTheValueIsThere) {
  std::string value;
  std::thread main([&] { value = rondo::Run(*loop, Wait(10ms, "a")); });
  while (said.empty()) loop->RunUntilIdle();
  loop->Advance(10ms);
  main.join();
  EXPECT_EQ(value, "a");
}

TEST_F(TaskTest, FramesAreFreedOnOtherThreadsToo) {
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 100; ++i) tasks.push_back(Value(i));
  std::thread([tasks = std::move(tasks)]() mutable { tasks.clear(); }).join();
}

}  // namespace
}  // namespace rondo

#include "event/timer_queue.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rondo/pick.h"

namespace rondo::event {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

Time At(Duration since) { return Time{} + since; }

class TimerQueueTest : public testing::Test {
 protected:
  struct Node final : TimerNode {
    Node(TimerQueueTest& t, std::string n) : test(t), name(std::move(n)) {}
    void OnTimer() override {
      test.fired_.push_back(name);
      if (then) then();
    }
    TimerQueueTest& test;
    const std::string name;
    std::function<void()> then;
  };
  Node& Make(std::string name) {
    nodes_.push_back(std::make_unique<Node>(*this, std::move(name)));
    return *nodes_.back();
  }
  std::vector<std::string> Run(Duration now) {
    fired_.clear();
    queue_.Run(At(now));
    return fired_;
  }

  TimerQueue queue_;
  std::vector<std::string> fired_;
  std::vector<std::unique_ptr<Node>> nodes_;
};

TEST_F(TimerQueueTest, FiresWhatIsDueOldestFirst) {
  queue_.Arm(Make("c"), At(3s));
  queue_.Arm(Make("a"), At(1s));
  queue_.Arm(Make("b"), At(2s));
  EXPECT_THAT(Run(2s), ElementsAre("a", "b"));
  EXPECT_LE(queue_.next(), At(3s));
  EXPECT_THAT(Run(3s), ElementsAre("c"));
}

TEST_F(TimerQueueTest, ATimerIsNeverEarlyHoweverFarAwayItWas) {
  for (const Duration far : {Duration(1s), Duration(68s), Duration(70s), Duration(48h)}) {
    TimerQueue queue;
    queue.Arm(Make("a"), At(far));
    queue.Run(At(far - 1ns));
    EXPECT_THAT(fired_, IsEmpty());
    queue.Run(At(far));
    EXPECT_THAT(fired_, ElementsAre("a"));
    fired_.clear();
  }
}

TEST_F(TimerQueueTest, NextIsAtMostATickOfTheWheelEarlyAndThenExact) {
  queue_.Arm(Make("a"), At(1234567us));
  EXPECT_LE(queue_.next(), At(1234567us));
  EXPECT_GE(queue_.next(), At(1200ms));
  EXPECT_THAT(Run(queue_.next() - Time{}), IsEmpty());
  EXPECT_EQ(queue_.next(), At(1234567us));
}

TEST_F(TimerQueueTest, TimersOfOneInstantKeepTheirOrderThoughOneWasArmedWhenItWasFar) {
  queue_.Arm(Make("a"), At(10s));
  queue_.Arm(Make("b"), At(10s));
  Run(9990ms);
  queue_.Arm(Make("c"), At(10s));
  EXPECT_THAT(Run(10s), ElementsAre("a", "b", "c"));
}

TEST_F(TimerQueueTest, AFarTimerThatIsDisarmedLeavesNothingBehind) {
  Node &a = Make("a"), &b = Make("b");
  queue_.Arm(a, At(10s));
  queue_.Arm(b, At(10s));
  a.Disarm();
  b.Disarm();
  EXPECT_TRUE(queue_.empty());
  queue_.Arm(b, At(20s));
  EXPECT_GT(queue_.next(), At(19s));
}

TEST_F(TimerQueueTest, ALoopThatSleptLongFiresAllThatCameDue) {
  queue_.Arm(Make("a"), At(1s));
  queue_.Arm(Make("b"), At(60s));
  queue_.Arm(Make("c"), At(61s));
  EXPECT_THAT(Run(1h), ElementsAre("a", "b", "c"));
  queue_.Arm(Make("d"), At(1h + 5s));
  EXPECT_THAT(Run(1h + 5s), ElementsAre("d"));
}

TEST_F(TimerQueueTest, EachTimerFiresInTheFirstRunThatIsNotBeforeIt) {
  Chance chance(11);
  for (int i = 0; i < 100; ++i) Make(std::to_string(i));
  Duration now{};
  for (int i = 0; i < 20000; ++i) {
    Node& node = *nodes_[chance.Below(100)];
    if (chance.Below(4) == 0) {
      node.Disarm();
    } else {  // From now to two minutes on, mostly near.
      queue_.Arm(node, At(now + chance.Below(1u << chance.Below(28)) * Duration(1us)));
    }
    Time first = Time::max();
    for (const auto& n : nodes_) {
      if (n->armed()) first = std::min(first, n->at());
    }
    if (queue_.empty()) {
      ASSERT_EQ(first, Time::max());
      continue;
    }
    ASSERT_LE(queue_.next(), first);
    if (chance.Below(3) == 0) now = std::max(now, queue_.next() - Time{});
    if (chance.Below(50) == 0) now += chance.Below(100'000) * Duration(1ms);
    std::vector<std::string> due;
    for (const auto& n : nodes_) {
      if (n->armed() && n->at() <= At(now)) due.push_back(n->name);
    }
    ASSERT_THAT(Run(now), testing::UnorderedElementsAreArray(due));
  }
}

TEST_F(TimerQueueTest, TimersOfOneInstantFireInTheOrderInWhichTheyWereArmed) {
  for (const char* name : {"a", "b", "c", "d"}) queue_.Arm(Make(name), At(1s));
  EXPECT_THAT(Run(1s), ElementsAre("a", "b", "c", "d"));
}

TEST_F(TimerQueueTest, ArmingAnArmedTimerMovesIt) {
  Node& a = Make("a");
  queue_.Arm(a, At(1s));
  queue_.Arm(a, At(5s));
  EXPECT_THAT(Run(4s), IsEmpty());
  EXPECT_THAT(Run(5s), ElementsAre("a"));
}

TEST_F(TimerQueueTest, ADestroyedTimerDoesNotFire) {
  Make("a");
  queue_.Arm(*nodes_[0], At(1s));
  nodes_.clear();
  EXPECT_TRUE(queue_.empty());
}

TEST_F(TimerQueueTest, ATimerArmedMeanwhileWaitsForTheNextRun) {
  Node& a = Make("a");
  a.then = [&] { queue_.Arm(a, At(0s)); };
  queue_.Arm(a, At(1s));
  EXPECT_THAT(Run(1s), ElementsAre("a"));
  EXPECT_THAT(Run(1s), ElementsAre("a"));
}

TEST_F(TimerQueueTest, ATimerThatArmsItselfForThePastHoldsUpNobody) {
  Node &a = Make("a"), &b = Make("b");
  a.then = [&] { queue_.Arm(a, At(-1s)); };
  queue_.Arm(a, At(1s));
  queue_.Arm(b, At(2s));
  EXPECT_THAT(Run(2s), ElementsAre("a", "b"));
}

TEST_F(TimerQueueTest, ADueTimerThatAnotherDestroysDoesNotFire) {
  Node& a = Make("a");
  queue_.Arm(a, At(1s));
  queue_.Arm(Make("b"), At(1s));
  queue_.Arm(Make("c"), At(1s));
  a.then = [&] { nodes_.erase(nodes_.begin() + 1); };
  EXPECT_THAT(Run(1s), ElementsAre("a", "c"));
}

TEST_F(TimerQueueTest, ATimerMayDestroyItself) {
  Make("a").then = [&] { nodes_.clear(); };
  queue_.Arm(*nodes_[0], At(1s));
  queue_.Run(At(1s));
  EXPECT_TRUE(queue_.empty());
}

TEST_F(TimerQueueTest, AQueueThatGoesDisarmsItsTimers) {
  Node& a = Make("a");
  {
    TimerQueue gone;
    gone.Arm(a, At(1s));
  }
  EXPECT_FALSE(a.armed());
}

TEST_F(TimerQueueTest, KeepsItsOrderUnderManyChanges) {
  Chance chance(7);
  for (int i = 0; i < 200; ++i) Make(std::to_string(i));
  for (int i = 0; i < 5000; ++i) {
    Node& node = *nodes_[chance.Below(200)];
    if (chance.Below(3) == 0) {
      node.Disarm();
    } else {
      queue_.Arm(node, At(std::chrono::milliseconds(chance.Below(1000))));
    }
    Time first = Time::max();
    for (const auto& n : nodes_) {
      if (n->armed()) first = std::min(first, n->at());
    }
    ASSERT_EQ(queue_.empty(), first == Time::max());
    if (!queue_.empty()) {
      ASSERT_LE(queue_.next(), first);
    }
  }
  Time last{};
  for (const auto& n : nodes_) {
    n->then = [&last, node = n.get()] {
      EXPECT_LE(last, node->at());
      last = node->at();
    };
  }
  Run(1s);
  EXPECT_TRUE(queue_.empty());
}

}  // namespace
}  // namespace rondo::event

// What every loop does, on the one whose time the test moves.
#include "event/event_loop.h"

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "event/manual_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rondo::event {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class EventLoopTest : public testing::Test {
 protected:
  struct Ending final : TurnNode {
    explicit Ending(std::function<void()> f, Phase phase = Phase::kWork)
        : TurnNode(phase), on_turn_end(std::move(f)) {}
    void OnTurnEnd() override { on_turn_end(); }
    std::function<void()> on_turn_end;
  };
  struct Stopping final : StopNode {
    explicit Stopping(std::function<void()> f) : on_stop(std::move(f)) {}
    void OnLoopStop() override { on_stop(); }
    std::function<void()> on_stop;
  };
  std::function<void()> Note(std::string what) {
    return [this, what = std::move(what)] { seen_.push_back(what); };
  }

  std::vector<std::string> seen_;
  const std::shared_ptr<ManualLoop> loop_ = ManualLoop::Make();
};

// ---- Posts and timers

TEST_F(EventLoopTest, PostsRunInOrderAndNeverInline) {
  loop_->Post(Note("a"));
  loop_->Post(Note("b"));
  EXPECT_THAT(seen_, IsEmpty());
  loop_->RunUntilIdle();
  EXPECT_THAT(seen_, ElementsAre("a", "b"));
}

TEST_F(EventLoopTest, APostFromAnotherThreadRunsOnTheLoop) {
  std::thread([&] {
    EXPECT_FALSE(loop_->IsHere());
    EXPECT_TRUE(loop_->Post([&] {
      EXPECT_TRUE(loop_->IsHere());
      seen_.push_back("a");
    }));
  }).join();
  loop_->RunUntilIdle();
  EXPECT_THAT(seen_, ElementsAre("a"));
}

TEST_F(EventLoopTest, ATurnRunsPostsThenTimersThenItsEnd) {
  Ending end(Note("end"));
  const auto timer = loop_->After(0s, Note("timer"));
  loop_->AtTurnEnd(end);
  loop_->Post(Note("post"));
  loop_->RunTurn();
  EXPECT_THAT(seen_, ElementsAre("post", "timer", "end"));
}

TEST_F(EventLoopTest, TimeMovesOnlyWhenTheTestSaysSo) {
  const auto timer = loop_->After(2s, Note("a"));
  loop_->RunUntilIdle();
  loop_->Advance(1999ms);
  EXPECT_THAT(seen_, IsEmpty());
  loop_->Advance(1ms);
  EXPECT_THAT(seen_, ElementsAre("a"));
}

TEST_F(EventLoopTest, AdvancingStopsAtEachTimerOnTheWay) {
  std::unique_ptr<Timer> second;
  const auto first = loop_->After(1s, [&] {
    EXPECT_EQ(loop_->Now(), Time{} + 1s);
    second = loop_->After(1s, [&] { EXPECT_EQ(loop_->Now(), Time{} + 2s); });
  });
  loop_->Advance(10s);
  EXPECT_EQ(loop_->Now(), Time{} + 10s);
  EXPECT_FALSE(loop_->has_timers());
}

TEST_F(EventLoopTest, ADroppedTimerIsCancelled) {
  loop_->After(1s, Note("a")).reset();
  loop_->Advance(2s);
  EXPECT_THAT(seen_, IsEmpty());
}

TEST_F(EventLoopTest, ATimerMayBeDroppedInsideItsOwnFunction) {
  std::unique_ptr<Timer> timer;
  timer = loop_->After(1s, [&timer, note = Note("a")] {
    timer.reset();
    note();
  });
  loop_->Advance(1s);
  EXPECT_THAT(seen_, ElementsAre("a"));
}

// ---- The end of a turn

TEST_F(EventLoopTest, TurnEndWorkRunsOnceHoweverOftenItIsScheduled) {
  Ending end(Note("end"));
  loop_->Post([&] {
    loop_->AtTurnEnd(end);
    loop_->AtTurnEnd(end);
  });
  loop_->RunUntilIdle();
  EXPECT_THAT(seen_, ElementsAre("end"));
}

TEST_F(EventLoopTest, CancelledOrDestroyedTurnEndWorkDoesNotRun) {
  Ending first(Note("first"));
  auto second = std::make_unique<Ending>(Note("second"));
  loop_->AtTurnEnd(first);
  loop_->AtTurnEnd(*second);
  first.Cancel();
  second.reset();
  loop_->RunUntilIdle();
  EXPECT_THAT(seen_, IsEmpty());
}

TEST_F(EventLoopTest, WhatATurnEndSchedulesRunsInTheSameTurnEnd) {
  Ending second(Note("second"));
  Ending first([&] { loop_->AtTurnEnd(second); });
  loop_->AtTurnEnd(first);
  loop_->RunTurn();
  EXPECT_THAT(seen_, ElementsAre("second"));
}

TEST_F(EventLoopTest, TurnEndWorkThatNeverRestsLetsTheTurnEnd) {
  int times = 0;
  Ending restless([&] {
    ++times;
    loop_->AtTurnEnd(restless);
  });
  loop_->AtTurnEnd(restless);
  loop_->RunTurn();
  const int in_one_turn = times;
  EXPECT_LT(in_one_turn, 1000);
  loop_->RunTurn();
  EXPECT_EQ(times, 2 * in_one_turn);
  restless.Cancel();
  EXPECT_FALSE(loop_->RunTurn() && loop_->RunTurn());
}

TEST_F(EventLoopTest, AFlushRunsOnceNoOtherWorkIsLeft) {
  Ending flush(Note("flush"), TurnNode::Phase::kFlush);
  Ending second(Note("second"));
  Ending first([&] {
    Note("first")();
    loop_->AtTurnEnd(flush);
    loop_->AtTurnEnd(second);
  });
  loop_->AtTurnEnd(flush);
  loop_->AtTurnEnd(first);
  loop_->RunTurn();
  EXPECT_THAT(seen_, ElementsAre("first", "second", "flush"));
}

TEST_F(EventLoopTest, WhatAFlushSchedulesRunsInTheSameTurnEnd) {
  Ending work(Note("work"));
  Ending flush([&] { loop_->AtTurnEnd(work); }, TurnNode::Phase::kFlush);
  loop_->AtTurnEnd(flush);
  loop_->RunTurn();
  EXPECT_THAT(seen_, ElementsAre("work"));
}

TEST_F(EventLoopTest, WorkThatNeverRestsDoesNotKeepAFlushFromRunning) {
  Ending flush(Note("flush"), TurnNode::Phase::kFlush);
  Ending restless([&] { loop_->AtTurnEnd(restless); });
  loop_->AtTurnEnd(restless);
  loop_->AtTurnEnd(flush);
  loop_->RunTurn();
  EXPECT_THAT(seen_, ElementsAre("flush"));
  restless.Cancel();
}

TEST_F(EventLoopTest, TurnEndWorkMayDestroyItselfAndOthers) {
  auto second = std::make_unique<Ending>(Note("second"));
  std::unique_ptr<Ending> first;
  first = std::make_unique<Ending>([&] {
    second.reset();
    first.reset();
  });
  loop_->AtTurnEnd(*first);
  loop_->AtTurnEnd(*second);
  loop_->RunUntilIdle();
  EXPECT_THAT(seen_, IsEmpty());
}

// ---- The loop's end

TEST_F(EventLoopTest, AStopIsToldOnceInTheOrderOfWatching) {
  Stopping a(Note("a")), b(Note("b"));
  loop_->WatchStop(a);
  loop_->WatchStop(b);
  loop_->Stop();
  EXPECT_THAT(seen_, ElementsAre("a", "b"));
}

TEST_F(EventLoopTest, AStopMayDestroyWatchersAndBringNewOnes) {
  Stopping late(Note("late"));
  auto second = std::make_unique<Stopping>(Note("second"));
  Stopping first([&] {
    second.reset();
    loop_->WatchStop(late);
  });
  loop_->WatchStop(first);
  loop_->WatchStop(*second);
  loop_->Stop();
  EXPECT_THAT(seen_, ElementsAre("late"));
}

TEST_F(EventLoopTest, AStoppedLoopRefusesPostsAndDropsThemUnrun) {
  loop_->Stop();
  auto owned = std::make_shared<int>();
  EXPECT_FALSE(loop_->Post([owned, note = Note("a")] { note(); }));
  EXPECT_EQ(owned.use_count(), 1);
}

TEST_F(EventLoopTest, TheReadBufferIsOneALoop) {
  EXPECT_EQ(loop_->read_buffer().size(), size_t{64} << 10);
  EXPECT_EQ(loop_->read_buffer().data(), loop_->read_buffer().data());
}

}  // namespace
}  // namespace rondo::event

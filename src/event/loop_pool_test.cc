// Loops with threads of their own: what crosses threads, and how they end.
#include "event/loop_pool.h"

#include <atomic>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rondo::event {
namespace {

using namespace std::chrono_literals;

// Waits for `work` on the loop.
template <class F>
auto On(Loop& loop, F work) {
  std::promise<decltype(work())> result;
  EXPECT_TRUE(loop.Post([&] { result.set_value(work()); }));
  return result.get_future().get();
}

TEST(LoopPool, HasAsManyLoopsAsThreadsAndAtLeastOne) {
  EXPECT_EQ(LoopPool(3).size(), 3u);
  EXPECT_EQ(LoopPool(0).size(), 1u);
}

TEST(LoopPool, EachLoopHasAThreadOfItsOwn) {
  LoopPool pool(2);
  const auto id = [] { return std::this_thread::get_id(); };
  EXPECT_NE(On(pool.loop(0), id), On(pool.loop(1), id));
  EXPECT_TRUE(On(pool.loop(0), [&] { return pool.loop(0).IsHere(); }));
  EXPECT_FALSE(On(pool.loop(0), [&] { return pool.loop(1).IsHere(); }));
  EXPECT_FALSE(pool.loop(0).IsHere());
}

TEST(LoopPool, NextGoesRoundAndRound) {
  LoopPool pool(2);
  Loop& first = pool.Next();
  EXPECT_NE(&first, &pool.Next());
  EXPECT_EQ(&first, &pool.Next());
}

TEST(LoopPool, PostsOfOneThreadKeepTheirOrderWhileManyPost) {
  LoopPool pool(1);
  constexpr int kThreads = 4, kPosts = 2000;
  std::vector<int> last(kThreads, -1);
  std::atomic<int> left = kThreads * kPosts;
  std::promise<void> all;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i) {
        pool.loop(0).Post([&, t, i] {
          EXPECT_EQ(last[static_cast<size_t>(t)] + 1, i);
          last[static_cast<size_t>(t)] = i;
          if (--left == 0) all.set_value();
        });
      }
    });
  }
  all.get_future().get();
  for (std::thread& t : threads) t.join();
}

// Each post finds the loop asleep: a wake-up that gets lost would hang this.
TEST(LoopPool, NoWakeUpIsLost) {
  LoopPool pool(2);
  std::atomic<int> left = 5000;
  std::promise<void> done;
  std::function<void(size_t)> pass = [&](size_t to) {
    pool.loop(to).Post([&, to] {
      if (--left == 0) return done.set_value();
      pass(1 - to);
    });
  };
  pass(0);
  done.get_future().get();
}

TEST(LoopPool, ATimerFiresNoSoonerThanItsTime) {
  LoopPool pool(1);
  std::promise<Duration> late;
  std::unique_ptr<Timer> timer;
  pool.loop(0).Post([&] {
    const Time due = pool.loop(0).Now() + 5ms;
    timer = pool.loop(0).After(5ms, [&, due] { late.set_value(pool.loop(0).Now() - due); });
  });
  EXPECT_GE(late.get_future().get(), 0ms);
}

TEST(LoopPool, ItsEndIsToldOnEachLoopAndPostsAfterItFail) {
  struct Guest final : StopNode {
    void OnLoopStop() override {
      EXPECT_TRUE(loop->IsHere());
      // What is posted before the loop's end still runs.
      EXPECT_TRUE(loop->Post([this] { last_post_ran = true; }));
    }
    EventLoop* loop = nullptr;
    bool last_post_ran = false;
  };
  auto pool = std::make_unique<LoopPool>(2);
  std::vector<Guest> guests(2);
  std::vector<std::shared_ptr<EventLoop>> loops;
  for (size_t i = 0; i < 2; ++i) {
    loops.push_back(Of(pool->loop(i)).shared_from_this());
    guests[i].loop = loops[i].get();
    On(*loops[i], [&, i] {
      loops[i]->WatchStop(guests[i]);
      return true;
    });
  }
  pool.reset();
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(guests[i].last_post_ran);
    EXPECT_FALSE(loops[i]->Post([] { ADD_FAILURE() << "ran after the end"; }));
  }
}

TEST(LoopPool, TheDefaultPoolIsOneAndTheSame) {
  EXPECT_EQ(&LoopPool::Default(), &LoopPool::Default());
  EXPECT_EQ(LoopPool::Default().size(), 1u);
  EXPECT_TRUE(On(LoopPool::Default().loop(0), [] { return true; }));
}

// ---- Without a thread

TEST(LoopWithoutThread, WhoWaitsRunsItOnItsOwnThread) {
  LoopPool pool(LoopPool::kNoThread);
  Loop& loop = pool.loop(0);
  EXPECT_FALSE(loop.HasThread());
  std::thread::id ran_on;
  loop.Post([&] { ran_on = std::this_thread::get_id(); });
  EXPECT_EQ(ran_on, std::thread::id());
  loop.RunUntil([&] { return ran_on != std::thread::id(); });
  EXPECT_EQ(ran_on, std::this_thread::get_id());
  EXPECT_FALSE(loop.IsHere());
}

TEST(LoopWithoutThread, ItsTimersFireWhileSomebodyWaits) {
  LoopPool pool(LoopPool::kNoThread);
  bool fired = false;
  std::unique_ptr<Timer> timer;
  pool.loop(0).Post([&] { timer = pool.loop(0).After(1ms, [&] { fired = true; }); });
  pool.loop(0).RunUntil([&] { return fired; });
  EXPECT_TRUE(fired);
}

TEST(LoopWithoutThread, AWaitMayHaveAnEnd) {
  LoopPool pool(LoopPool::kNoThread);
  const Time until = std::chrono::steady_clock::now() + 2ms;
  pool.loop(0).RunUntil([] { return false; }, until);
  EXPECT_GE(std::chrono::steady_clock::now(), until);
}

// Whoever runs it leaves as soon as its own wish is there; another takes over.
TEST(LoopWithoutThread, ManyMayWaitAndEachGetsItsTurn) {
  LoopPool pool(LoopPool::kNoThread);
  Loop& loop = pool.loop(0);
  std::atomic<int> inside = 0, done = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        std::atomic<bool> over = false;
        loop.Post([&] {
          EXPECT_EQ(++inside, 1);
          --inside;
          over.store(true);
        });
        loop.RunUntil([&] { return over.load(); });
        ++done;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(done.load(), 2000);
}

TEST(LoopWithoutThread, ItsEndFreesThoseWhoWait) {
  auto pool = std::make_unique<LoopPool>(LoopPool::kNoThread);
  const std::shared_ptr<EventLoop> loop = Of(pool->loop(0)).shared_from_this();
  struct Bye final : StopNode {
    void OnLoopStop() override { over.store(true); }
    std::atomic<bool> over{false};
  } bye;
  std::promise<void> begun;
  loop->Post([&] {
    loop->WatchStop(bye);
    begun.set_value();
  });
  std::thread waiter([&] { loop->RunUntil([&] { return bye.over.load(); }, Time::max()); });
  begun.get_future().get();
  pool = nullptr;
  waiter.join();
  EXPECT_FALSE(loop->Post([] {}));
}

using LoopPoolDeathTest = testing::Test;

TEST(LoopPoolDeathTest, DestroyedOnItsOwnThreadItEndsTheProgramWithTheReason) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        auto* pool = new LoopPool(1);
        pool->loop(0).Post([pool] { delete pool; });
        std::promise<void>().get_future().wait();
      },
      "rondo: a LoopPool is destroyed on one of its own threads, which it would wait for");
}

TEST(LoopPoolDeathTest, AForeignLoopEndsTheProgramWithTheReason) {
  struct Foreign final : Loop {
    bool Post(Work) override { return false; }
    std::unique_ptr<Timer> After(Duration, Work) override { return nullptr; }
    Time Now() const override { return {}; }
    bool IsHere() const override { return true; }
  };
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  Foreign loop;
  EXPECT_DEATH(Of(loop), "rondo: this Loop is none of the library's: take one from a LoopPool");
}

}  // namespace
}  // namespace rondo::event

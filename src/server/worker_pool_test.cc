#include "server/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace rondo::server {
namespace {

// Work that says when it has begun, and ends when it is told.
struct Held {
  std::promise<void> begun, end;
  WorkerPool::Work Work() {
    return [this, ending = end.get_future()]() mutable {
      begun.set_value();
      ending.wait();
    };
  }
  void AwaitBegun() { begun.get_future().wait(); }
  void End() { end.set_value(); }
};

TEST(WorkerPool, RunsWorkOnOtherThreads) {
  WorkerPool pool(2, 10);
  std::promise<std::thread::id> where;
  ASSERT_TRUE(pool.Run([&] { where.set_value(std::this_thread::get_id()); }));
  EXPECT_NE(where.get_future().get(), std::this_thread::get_id());
}

TEST(WorkerPool, UsesAsManyThreadsAsItMay) {
  WorkerPool pool(2, 0);
  Held a, b;
  ASSERT_TRUE(pool.Run(a.Work()));
  ASSERT_TRUE(pool.Run(b.Work()));
  a.AwaitBegun();
  b.AwaitBegun();
  EXPECT_FALSE(pool.Run([] { FAIL(); }));
  a.End();
  b.End();
}

TEST(WorkerPool, QueuesWhatMayWaitAndRefusesMore) {
  WorkerPool pool(1, 2);
  Held held;
  ASSERT_TRUE(pool.Run(held.Work()));
  held.AwaitBegun();
  std::promise<void> first, second;
  EXPECT_TRUE(pool.Run([&] { first.set_value(); }));
  EXPECT_TRUE(pool.Run([&] { second.set_value(); }));
  EXPECT_FALSE(pool.Run([] { FAIL(); }));
  held.End();
  first.get_future().wait();
  second.get_future().wait();
}

TEST(WorkerPool, DropsWhatWaitsWhenItCloses) {
  WorkerPool pool(1, 10);
  Held held;
  ASSERT_TRUE(pool.Run(held.Work()));
  held.AwaitBegun();
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = owned;
  ASSERT_TRUE(pool.Run([owned = std::move(owned)] { FAIL(); }));
  pool.Close();
  EXPECT_TRUE(watch.expired());
  EXPECT_FALSE(pool.Run([] { FAIL(); }));
  held.End();
}

TEST(WorkerPool, CloseDoesNotWaitForWorkThatBlocks) {
  auto held = std::make_unique<Held>();
  std::promise<void> ended;
  {
    WorkerPool pool(2, 10);
    ASSERT_TRUE(pool.Run([&, work = held->Work()]() mutable {
      work();
      ended.set_value();
    }));
    held->AwaitBegun();
  }
  held->End();
  ended.get_future().wait();
}

TEST(WorkerPool, WorkMayCloseItsPool) {
  WorkerPool pool(2, 10);
  std::promise<void> closed;
  ASSERT_TRUE(pool.Run([&] {
    pool.Close();
    closed.set_value();
  }));
  closed.get_future().wait();
}

TEST(WorkerPool, RunsEverythingUnderLoad) {
  WorkerPool pool(4, 100'000);
  std::atomic<int> ran{0};
  std::promise<void> all;
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(pool.Run([&] {
      if (ran.fetch_add(1) + 1 == 10'000) all.set_value();
    }));
  }
  all.get_future().wait();
}

}  // namespace
}  // namespace rondo::server

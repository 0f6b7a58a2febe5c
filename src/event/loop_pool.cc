#include "event/loop_pool.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "event/system_loop.h"

namespace rondo {

struct LoopPool::State {
  std::vector<std::shared_ptr<event::SystemLoop>> loops;
  std::vector<std::thread> threads;
  std::atomic<size_t> next{0};
  Function<void()> stop_guest;  // Set if the loops run on a thread of the user's.
};

LoopPool::LoopPool(size_t threads) : state_(std::make_unique<State>()) {
  for (size_t i = 0; i < std::max<size_t>(threads, 1); ++i) {
    auto loop = std::make_shared<event::SystemLoop>();
    state_->loops.push_back(loop);
    state_->threads.emplace_back([loop] { loop->Run(); });
  }
}

LoopPool::LoopPool(NoThread) : state_(std::make_unique<State>()) {
  state_->loops.push_back(
      std::make_shared<event::SystemLoop>(event::SystemLoop::Runner::kWhoeverWaits));
}

LoopPool::LoopPool(std::unique_ptr<State> state) : state_(std::move(state)) {}

LoopPool::~LoopPool() {
  if (state_->stop_guest) {
    state_->stop_guest();
    return;
  }
  for (auto& loop : state_->loops) {
    if (loop->IsHere()) {
      std::fputs(
          "rondo: a LoopPool is destroyed on one of its own threads, which it would wait for\n",
          stderr);
      std::abort();
    }
    if (loop->HasThread()) {
      loop->AskToStop();
    } else {
      loop->StopHere();
    }
  }
  for (std::thread& t : state_->threads) t.join();
}

size_t LoopPool::size() const { return state_->loops.size(); }
Loop& LoopPool::loop(size_t i) const { return *state_->loops[i]; }
Loop& LoopPool::Next() const {
  return *state_->loops[state_->next.fetch_add(1, std::memory_order_relaxed) % size()];
}

LoopPool& LoopPool::Default() {
  static LoopPool* const pool =
      new LoopPool(1);  // Never destroyed: users' statics may outlive ours.
  return *pool;
}

std::unique_ptr<LoopPool> detail::GuestPool::Make(std::shared_ptr<event::SystemLoop> loop,
                                                  Function<void()> stop) {
  auto state = std::make_unique<LoopPool::State>();
  state->loops.push_back(std::move(loop));
  state->stop_guest = std::move(stop);
  return std::unique_ptr<LoopPool>(new LoopPool(std::move(state)));
}

namespace event {

EventLoop& Of(Loop& loop) {
  auto* found = dynamic_cast<EventLoop*>(&loop);
  if (found == nullptr) {
    std::fputs("rondo: this Loop is none of the library's: take one from a LoopPool\n", stderr);
    std::abort();
  }
  return *found;
}

}  // namespace event
}  // namespace rondo

#pragma once
// Event loops: where everything that isn't a pick happens. A loop is run by exactly one thread;
// code on it needs no lock and may not block.
#include <cstddef>
#include <functional>
#include <memory>

#include "rondo/function.h"
#include "rondo/time.h"

namespace rondo {

class Timer {  // Destroying it cancels it: its function is not called afterwards.
 public:
  virtual ~Timer() = default;
};

class Loop {
 public:
  using Work = Function<void()>;

  virtual ~Loop() = default;
  // Threads: any. Runs `work` on the loop, in the order of the posts of one thread, never inline.
  // False: the loop has stopped, `work` was destroyed without being run.
  virtual bool Post(Work work) = 0;
  // Threads: the loop's. Runs `fire` once, `delay` from Now() (0 or less: in the next turn).
  [[nodiscard]] virtual std::unique_ptr<Timer> After(Duration delay, Work fire) = 0;
  // Threads: the loop's. Read from the clock once a turn.
  virtual Time Now() const = 0;
  // Threads: any. Whether the caller is on this loop's thread.
  virtual bool IsHere() const = 0;
  // Threads: any. False for the loop of LoopPool(LoopPool::kNoThread): who waits for it runs it.
  virtual bool HasThread() const { return true; }
  // Threads: any but the loop's own. Without a thread: runs the loop here until over() or until the
  // time has come, whichever is first; while another thread runs it, waits for its turn. over() is
  // asked between turns, perhaps by another thread. With a thread: returns at once.
  virtual void RunUntil(const std::function<bool()>& /*over*/, Time /*until*/ = Time::max()) {}
};

namespace detail {
struct GuestPool;
}

// Owns loops and the threads that run them. Destroying it ends what still lives on its loops
// (channels fail their calls with CANCELLED, servers stop), then joins the threads: in any order
// with channels, servers and stubs, but not on one of its own threads.
// Threads: any, except the destructor.
class LoopPool {
 public:
  // `threads`: 1 or more; 0 counts as 1.
  explicit LoopPool(size_t threads = 1);
  // One loop and no thread, for programs whose calls block: a blocking call runs the loop itself,
  // so that its answer costs no hop between threads. Several threads may block at a time: one runs
  // the loop, for all. While none does, nothing moves: no answer is read, no timer fires, no
  // connection is made. For channels only: a server's Start refuses it.
  struct NoThread {};
  static constexpr NoThread kNoThread{};
  explicit LoopPool(NoThread none);
  LoopPool(const LoopPool&) = delete;
  LoopPool& operator=(const LoopPool&) = delete;
  ~LoopPool();

  size_t size() const;
  Loop& loop(size_t i) const;  // i < size()
  Loop& Next() const;          // Round and round.

  // The pool of channels and servers that name none: one loop, started at the first use, kept
  // until the process exits.
  static LoopPool& Default();

 private:
  friend struct detail::GuestPool;
  struct State;
  explicit LoopPool(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace rondo

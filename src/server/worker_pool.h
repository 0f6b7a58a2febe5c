#pragma once
// Threads for handlers that block, and the queue of those that wait for one.
// Threads: any, all methods.
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "rondo/function.h"

namespace rondo::server {

class WorkerPool {
 public:
  using Work = Function<void()>;

  // Threads start when there is work for them, at most `threads`; at most `max_waiting` wait.
  WorkerPool(size_t threads, size_t max_waiting);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool();  // Close().

  // False: too many wait already, or it is closed; `work` was destroyed without being run.
  bool Run(Work work);
  // Drops what waits. Returns when the idle threads have ended; one that is at work ends by itself
  // when that is done: nobody waits for a handler that blocks for ever.
  void Close();

 private:
  struct Shared;  // Outlives the pool where a thread is still at work.
  struct Worker {
    std::thread thread;
    bool busy = false;  // Under Shared::mutex.
  };
  static void Loop(const std::shared_ptr<Shared>& shared, Worker& self);

  const std::shared_ptr<Shared> shared_;
};

}  // namespace rondo::server

#include "server/worker_pool.h"

#include <algorithm>
#include <utility>

namespace rondo::server {

struct WorkerPool::Shared {
  Shared(size_t threads, size_t queue) : max_threads(threads), max_waiting(queue) {}
  const size_t max_threads, max_waiting;
  std::mutex mutex;  // Guards all that follows.
  std::condition_variable news;
  std::deque<Work> waiting;
  std::vector<std::unique_ptr<Worker>> workers;
  size_t idle = 0;
  bool closed = false;
};

WorkerPool::WorkerPool(size_t threads, size_t max_waiting)
    : shared_(std::make_shared<Shared>(std::max<size_t>(threads, 1), max_waiting)) {}

WorkerPool::~WorkerPool() { Close(); }

bool WorkerPool::Run(Work work) {
  Shared& s = *shared_;
  const std::lock_guard lock(s.mutex);
  if (s.closed) return false;
  if (s.waiting.size() < s.idle) {  // Somebody is free for it.
    s.waiting.push_back(std::move(work));
    s.news.notify_one();
    return true;
  }
  if (s.workers.size() < s.max_threads) {
    s.workers.push_back(std::make_unique<Worker>());
    Worker& worker = *s.workers.back();
    s.waiting.push_back(std::move(work));
    worker.thread = std::thread([shared = shared_, &worker] { Loop(shared, worker); });
    ++s.idle;  // It is, until it takes the lock.
    return true;
  }
  if (s.waiting.size() - s.idle >= s.max_waiting) return false;
  s.waiting.push_back(std::move(work));
  return true;
}

void WorkerPool::Loop(const std::shared_ptr<Shared>& shared, Worker& self) {
  Shared& s = *shared;
  std::unique_lock lock(s.mutex);
  while (true) {
    s.news.wait(lock, [&s] { return s.closed || !s.waiting.empty(); });
    if (s.closed) return;
    Work work = std::move(s.waiting.front());
    s.waiting.pop_front();
    --s.idle;
    self.busy = true;
    lock.unlock();
    work();
    work = nullptr;  // What it owns goes before this thread counts as idle.
    lock.lock();
    self.busy = false;
    ++s.idle;
  }
}

void WorkerPool::Close() {
  Shared& s = *shared_;
  std::deque<Work> dropped;  // Destroyed without the lock: what it owns may call Run.
  std::vector<std::thread> ending;
  {
    const std::lock_guard lock(s.mutex);
    if (s.closed) return;
    s.closed = true;
    dropped.swap(s.waiting);
    for (const std::unique_ptr<Worker>& worker : s.workers) {
      if (worker->busy) {
        worker->thread.detach();
      } else {
        ending.push_back(std::move(worker->thread));
      }
    }
  }
  s.news.notify_all();
  for (std::thread& thread : ending) thread.join();
}

}  // namespace rondo::server

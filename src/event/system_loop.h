#pragma once
// A loop over the operating system's descriptors, run by one thread. A turn: wait; what happened to
// descriptors; what was posted; the timers that are due; the end of the turn.
// Threads: Post, IsHere and AskToStop: any. The rest: the loop's.
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

#include "base/block_cache.h"
#include "event/event_loop.h"
#include "event/poller.h"

namespace rondo::event {

class SystemLoop : public EventLoop {
 public:
  enum class Runner : uint8_t { kThread, kWhoeverWaits };
  explicit SystemLoop(Runner runner = Runner::kThread);

  bool Post(Work work) override;
  Time Now() const override { return now_; }
  bool IsHere() const override;

  // Turns on the calling thread until AskToStop. Ends with TellStop.
  void Run();
  void AskToStop();
  // Of a loop without a thread, on the thread that ends it.
  void StopHere();
  bool HasThread() const override { return runner_ == Runner::kThread; }
  void RunUntil(const std::function<bool()>& over, Time until) override;
  Poller& poller() { return poller_; }

 protected:
  // False: there is work at hand. True: from here on to the end of the next Wait, a post wakes.
  bool FallAsleep();
  Duration Patience() const;  // How long the timers allow to wait.
  void Turn(Duration patience);
  void Finish();  // The last turn.
  bool in_turn() const { return in_turn_; }

 private:
  // Goes on as long as blocks are kept.
  struct Trimmer final : TimerNode {
    explicit Trimmer(BlockCache& cache) : blocks(cache) {}
    void OnTimer() override { blocks.Trim(); }
    BlockCache& blocks;
  };

  void TakePosts();
  void TurnUntil(const std::function<bool()>& over, Time until);

  const Runner runner_;
  Poller poller_;
  Time now_;
  bool in_turn_ = false;
  BlockCache blocks_;
  Trimmer trimmer_{blocks_};
  std::atomic<bool> stop_asked_{false};
  std::atomic<bool> asleep_{false};
  std::mutex mutex_;
  std::vector<Work> posted_;  // Under mutex_, as closed_.
  bool closed_ = false;
  std::vector<Work> running_;  // What was posted, being run: keeps its memory.
  // Without a thread: who runs it, and who waits for a turn or for news.
  std::mutex runs_mutex_;
  std::condition_variable news_;
  bool runs_ = false;  // Under runs_mutex_.
  std::atomic<int> parked_{0};
};

}  // namespace rondo::event

#pragma once
// A loop over the operating system's descriptors, run by one thread. A turn: wait; what happened to
// descriptors; what was posted; the timers that are due; the end of the turn.
// Threads: Post, IsHere and AskToStop: any. The rest: the loop's.
#include <atomic>
#include <mutex>
#include <vector>

#include "event/event_loop.h"
#include "event/poller.h"

namespace rondo::event {

class SystemLoop : public EventLoop {
 public:
  SystemLoop();

  bool Post(Work work) override;
  Time Now() const override { return now_; }
  bool IsHere() const override;

  // Turns on the calling thread until AskToStop. Ends with TellStop.
  void Run();
  void AskToStop();
  Poller& poller() { return poller_; }

 protected:
  // False: there is work at hand. True: from here on to the end of the next Wait, a post wakes.
  bool FallAsleep();
  Duration Patience() const;  // How long the timers allow to wait.
  void Turn(Duration patience);
  void Finish();  // The last turn.
  bool in_turn() const { return in_turn_; }

 private:
  void TakePosts();

  Poller poller_;
  Time now_;
  bool in_turn_ = false;
  std::atomic<bool> stop_asked_{false};
  std::atomic<bool> asleep_{false};
  std::mutex mutex_;
  std::vector<Work> posted_;  // Under mutex_, as closed_.
  bool closed_ = false;
  std::vector<Work> running_;  // What was posted, being run: keeps its memory.
};

}  // namespace rondo::event

#pragma once
// A call as its caller plays it, by a script.
// Threads: one.
#include <memory>

#include "rondo/channel.h"
#include "rondo/loop.h"
#include "stack/history.h"

namespace rondo::stack {

class Caller {
 public:
  Caller(Loop& loop, History& history, CallHistory& call)
      : loop_(loop), history_(history), call_(call), script_(call.script) {}
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  void Start(const Channel& channel);
  bool over() const { return call_.ends > 0 || call_.dropped; }
  CallHistory& call() { return call_; }
  void Cancel();  // Or drops it, as the script says.

 private:
  void Drop();
  void StopTimers();
  void StartUnary(const Channel& channel, const CallOptions& options);
  void Write();
  void OnWritten(bool taken, bool last);
  void Read();
  void OnReply(std::optional<Bytes> reply);
  void CheckReply(Bytes reply);
  void AskEnd();
  void OnEnd(const absl::Status& status);

  Loop& loop_;
  History& history_;
  CallHistory& call_;
  const Script& script_;
  Metadata metadata_;
  CallCanceller canceller_;
  StreamCall stream_;
  size_t writing_ = 0;
  std::unique_ptr<Timer> write_timer_, read_timer_, cancel_timer_;
};

}  // namespace rondo::stack

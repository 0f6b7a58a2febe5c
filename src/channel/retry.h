#pragma once
// What a call with a retry policy has besides other calls: the policy, the count of its attempts,
// and the timer of the wait between two. Threads: home, but for the constructor.
#include <string>
#include <vector>

#include "channel/repeats.h"
#include "channel/retry_state.h"
#include "event/event_loop.h"
#include "http2/headers.h"

namespace rondo::channel {

class Call;
class Core;

// What the server's trailers say; null: there are none.
retry::PushbackSeen PushbackOf(const http2::Headers* trailers);
int AttemptLimit(const Core& core);    // Of the channel.
Time After(Time now, Duration delay);  // Doesn't overflow.

class Retry final : public Repeats, private event::TimerNode {
 public:
  Retry(Call& call, Core& core, const retry::Policy& policy)
      : call_(call), core_(core), policy_(policy) {}

  bool Decide(absl::Status& status, bool committed, const http2::Headers* trailers) override;
  void AddHeader(std::vector<http2::Header>& fields) const override;
  bool first() const override { return state_.attempts == 1; }
  // "the retry waits after UNAVAILABLE: the server's words"
  std::string WhyItWaits() const override;
  void Stop() override { Disarm(); }

 private:
  void OnTimer() override;

  Call& call_;
  Core& core_;
  const retry::Policy policy_;
  retry::State state_;
  std::string previous_;  // The header's value.
  std::string last_;      // How the last attempt ended.
};

}  // namespace rondo::channel

#pragma once
// Servers, channels, their resolvers and the network between them, all in one thread on one loop
// whose time the test moves; whatever is left to chance comes from one seed.
// Threads: one.
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "channel/make_channel.h"
#include "event/manual_loop.h"
#include "stack/backend.h"
#include "stack/caller.h"
#include "stack/history.h"
#include "transport/memory_network.h"

namespace rondo::stack {

// Short, so that a storm meets all of it. From the end of all faults a channel that is asked is
// ready within kReadyAgain: an attempt that was swallowed, one more wait, and a handshake.
inline constexpr BackoffOptions kBackoff = {.base = std::chrono::milliseconds(50),
                                            .max = std::chrono::milliseconds(400),
                                            .min_connect_timeout = std::chrono::milliseconds(500)};
inline constexpr Duration kReadyAgain = std::chrono::milliseconds(1500);

struct WorldOptions {
  int backends = 3, channels = 1;
  bool round_robin = true;
  transport::MemoryNetwork::Traffic traffic{};
  uint32_t max_streams = 100;
};

class World {
 public:
  World(uint64_t seed, const WorldOptions& options);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  Dice& dice() { return dice_; }
  event::ManualLoop& loop() { return *loop_; }
  transport::MemoryNetwork& network() { return network_; }
  History& history() { return history_; }
  size_t backends() const { return backends_.size(); }
  Backend& backend(size_t i) { return *backends_[i]; }
  size_t channels() const { return names_.size(); }
  Channel* channel(size_t i) { return channels_[i] ? &*channels_[i] : nullptr; }
  Time now() const { return loop_->Now(); }
  void Advance(Duration by);

  // ---- Channels. One that is closed fails its calls; it may be opened again.
  void Open(size_t channel);
  void Close(size_t channel);
  // News of the resolver: these backends, in this order.
  void Publish(size_t channel, const std::vector<size_t>& backends);
  void PublishAll(size_t channel);
  void PublishError(size_t channel);
  void PublishWrongConfig(size_t channel, const std::vector<size_t>& backends);
  // Another policy, by the next news of the resolver; or at once, by the program.
  void ChoosePolicy(size_t channel, bool round_robin);
  void SetPolicy(size_t channel, bool round_robin);

  // ---- Calls. Of a channel that is open.
  Caller& Call(size_t channel, const Script& script);
  Caller& Call(size_t channel, const Habits& habits);
  std::deque<std::unique_ptr<Caller>>& callers() { return callers_; }
  size_t running() const;

  // ---- Ends. Each checks that nothing is left.
  void WindUp();    // All calls are over: everybody leaves in order.
  void TearDown();  // Everything goes at once, in any order.
  void StopLoop();  // Likewise, the loop first.

 private:
  struct Names {
    ManualResolver resolver{"test"};
    Resolution last{.endpoints = std::vector<Endpoint>()};
    bool round_robin = true;
    bool strict = true;  // No policy takes over from another.
  };
  void NoteAddresses(size_t channel);
  void Tell(size_t channel);
  void Excuse(size_t channel);
  void Leave();
  void CheckNothingIsLeft();

  const WorldOptions options_;
  Dice dice_;
  History history_;
  std::shared_ptr<event::ManualLoop> loop_ = event::ManualLoop::Make();
  transport::MemoryNetwork network_;
  std::vector<std::unique_ptr<Backend>> backends_;
  std::vector<Names> names_;
  std::vector<std::optional<Channel>> channels_;
  std::deque<std::unique_ptr<Caller>> callers_;
};

}  // namespace rondo::stack

#pragma once
// The part of a server that lives on one loop: its listeners, connections and calls.
// Threads: its loop's, except where it says "any".
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/channelz.h"
#include "event/socket.h"
#include "http2/headers.h"
#include "rondo/observe.h"
#include "rondo/pick.h"
#include "server/call_list.h"
#include "server/connection.h"
#include "server/warnings.h"
#include "wire/fields.h"

namespace rondo::server {

class Core;

class Shard final : private event::StopNode {
 public:
  Shard(Core& core, std::shared_ptr<event::EventLoop> loop, uint64_t seed);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // ---- Any thread.
  event::EventLoop& loop() const { return *loop_; }
  Core& core() const { return core_; }

  // ---- Listeners and connections.
  // The address with the port that was chosen.
  absl::StatusOr<std::string> Listen(event::Network& network, std::string_view address,
                                     event::Network::PickLoop pick, event::Network::Accept accept);
  void StopListening() { listeners_.clear(); }
  void Accept(std::unique_ptr<event::Socket> socket);
  void Remove(Connection& connection);
  Chance& chance() { return chance_; }

  // ---- The end.
  void Drain();   // Takes nothing new; tells the core when all is done.
  void CutOff();  // Ends what Drain waits for.
  void Close();   // At once. Handlers may run on.
  void After(Duration delay, Loop::Work fire);  // Not after Close.

  // ---- Calls.
  Call& TakeCall();           // A new one, or one that was used before.
  void GiveBack(Call& call);  // Its end; it is in no list.
  void HandlerBegins() { ++handlers_; }
  void HandlerEnds() {
    --handlers_;
    if (draining_) CheckQuiet();
  }
  void Adopt(Call& call) { orphans_.Add(call); }  // Its connection has gone.
  void Forget(Call& call) { orphans_.Remove(call); }
  void CallBegins() { ++counts_.started; }
  void CallEnds(bool ok) { ++(ok ? counts_.succeeded : counts_.failed); }
  void ForChannelz(channelz::SocketRange sockets, channelz::Server& told) const;
  void OnLimit(std::string_view limit) {  // To those who measure.
    Observe([&](ServerObserver& o) { o.OnLimit(limit); });
  }
  // Also to the log: of which client, and what became of it.
  void OnLimit(std::string_view limit, std::string_view peer, std::string_view what);
  bool observed() const { return !observers_.empty(); }
  // `tell` is void(ServerObserver&).
  template <class F>
  void Observe(F tell) {
    for (const auto& observer : observers_) tell(*observer);
  }
  // For putting one header block together.
  std::vector<http2::Header>& scratch() { return scratch_; }
  wire::Fields& scratch_fields() { return scratch_fields_; }

 private:
  static constexpr size_t kCallsKept = 256;  // For use again.

  void OnLoopStop() override;
  void Watch();
  void CheckQuiet();
  void TellQuiet(size_t cut_off);
  void UnwatchIfEmpty();

  Core& core_;
  const std::shared_ptr<event::EventLoop> loop_;
  bool watching_ = false, draining_ = false, closed_ = false, told_quiet_ = false;
  size_t handlers_ = 0;  // That run.
  channelz::Calls counts_;
  Warnings warnings_;
  Chance chance_;
  std::vector<std::unique_ptr<ServerObserver>> observers_;
  std::vector<std::unique_ptr<event::Listener>> listeners_;
  std::vector<std::unique_ptr<Connection>> connections_;
  CallList orphans_;
  std::vector<std::unique_ptr<Timer>> timers_;
  std::vector<std::unique_ptr<Call>> kept_calls_;
  std::vector<http2::Header> scratch_;
  wire::Fields scratch_fields_;
};

}  // namespace rondo::server

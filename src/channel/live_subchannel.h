#pragma once
// A subchannel at work: runs what subchannel_state.h decides, tells those who hold it, and keeps
// the calls that wait for a free stream. Threads: home.
#include <memory>
#include <string>
#include <vector>

#include "channel/carrier.h"
#include "channel/health_watch.h"
#include "channel/load_watch.h"
#include "channel/subchannel_state.h"
#include "channel/wait_queue.h"
#include "event/event_loop.h"
#include "event/socket.h"
#include "rondo/balance.h"
#include "rondo/explain.h"

namespace rondo::channel {

class Call;
class Core;

class LiveSubchannel final : public Carrier::Owner,
                             public HealthWatch::Owner,
                             private event::TimerNode {
 public:
  // One holder's ear. Kept alive while it runs; deaf once its handle is gone.
  struct Listener {
    Listener(OnSubchannelState hears, const OpenOptions& options)
        : on_state(std::move(hears)),
          watch_health(options.watch_health),
          report_period(options.report_period) {}
    OnSubchannelState on_state;
    const bool watch_health;
    const Duration report_period;
    bool gone = false;
  };

  LiveSubchannel(Core& core, std::string_view address);
  LiveSubchannel(const LiveSubchannel&) = delete;
  LiveSubchannel& operator=(const LiveSubchannel&) = delete;
  ~LiveSubchannel();  // Running streams go on; waiting calls go back to the queue.

  const std::string& address() const { return backend_->address; }
  const std::shared_ptr<Backend>& backend() const { return backend_; }

  void Add(std::shared_ptr<Listener> listener);  // Told the present state unless it is idle.
  void Remove(const Listener& listener);
  bool unheld() const { return listeners_.empty(); }
  void Connect() { On(subchannel::ConnectAsked{}); }
  void UpdateHealth();  // Begins or ends the watch, as is wanted now, and tells.
  void ResetBackoff() { On(subchannel::BackoffOver{}); }
  void CloseHard(std::string_view why);  // Streams end.

  bool usable() const { return std::holds_alternative<subchannel::Ready>(state_); }
  bool HasSlot() const { return waiting_.empty() && carrier_->slots() > 0; }
  Carrier& carrier() { return *carrier_; }
  void WaitForSlot(Call& call);
  void NoteSlots() {
    if (carrier_ != nullptr) carrier_->NoteSlots();
  }
  // "10.0.4.5:80: connection refused (3 tries, next in 2.1s)"
  std::string Describe(Time now) const;
  Explanation::Backend Explain(Time now) const;

 private:
  void On(const subchannel::Event& event);
  void NoteError(absl::Status why);
  void Observe(const subchannel::State& before);
  void Run(subchannel::Action action);
  void Dial();
  void HangUp();
  void TellAll();
  void Tell(const std::shared_ptr<Listener>& listener);
  void OnHealth() override;
  bool ChooseHealthWatch();
  void ChooseLoadWatch();
  void ReleaseWaiting();
  SubchannelState Report(const Listener& to) const;

  void OnCarrierReady() override;
  void OnCarrierSlots() override;
  void OnCarrierSuspect() override;
  void OnCarrierDraining(const transport::GoAway& why) override;
  void OnCarrierClosed(const absl::Status& why) override;
  void OnTimer() override;  // The connect deadline, or the end of the backoff.

  Core& core_;
  const std::shared_ptr<Backend> backend_;
  subchannel::State state_ = subchannel::Idle{};
  std::vector<std::shared_ptr<Listener>> listeners_;
  absl::Status last_error_;  // Why the last attempt or connection ended.
  Time last_error_at_{};
  Time connect_by_{};
  std::unique_ptr<event::Dial> dial_;
  std::unique_ptr<Carrier> carrier_;
  std::unique_ptr<HealthWatch> health_;  // While it is ready and somebody wants to know.
  std::unique_ptr<LoadWatch> load_;      // Likewise.
  WaitQueue<Call> waiting_;
};

}  // namespace rondo::channel

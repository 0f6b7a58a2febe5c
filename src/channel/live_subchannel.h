#pragma once
// A subchannel at work: runs what subchannel_state.h decides, tells those who hold it, and keeps
// the calls that wait for a free stream. It has one connection, and more where the service config
// allows it and calls wait because all are full (A105). Threads: home.
#include <memory>
#include <string>
#include <vector>

#include "channel/carrier.h"
#include "channel/dial_gate.h"
#include "channel/health_watch.h"
#include "channel/load_probe.h"
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
                             public LoadProbe::Owner,
                             private event::TimerNode,
                             private DialGate::Ticket {
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
  void Connect() {
    if (!usable()) On(subchannel::ConnectAsked{});
  }
  void Probe(std::shared_ptr<Listener> listener, Duration timeout, OnProbe reply);
  void UpdateHealth();  // Begins or ends the watch, as is wanted now, and tells.
  void ResetBackoff() { OnBackoffOver(); }
  void UpdateScaling() { WantMore(); }   // Core::MostConnections may be another.
  void CloseHard(std::string_view why);  // Streams end.

  bool usable() const { return !carriers_.empty(); }
  bool HasSlot() const { return waiting_.empty() && carrier().slots() > 0; }
  // The oldest connection that has a free stream and isn't suspect; else the oldest that has one;
  // else the oldest. Requires: usable.
  Carrier& carrier() const { return carriers_.size() == 1 ? *carriers_.front() : ChooseCarrier(); }
  uint32_t slots() const {  // Free streams of all connections.
    return carriers_.size() == 1 ? carriers_.front()->slots() : AllSlots();
  }
  size_t open_streams() const;
  void WaitForSlot(Call& call);
  void NoteSlots() { backend_->load.SetFreeStreams(slots()); }  // As they are now.
  // "10.0.4.5:80: connection refused (3 tries, next in 2.1s)"
  std::string Describe(Time now) const;
  Explanation::Backend Explain(Time now) const;
  channelz::Subchannel ForChannelz(std::vector<channelz::Socket>& sockets) const;

 private:
  void On(const subchannel::Event& event);
  void NoteError(absl::Status why);
  void Run(subchannel::Action action);
  void Dial();
  void OnMayDial() override;
  void HangUp();
  void Publish();
  void OnTimer() override;  // The connect deadline, or the end of the backoff.
  void OnBackoffOver();

  void OnCarrierReady(Carrier& carrier) override;
  void OnCarrierSlots() override;
  void OnCarrierStreams() override { NoteSlots(); }
  void OnCarrierSuspect() override;
  void OnCarrierDraining(Carrier& carrier, const transport::GoAway& why) override;
  void OnCarrierClosed(Carrier& carrier, const absl::Status& why) override;
  std::unique_ptr<Carrier> TakeOut(Carrier& carrier);
  void OnLost(const absl::Status& why);
  void OnGone(std::string_view why);
  bool HasOld() const;
  void RetireOld();
  void WatchAge();
  void ObserveLost(std::string_view why);

  Carrier& ChooseCarrier() const;
  uint32_t AllSlots() const;
  void OpenWaiting();
  void WantMore();
  void ReleaseWaiting();

  void TellAll();
  void Tell(const std::shared_ptr<Listener>& listener);
  void OnHealth() override;
  void OnProbeEnd(LoadProbe& probe, bool unimplemented) override;
  bool ChooseHealthWatch();
  void ChooseLoadWatch();
  Connectivity connectivity() const;
  SubchannelState Report(const Listener& to) const;

  struct Probing {
    std::shared_ptr<Listener> listener;
    OnProbe reply;
    std::unique_ptr<LoadProbe> probe;
  };
  struct AgeTimer final : event::TimerNode {
    explicit AgeTimer(LiveSubchannel& l) : live(l) {}
    void OnTimer() override { live.WantMore(); }
    LiveSubchannel& live;
  };

  Core& core_;
  const std::shared_ptr<Backend> backend_;
  const int64_t id_ = channelz::NextId();
  subchannel::State state_ = subchannel::Idle{};
  std::vector<std::shared_ptr<Listener>> listeners_;
  absl::Status last_error_;  // Why the last attempt or connection ended.
  Time last_error_at_{};
  Time connect_by_{}, asked_to_dial_{};
  std::unique_ptr<event::Dial> dial_;
  std::unique_ptr<Carrier> fresh_;                  // The server's SETTINGS haven't come.
  std::vector<std::unique_ptr<Carrier>> carriers_;  // Ready ones, the oldest first.
  bool told_ready_ = false;
  AgeTimer age_{*this};  // Armed for the oldest connection.
  // While it is ready and somebody wants to know; on the oldest connection.
  std::unique_ptr<HealthWatch> health_;
  std::unique_ptr<LoadWatch> load_;
  std::vector<Probing> probes_;        // On the way.
  const Carrier* unprobed_ = nullptr;  // Its server offers no probes.
  WaitQueue<Call> waiting_;
};

}  // namespace rondo::channel

#pragma once
// The inside of a channel: control plane on the home loop, published plans, and the queue of calls
// that wait. One file for each concern: core (life, idle, turns), core_resolve (names and config),
// root_control (what policies may ask), subchannel_pool and live_subchannel (connections), call.
// Threads: home, except where it says "any".
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "balance/policy_node.h"
#include "balance/registry.h"
#include "base/channelz.h"
#include "channel/idle_timer.h"
#include "channel/method_heads.h"
#include "channel/ping_manners.h"
#include "channel/plan_slots.h"
#include "channel/request_body.h"
#include "channel/retry_state.h"
#include "channel/service_config.h"
#include "channel/state_board.h"
#include "channel/subchannel_pool.h"
#include "channel/wait_queue.h"
#include "event/event_loop.h"
#include "event/name_service.h"
#include "event/socket.h"
#include "http2/headers.h"
#include "rondo/channel.h"
#include "rondo/explain.h"
#include "rondo/observe.h"

namespace rondo::channel {

class Call;

// Where a channel lives: sockets, clock and chance are arguments.
struct Environment {
  std::shared_ptr<event::EventLoop> home;
  event::Network* network = nullptr;
  uint64_t seed = 0;
  const void* runtime = nullptr;  // Channels of one runtime share gauges; others never meet.
  // The process's environment, by a variable's name; nullopt: it isn't set. Null: there is none.
  std::function<std::optional<std::string>(std::string_view)> variable{};
  event::NameServiceFactory names = &event::SystemNames;  // For the host of a proxy.
};

class Core final : public Post,
                   private event::TurnNode,
                   private event::StopNode,
                   private event::TimerNode {
 public:
  // INVALID_ARGUMENT for a target, config or option that can't be.
  static absl::StatusOr<std::shared_ptr<Core>> Create(std::string_view target,
                                                      ChannelOptions options, Environment env);
  ~Core() override;

  // ---- Any thread.
  const ChannelOptions& options() const { return options_; }
  const std::string& target() const { return target_text_; }
  std::string ShortTarget() const;  // For texts: the beginning of a long one.
  const std::string& authority() const { return authority_; }
  event::EventLoop& home() const { return *home_; }
  bool IsHome() const { return home_->IsHere(); }
  PlanSlots& plans() { return plans_; }
  const StateBoard& board() const { return board_; }
  const PolicyRegistry& registry() const { return registry_; }
  std::shared_ptr<Core> Self() const { return self_.lock(); }
  void Deliver(NudgeRef nudge) override;  // Post: from a pick.
  void Close();                           // Begins the shutdown; it is done on the home loop.

  // ---- Home: calls.
  MethodHeads& heads() { return *heads_; }
  // Room for the header fields of the call that is being opened.
  std::vector<http2::Header>& scratch_headers() { return scratch_headers_; }
  bool closed() const { return closed_; }
  bool has_resolved() const { return resolved_; }
  void Enqueue(Call& call);  // It waits for the next plan; the channel leaves idle if need be.
  void Rest(Call& call);     // It waits to try again, by its own timer.
  retry::Budget& retry_budget() { return retry_budget_; }
  ReplayRoom& replay_room() { return replay_room_; }
  void OnCallEnd(bool ok) {
    ++ended_;
    succeeded_ += ok ? 1 : 0;
    idle_.OnCallEnd(home_->Now());
  }
  // What a failed call would ask: "policy round_robin, 3 endpoints (from dns): 10.0.4.5:80 ..."
  std::string Explain() const;
  Explanation Explained() const;  // All of it; core_explain.cc.
  channelz::Channel ForChannelz(channelz::SocketRange sockets) const;  // core_channelz.cc
  PolicyNode& policies() { return policies_; }

  // ---- Home: those who measure.
  bool observed() const { return !observers_.empty(); }
  // `tell` is void(ChannelObserver&).
  template <class F>
  void Observe(F tell) {
    for (const auto& observer : observers_) tell(*observer);
  }

  // Whether the load reports that come with calls are looked at (A51).
  bool reads_call_reports() const { return published_config_->call_reports(); }

  // ---- Home: health.
  // The service whose health connections are watched for (A17); nullopt: none.
  std::optional<std::string> HealthService() const;
  // What one backend may have, when calls wait for a free stream (A105).
  size_t MostConnections() const;
  // When a connection that is ready now is to be replaced; never: Time::max().
  Time OldAt();
  void WarnOf(std::string_view whom, std::string_view what) { Warn(whom, {std::string(what)}); }

  // ---- Home: verbs of the user.
  void Connect();
  void EnterIdle();  // Unless calls are running.
  void ResetBackoff() { pool_.ResetBackoff(); }
  void Subscribe(std::shared_ptr<StateBoard::Subscriber> s) { board_.Add(std::move(s)); }
  void SetServiceConfig(std::shared_ptr<const ServiceConfig> config);  // Null: no longer.

  // ---- Home: policies and connections.
  SubchannelPool& pool() { return pool_; }
  event::Network& network() { return secure_ != nullptr ? *secure_ : plain_network(); }
  Chance& chance() { return chance_; }
  const PingManners& ping_manners() const { return manners_; }
  // A server said so to a connection with this keepalive time.
  void OnTooManyPings(std::string_view peer, Duration keepalive_time);
  Duration BackoffDelay(int attempt);
  void OnPublish(Connectivity state, Control::Recipe recipe);
  void WantReresolve();
  // Runs `event` with a Control before the turn ends, never inline.
  void Tell(OnEvent event);
  std::shared_ptr<Gauge> SharedGauge(std::string_view key) const;

 private:
  Core(ChannelOptions options, Environment env);
  absl::Status Init(std::string_view target);
  absl::Status UseProxy();
  absl::Status Secure();
  event::Network& plain_network() const { return proxied_ ? *proxied_ : *env_.network; }
  void OnTurnEnd() override;
  void OnLoopStop() override;
  void OnTimer() override;  // Time to look whether the channel is idle.
  void Shutdown(const absl::Status& why);
  void JoinChannelz();
  void LeaveChannelz();
  void RunEvents();
  void PublishPlan();
  void PublishStates();
  absl::Status WhyCallsFail();
  void RetryQueued();
  void ExitIdle();
  void DropControlPlane();
  int64_t running() const { return plans_.begun() - ended_; }
  bool active() const { return root_ != nullptr; }

  // Names and config (core_resolve.cc).
  void StartResolver();
  absl::Status OnResolution(Resolution resolution);
  absl::Status Apply(EndpointList endpoints, std::string note);
  void ApplyError(const absl::Status& why);
  void Warn(std::string_view config, const std::vector<std::string>& warnings);
  void WarnOfResolversConfig(const std::optional<std::string>& json);
  void RefuseConfig(const absl::Status& why);
  template <class F>
  void InPolicy(F call);

  const ChannelOptions options_;
  const Environment env_;
  std::unique_ptr<event::Network> proxied_;  // Over env_'s; null: there is no proxy.
  std::unique_ptr<event::Network> secure_;   // TLS over plain_network(); null: plaintext.
  const std::shared_ptr<event::EventLoop> home_;
  const PolicyRegistry registry_;
  std::vector<std::unique_ptr<ChannelObserver>> observers_;  // Settled by Create.
  std::weak_ptr<Core> self_;
  Target target_;
  std::string target_text_, authority_;
  ResolverFactory resolver_factory_;
  PlanSlots plans_;
  StateBoard board_;
  std::atomic<bool> close_asked_{false};

  // Home's.
  std::unique_ptr<MethodHeads> heads_;
  std::vector<http2::Header> scratch_headers_;
  Chance chance_;
  std::unique_ptr<ConfigInForce> configs_;
  EndpointList endpoints_;  // The last that were applied.
  std::string note_;
  bool resolved_ = false;         // The resolver has answered, well or not.
  std::optional<Time> answered_;  // When it last had endpoints.
  absl::Status trouble_;          // Its last answer, if that was an error.
  Time trouble_at_{};
  bool reresolve_ = false, closed_ = false;
  SubchannelPool pool_;
  PolicyNode policies_;           // Those of the top sit here.
  std::unique_ptr<Policy> root_;  // graceful_switch; null while idle.
  std::unique_ptr<Resolver> resolver_;
  Control::Recipe recipe_;  // Not cooked yet.
  PickerRef picker_;
  std::shared_ptr<const ServiceConfig> published_config_;
  std::optional<std::string> warned_of_;  // The resolver's last service config.
  std::vector<std::pair<ChannelState, absl::Status>> states_;  // To be published, in this order.
  std::deque<OnEvent> events_;
  WaitQueue<Call> queue_, resting_;
  retry::Budget retry_budget_;
  ReplayRoom replay_room_;
  IdleTimer idle_;
  int64_t ended_ = 0, succeeded_ = 0;  // Calls.
  const int64_t id_ = channelz::NextId();
  PingManners manners_;
};

}  // namespace rondo::channel

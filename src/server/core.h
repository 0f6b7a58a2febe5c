#pragma once
// The inside of a Server: what its loops share, and its life from Start to Stop.
// Threads: any, all methods.
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "event/event_loop.h"
#include "event/socket.h"
#include "rondo/orca.h"
#include "rondo/server.h"
#include "server/admission.h"
#include "server/dispatch.h"
#include "server/shard.h"
#include "server/worker_pool.h"

namespace rondo::server {

// Where a server lives: loops, sockets and chance are arguments.
struct Environment {
  std::vector<std::shared_ptr<event::EventLoop>> loops;  // At least one.
  event::Network* network = nullptr;
  uint64_t seed = 0;
};

class Core {
 public:
  static std::shared_ptr<Core> Make(ServerOptions options, Environment env);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // ---- Before Start.
  Dispatch& dispatch() { return dispatch_; }
  void Add(Service& service);
  void ReportLoad(const ServerLoad& load) { load_ = load; }

  // ---- The server's verbs; see rondo/server.h.
  absl::Status Start();
  const std::vector<std::string>& addresses() const { return addresses_; }
  void DrainAsync(Duration grace, Function<void(absl::Status)> done);
  void Stop();
  void ForgetDrains();  // Nobody waits for them any more.
  WorkerPool& workers() { return workers_; }
  bool IsOnALoop() const;

  // ---- Shards.
  std::shared_ptr<Core> Self() const { return self_.lock(); }
  const ServerOptions& options() const { return options_; }
  const Dispatch& routes() const { return dispatch_; }
  const std::optional<ServerLoad>& load() const { return load_; }  // Of every call.
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }
  Admission& admission() { return admission_; }
  size_t connections() const { return connections_.load(std::memory_order_relaxed); }
  bool TakeConnection();  // False: there are max_connections.
  size_t accepted() const { return accepted_.load(std::memory_order_relaxed); }
  void ReturnConnection() { connections_.fetch_sub(1, std::memory_order_relaxed); }
  void JoinChannelz();  // channelz_core.cc
  void LeaveChannelz();
  // A shard that drains waits for nothing more; `cut_off` of its calls were ended. Once for each.
  void OnQuiet(size_t cut_off);

 private:
  enum class Phase : uint8_t { kNew, kRunning, kDraining, kDone };
  using DrainDone = Function<void(absl::Status)>;

  Core(ServerOptions options, Environment env);
  absl::Status CheckOptions() const;
  absl::Status Secure();
  absl::Status TellServices();
  absl::Status Listen();
  absl::Status ListenOn(Shard& shard);
  event::EventLoop& PickLoop();
  void AcceptOn(event::EventLoop& loop, std::unique_ptr<event::Socket> socket);
  void BeginDrain();
  void LimitDrain(Duration grace);
  void CutOff();
  void TellDrains();

  std::weak_ptr<Core> self_;
  const ServerOptions options_;
  event::Network& network_;
  std::unique_ptr<event::Network> secure_;  // TLS over it; null: plaintext.
  Dispatch dispatch_;
  Admission admission_;
  std::vector<Service*> services_;
  std::optional<ServerLoad> load_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::string> addresses_;
  const int64_t id_ = channelz::NextId();
  std::vector<int64_t> listener_ids_;  // Of addresses_.
  std::atomic<bool> stopped_{false};
  std::atomic<size_t> connections_{0}, accepted_{0}, next_loop_{0};

  std::mutex mutex_;  // Guards all that follows.
  Phase phase_ = Phase::kNew;
  size_t loud_ = 0;     // Shards that are not quiet yet.
  size_t cut_off_ = 0;  // Calls.
  std::vector<DrainDone> drains_;

  WorkerPool workers_;
};

}  // namespace rondo::server

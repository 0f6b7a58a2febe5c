#pragma once
// A server's own word of its load (ORCA, gRFC A51 and A85), for policies such as
// weighted_round_robin:
//   rondo::ServerLoad load;
//   load.Set({.cpu = 0.7, .qps = 1200});   // From time to time.
//   server.ReportLoad(load);               // With every call's trailers.
//   rondo::OrcaService orca(load);
//   server.Add(orca);                      // To those who ask for it beside calls.
//   call.ReportLoad({.cpu = 0.2});         // In a handler: this call's own.
#include <chrono>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "rondo/backend.h"
#include "rondo/server.h"

namespace rondo {

// The figures of a server as a whole. All are 0 at first, which says nothing. What ORCA doesn't
// allow (LoadReport says what it allows) is kept here and not sent. Copies share the figures.
// Threads: any, all methods.
class ServerLoad {
 public:
  ServerLoad() : shared_(std::make_shared<Shared>()) {}

  void Set(LoadReport figures) {  // In the place of all earlier ones.
    const std::lock_guard lock(shared_->mutex);
    shared_->figures = std::move(figures);
  }
  // change(LoadReport&) changes some of them. It holds a lock: it may not block or come back here.
  template <class F>
  void Change(F change) {
    const std::lock_guard lock(shared_->mutex);
    change(shared_->figures);
  }
  LoadReport Get() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->figures;
  }

 private:
  struct Shared {
    std::mutex mutex;  // Guards figures.
    LoadReport figures;
  };
  std::shared_ptr<Shared> shared_;  // Never null.
};

struct OrcaOptions {
  // Who asks for reports more often gets them so often; who doesn't say how often, too. 1 ms or
  // more. Each connection that asks costs one message in that time.
  Duration min_report_period = std::chrono::seconds(30);
};

// xds.service.orca.v3.OpenRcaService: clients that ask hear the figures at once and then
// periodically, whether they call or not. When a server drains that it was added to, they are let
// go with UNAVAILABLE. It may serve several servers. Threads: any, all methods.
class OrcaService final : public Service {
 public:
  explicit OrcaService(const ServerLoad& load, OrcaOptions options = {});
  OrcaService(const OrcaService&) = delete;
  OrcaService& operator=(const OrcaService&) = delete;
  ~OrcaService() override;

  std::vector<ServerMethod> Methods() override;
  std::string_view ProtoFile() const override;
  absl::Status OnStart(const ServedServices& served) override;
  void OnDrain() override;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace rondo

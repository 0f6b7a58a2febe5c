#pragma once
// gRPC's own metrics (gRFC A66, A78, A94, A96) of channels and servers, for Prometheus.
//   auto metrics = std::make_shared<rondo::Metrics>();
//   ChannelOptions{.observers = {metrics}}, ServerOptions{.observers = {metrics}}
//   metrics->PrometheusText()   // what /metrics answers
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "rondo/observe.h"

namespace rondo {

struct MetricsOptions {
  // Whether a channel's target becomes the label grpc.target; else "other". Null: all do.
  std::function<bool(std::string_view target)> keep_target{};
};

// One registry; any number of channels and servers may share it, and it keeps what they counted
// after they are gone.
// Threads: any, all methods.
class Metrics final : public Observer {
 public:
  explicit Metrics(MetricsOptions options = {});
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  ~Metrics() override;

  // Prometheus' text format 0.0.4, sorted. Names are gRPC's with "_" for "." and the unit behind:
  // grpc.client.attempt.duration is grpc_client_attempt_duration_seconds.
  std::string PrometheusText() const;

  std::unique_ptr<ChannelObserver> ForChannel(std::string_view target,
                                              std::string_view security) override;
  std::unique_ptr<ServerObserver> ForServer() override;

  class Registry;  // Opaque.

 private:
  const MetricsOptions options_;
  const std::shared_ptr<Registry> registry_;
};

}  // namespace rondo

#pragma once
// gRPC's health service (grpc.health.v1.Health: Check, Watch, List): what load balancers,
// Kubernetes' probes and clients that watch (A17) ask.
//   rondo::HealthService health;
//   server.Add(health);
//   health.SetStatus("shop.v1.Shop", rondo::ServingStatus::kNotServing);
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "rondo/server.h"

namespace rondo {

// The numbers are the protocol's.
enum class ServingStatus : uint8_t { kUnknown = 0, kServing = 1, kNotServing = 2 };

// The server as a whole is the service "", and SERVING from the start; what nobody has set a status
// of is unknown: Check says NOT_FOUND, Watch SERVICE_UNKNOWN until there is one. When a server
// drains that it was added to, everything is NOT_SERVING for good, and watches end with UNAVAILABLE
// once they have told so. It may serve several servers at once: the first that drains counts for
// all. Threads: any, all methods.
class HealthService final : public Service {
 public:
  HealthService();
  HealthService(const HealthService&) = delete;
  HealthService& operator=(const HealthService&) = delete;
  ~HealthService() override;

  // Those who watch are told, unless it is what they heard last. After a drain began: remembered,
  // not told.
  void SetStatus(std::string_view service, ServingStatus status);
  void SetAll(ServingStatus status);  // Of all services that have one.
  void Remove(std::string_view service);

  std::vector<ServerMethod> Methods() override;
  std::string_view ProtoFile() const override;
  void OnDrain() override;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace rondo

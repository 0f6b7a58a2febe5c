#pragma once
// A server's half of the policy prequal (NSDI'24): it counts its calls, and answers clients that
// ask how many there are and how long one takes.
//   rondo::LoadProbeService probes;
//   rondo::Server server({.interceptors = {probes.Counter()}, ...});
//   server.Add(probes);
#include <memory>
#include <string_view>
#include <vector>

#include "rondo/interceptor.h"
#include "rondo/server.h"

namespace rondo {

// rondo.load.v1.LoadProbe: Probe answers with a load report (ORCA, A51) whose named_metrics are
// "rif", the calls in flight, and "latency", in seconds: the median of calls that ended of late and
// that began when about so many were in flight; 0: none did. Admission doesn't refuse probes, and
// they don't count. A streaming call counts from its begin to its end.
// It may serve several servers, whose calls are then counted together. Threads: any, all methods.
class LoadProbeService final : public Service {
 public:
  LoadProbeService();
  LoadProbeService(const LoadProbeService&) = delete;
  LoadProbeService& operator=(const LoadProbeService&) = delete;
  ~LoadProbeService() override;

  // Counts calls while their handlers, and the interceptors behind it, run: best stands first. It
  // may outlive the service. Without it there is nothing in flight.
  ServerInterceptor Counter() const;

  std::vector<ServerMethod> Methods() override;

 private:
  class State;
  const std::shared_ptr<State> state_;
};

}  // namespace rondo

#pragma once
// Out-of-band load reports (A51): a call of xds.service.orca.v3.OpenRcaService/StreamCoreMetrics on
// a connection, for as long as it is ready, whose reports go into the backend's load cell. Threads:
// home.
#include <memory>

#include "channel/backend.h"
#include "channel/service_watch.h"

namespace rondo::channel {

class LoadWatch final : public ServiceWatch {
 public:
  // Begins at once; core and carrier outlive it. `period` > 0: how often the server is to report.
  LoadWatch(Core& core, Carrier& carrier, std::shared_ptr<Backend> backend, Duration period);

  Duration period() const { return period_; }

 private:
  absl::Status OnReply(Bytes reply) override;
  void OnGivenUp(const absl::Status&) override {}
  void OnUnimplemented(const absl::Status& why) override;

  const std::shared_ptr<Backend> backend_;
  const Duration period_;
};

}  // namespace rondo::channel

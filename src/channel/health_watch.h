#pragma once
// Client-side health checking (A17): a call of grpc.health.v1.Health/Watch on a connection, for as
// long as it is ready. It is no call of the user's: no statistics count it, it keeps no channel
// from going idle.
// Threads: home.
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "event/event_loop.h"
#include "rondo/balance.h"
#include "rondo/compression.h"
#include "transport/stream.h"

namespace rondo::channel {

class Carrier;
class Core;

class HealthWatch final : private transport::StreamHandler, private event::TimerNode {
 public:
  class Owner {
   public:
    // health() has changed. The watch may not be destroyed in it.
    virtual void OnHealth() = 0;

   protected:
    ~Owner() = default;
  };

  // Begins at once; core, carrier and owner outlive it. The owner isn't told in here.
  HealthWatch(Core& core, Carrier& carrier, std::string service, std::string address, Owner& owner);

  const std::string& service() const { return service_; }
  // CONNECTING until the server has spoken, and while it is asked again; READY: serving, or it has
  // no health service.
  Connectivity health() const { return health_; }
  const absl::Status& why() const { return why_; }  // Of kTransientFailure.
  void OnSlots() {                                  // A stream may be free.
    if (waits_for_slot_) Open();
  }

 private:
  void Open();
  void OnHeaders(const http2::Headers& headers) override;
  void OnMessage(const transport::Message& message) override;
  void OnEnd(const transport::End& end) override;
  void OnTimer() override { Open(); }
  absl::Status StatusOf(const transport::End& end);
  void Become(Connectivity health, absl::Status why);
  void GiveUp(absl::Status why);

  Core& core_;
  Carrier& carrier_;
  const std::string service_, address_;
  Owner& owner_;
  Connectivity health_ = Connectivity::kConnecting;
  absl::Status why_;
  bool waits_for_slot_ = false;
  int attempt_ = 0;  // Since a message came.
  absl::Status broken_;
  std::optional<Compression> encoding_;
  transport::Stream stream_;  // Last: dies first, and with it all events.
};

}  // namespace rondo::channel

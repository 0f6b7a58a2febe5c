#pragma once
// One question to a server how busy it is: a call of rondo.load.v1.LoadProbe/Probe on a connection,
// for policies such as prequal. It is no call of the user's: no statistics count it, it keeps no
// channel from going idle, and it isn't repeated.
// Threads: home.
#include <memory>
#include <optional>

#include "channel/backend.h"
#include "event/event_loop.h"
#include "rondo/balance.h"
#include "rondo/compression.h"
#include "transport/stream.h"

namespace rondo::channel {

class Carrier;
class Core;

class LoadProbe final : private transport::StreamHandler, private event::TimerNode {
 public:
  class Owner {
   public:
    // It is over and may be destroyed in here. `unimplemented`: the server offers no such thing.
    virtual void OnProbeEnd(LoadProbe& probe, bool unimplemented) = 0;

   protected:
    ~Owner() = default;
  };

  // Core, carrier and owner outlive it.
  LoadProbe(Core& core, Carrier& carrier, Backend& backend, Owner& owner)
      : core_(core), carrier_(carrier), backend_(backend), owner_(owner) {}
  LoadProbe(const LoadProbe&) = delete;
  LoadProbe& operator=(const LoadProbe&) = delete;

  // To be called once. False: there is no free stream, and nothing will come.
  bool Start(Duration timeout);
  const Carrier& carrier() const { return carrier_; }
  // What came, once it is over.
  const std::optional<LoadReport>& report() const { return report_; }

 private:
  void OnHeaders(const http2::Headers& headers) override;
  void OnMessage(const transport::Message& message) override;
  void OnEnd(const transport::End& end) override;
  void OnTimer() override;

  Core& core_;
  Carrier& carrier_;
  Backend& backend_;
  Owner& owner_;
  bool good_ = true;
  std::optional<Compression> encoding_ = Compression::kIdentity;
  std::optional<LoadReport> report_;
  transport::Stream stream_;  // Last: dies first, and with it all events.
};

}  // namespace rondo::channel

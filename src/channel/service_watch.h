#pragma once
// A call of the runtime's own on one connection whose replies are followed for as long as the
// connection is ready: health (A17), load reports (A51). It is no call of the user's: no statistics
// count it, it keeps no channel from going idle. When it ends it is begun again, with backoff.
// Threads: home.
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "event/event_loop.h"
#include "rondo/call.h"
#include "rondo/compression.h"
#include "transport/stream.h"

namespace rondo::channel {

class Carrier;
class Core;

class ServiceWatch : private transport::StreamHandler, private event::TimerNode {
 public:
  ServiceWatch(const ServiceWatch&) = delete;
  ServiceWatch& operator=(const ServiceWatch&) = delete;
  void OnSlots() {  // A stream may be free.
    if (waits_for_slot_) Open();
  }
  const Carrier& carrier() const { return carrier_; }

 protected:
  // Core, carrier and method outlive it. `request`: the one message, serialised. `most`: bytes of a
  // reply.
  ServiceWatch(Core& core, Carrier& carrier, const Method& method, std::string request, size_t most)
      : core_(core),
        carrier_(carrier),
        method_(method),
        request_(std::move(request)),
        most_(most) {}
  virtual ~ServiceWatch() = default;

  void Open();  // To be called once; then it goes on by itself.
  Core& core() const { return core_; }

  virtual void OnOpen() {}  // Asked, the first time or again.
  // A status that isn't OK: it is no reply, the call is given up and begun again later.
  virtual absl::Status OnReply(Bytes reply) = 0;
  virtual void OnGivenUp(const absl::Status& why) = 0;  // Begun again later.
  // The server has no such method: it isn't asked again on this connection.
  virtual void OnUnimplemented(const absl::Status& why) = 0;

 private:
  void OnHeaders(const http2::Headers& headers) override;
  void OnMessage(const transport::Message& message) override;
  void OnEnd(const transport::End& end) override;
  void OnTimer() override { Open(); }
  absl::Status StatusOf(const transport::End& end);
  void GiveUp(const absl::Status& why);

  Core& core_;
  Carrier& carrier_;
  const Method& method_;
  const std::string request_;
  const size_t most_;
  bool waits_for_slot_ = false;
  int attempt_ = 0;  // Since a message came.
  absl::Status broken_;
  std::optional<Compression> encoding_;
  transport::Stream stream_;  // Last: dies first, and with it all events.
};

}  // namespace rondo::channel

#pragma once
// A connection of this channel with what its calls need: it outlives its subchannel until the last
// stream has ended, so that a backend that leaves, or says GOAWAY, loses no running call.
// Threads: home.
#include <memory>

#include "channel/backend.h"
#include "transport/link.h"

namespace rondo::channel {

class Core;

class Carrier final : private transport::LinkEvents {
 public:
  // What the subchannel hears, until Retire or its own end.
  class Owner {
   public:
    virtual void OnCarrierReady(Carrier& carrier) = 0;
    virtual void OnCarrierSlots() = 0;    // slots() went from 0 to more.
    virtual void OnCarrierStreams() = 0;  // A watch has taken a stream, or given it back.
    virtual void OnCarrierSuspect() = 0;  // suspect() has changed.
    // No new stream may go here. The owner hands it to Retire, or drops it.
    virtual void OnCarrierDraining(Carrier& carrier, const transport::GoAway& why) = 0;
    // Gone: the last event, the carrier may be destroyed in it.
    virtual void OnCarrierClosed(Carrier& carrier, const absl::Status& why) = 0;

   protected:
    ~Owner() = default;
  };

  Carrier(Core& core, std::shared_ptr<Backend> backend, std::unique_ptr<event::Socket> socket,
          Time ready_by, Owner& owner);

  transport::Connection& connection() { return link_.connection(); }
  uint32_t slots() const { return link_.slots(); }
  size_t open_streams() const { return link_.open_streams(); }
  bool ready() const { return link_.ready(); }
  bool suspect() const { return suspect_; }
  void NoteSlots() {  // To be called by watches.
    if (owner_ != nullptr) owner_->OnCarrierStreams();
  }
  // When it is to be replaced, if ever.
  Time old_at() const { return old_at_; }
  void set_old_at(Time at) { old_at_ = at; }
  const Backend& backend() const { return *backend_; }
  bool SpeaksFor(std::string_view host) const { return link_.SpeaksFor(host); }
  // Why it ends, in the other side's words.
  std::string cause() const { return link_.cause(); }
  int64_t id() const { return link_.id(); }
  channelz::Socket ForChannelz() const { return link_.ForChannelz(); }
  // The owner lets go: the core keeps it until its last stream has ended.
  static void Retire(std::unique_ptr<Carrier> carrier);
  void Close(std::string_view why) { link_.Close(http2::Code::kNoError, why); }

 private:
  void OnReady() override;
  void OnDraining(const transport::GoAway& why) override;
  void OnSlots() override;
  void OnSuspect(bool suspect) override;
  void OnClosed(const absl::Status& why) override;

  Core& core_;
  const std::shared_ptr<Backend> backend_;
  Owner* owner_;  // Null once retired.
  const Duration keepalive_time_;
  bool suspect_ = false;
  Time old_at_ = Time::max();
  transport::Link link_;
};

}  // namespace rondo::channel

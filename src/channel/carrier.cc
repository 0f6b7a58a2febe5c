#include "channel/carrier.h"

#include "channel/core.h"

namespace rondo::channel {
namespace {

transport::LinkOptions OptionsOf(const Core& core, Time ready_by) {
  transport::LinkOptions options;
  options.limits.max_message = core.options().max_receive_message;
  options.ready_by = ready_by;
  options.pulse.stall = core.options().stall;
  options.pulse.stall_pings = core.ping_manners().stall_pings();
  options.pulse.keepalive_time = core.ping_manners().keepalive_time();
  options.pulse.keepalive_timeout = core.options().keepalive.timeout;
  options.pulse.permit_without_calls = core.options().keepalive.permit_without_calls;
  return options;
}

}  // namespace

Carrier::Carrier(Core& core, std::shared_ptr<Backend> backend,
                 std::unique_ptr<event::Socket> socket, Time ready_by, Owner& owner)
    : core_(core),
      backend_(std::move(backend)),
      owner_(&owner),
      keepalive_time_(core.ping_manners().keepalive_time()),
      link_(core.home(), std::move(socket), http2::Role::kClient, OptionsOf(core, ready_by),
            *this) {}

void Carrier::Retire(std::unique_ptr<Carrier> carrier) {
  carrier->owner_ = nullptr;
  if (carrier->link_.open_streams() == 0) return;  // Closes here.
  Carrier& kept = *carrier;
  kept.core_.pool().Keep(std::move(carrier));
  kept.link_.Drain();
}

void Carrier::OnReady() {
  if (owner_ != nullptr) owner_->OnCarrierReady(*this);
}

void Carrier::OnDraining(const transport::GoAway& why) {
  if (why.code == http2::Code::kEnhanceYourCalm && why.debug == "too_many_pings") {
    core_.OnTooManyPings(link_.peer(), keepalive_time_);
  }
  if (owner_ != nullptr) owner_->OnCarrierDraining(*this, why);
}

void Carrier::OnSlots() {
  if (owner_ != nullptr) owner_->OnCarrierSlots();
}

void Carrier::OnSuspect(bool suspect) {
  suspect_ = suspect;
  if (owner_ != nullptr) owner_->OnCarrierSuspect();
}

void Carrier::OnClosed(const absl::Status& why) {
  if (owner_ != nullptr) return owner_->OnCarrierClosed(*this, why);
  core_.pool().Forget(*this);  // Destroys this.
}

}  // namespace rondo::channel

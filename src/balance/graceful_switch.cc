#include "balance/graceful_switch.h"

#include "balance/seat.h"

namespace rondo {
namespace {

// A live switch needs no code of its own: the new policy opens the same addresses while the old one
// still holds them, is told READY before the turn ends, and takes over; then the old handles go.
class GracefulSwitch final : public Policy {
 public:
  absl::Status OnUpdate(const Update& update, Control& control) override {
    const ChildConfig& child = static_cast<const SwitchConfig&>(*update.config).child;
    Update inner = update;
    inner.config = child.config;
    if (Latest() == nullptr || Latest()->factory().name != child.factory->name) {
      // A pending one that never got to serve goes at once.
      (current_ == nullptr ? current_ : pending_) = std::make_unique<Child>(child.factory, *this);
    }
    return Latest()->OnUpdate(inner, control);
  }
  void OnResolverError(const absl::Status& why, Control& control) override {
    if (Latest() != nullptr) return Latest()->OnResolverError(why, control);
    control.Publish(Connectivity::kTransientFailure, FailPicker(why));
  }
  void OnIdleExit(Control& control) override {
    if (Latest() != nullptr) Latest()->OnIdleExit(control);
  }
  void OnChild(Seat& seat, Control& control) {
    const bool from_pending = &seat == pending_.get();
    if (pending_ != nullptr && (current_->state() != Connectivity::kReady ||
                                (from_pending && seat.state() != Connectivity::kConnecting))) {
      // The old one's handles go; connections that the new one shares stay.
      current_ = std::exchange(pending_, nullptr);
    } else if (from_pending) {
      return;  // Until the switch only the current one is heard.
    }
    control.Publish(current_->state(), [this](const View& v) { return current_->picker(v); });
  }

 private:
  struct Child final : SeatOf<GracefulSwitch> {
    using SeatOf::SeatOf;
    // The resolver works for the latest only: what the old one lacks is of no interest any more.
    void OnReresolve(Control& up) override {
      if (parent_.Latest() == this) up.Reresolve();
    }
  };
  Child* Latest() { return pending_ != nullptr ? pending_.get() : current_.get(); }

  std::unique_ptr<Child> current_, pending_;
};

}  // namespace

PolicyFactory GracefulSwitchPolicy() {
  return {.name = "graceful_switch", .make = [] { return std::make_unique<GracefulSwitch>(); }};
}

}  // namespace rondo

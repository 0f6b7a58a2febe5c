#pragma once
// What policies with one child share: it stands below a graceful switch, and is passed on.
// Threads: home.
#include <memory>
#include <utility>

#include "balance/graceful_switch.h"
#include "balance/seat.h"
#include "rondo/config.h"

namespace rondo {

class OneChild : public Policy {
 public:
  void OnResolverError(const absl::Status& why, Control& control) override {
    if (seat_ != nullptr) return seat_->OnResolverError(why, control);
    control.Publish(Connectivity::kTransientFailure, FailPicker(why));
  }
  void OnIdleExit(Control& control) override {
    if (seat_ != nullptr) seat_->OnIdleExit(control);
  }
  void OnChild(Seat& seat, Control& control) {
    control.Publish(seat.state(), [this](const View& v) { return Wrap(seat_->picker(v)); });
  }

 protected:
  // A seat whose step in metrics is the child's own.
  template <class Parent>
  struct ChildSeat : SeatOf<Parent> {
    using SeatOf<Parent>::SeatOf;
    std::string_view label() const override { return ""; }
  };
  virtual PickerRef Wrap(PickerRef child) { return child; }
  virtual std::unique_ptr<Seat> MakeSeat() {
    return std::make_unique<ChildSeat<OneChild>>(switch_, *this);
  }
  absl::Status Pass(Update update, const ChildConfig& child, Control& control) {
    if (seat_ == nullptr) seat_ = MakeSeat();
    update.config = std::make_shared<SwitchConfig>(child);
    return seat_->OnUpdate(update, control);
  }
  const FactoryRef switch_ = std::make_shared<const PolicyFactory>(GracefulSwitchPolicy());
  std::unique_ptr<Seat> seat_;
};

}  // namespace rondo

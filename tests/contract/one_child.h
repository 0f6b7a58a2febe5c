#pragma once
// What combinators share: one child below a graceful switch, and endpoints by the child they belong
// to.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "balance/graceful_switch.h"
#include "balance/seat.h"
#include "rondo/config.h"

namespace rondo::contract {

// A child policy that a config names, given to whoever has one child: publishes what it does.
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
  virtual PickerRef Wrap(PickerRef child) { return child; }
  virtual std::unique_ptr<Seat> MakeSeat() {
    return std::make_unique<SeatOf<OneChild>>(switch_, *this);
  }
  absl::Status Pass(Update update, const ChildConfig& child, Control& control) {
    if (seat_ == nullptr) seat_ = MakeSeat();
    update.config = std::make_shared<SwitchConfig>(child);
    return seat_->OnUpdate(update, control);
  }
  const FactoryRef switch_ = std::make_shared<const PolicyFactory>(GracefulSwitchPolicy());
  std::unique_ptr<Seat> seat_;
};

// Groups by the first name of the path, and takes that off. Endpoints without a path are left out.
inline std::map<std::string, std::vector<Endpoint>> ByPath(const std::vector<Endpoint>& all) {
  std::map<std::string, std::vector<Endpoint>> out;
  for (const Endpoint& e : all) {
    if (e.path.empty()) continue;
    std::vector<Endpoint>& group = out[e.path[0]];
    group.push_back(e);
    group.back().path.erase(group.back().path.begin());
  }
  return out;
}

}  // namespace rondo::contract

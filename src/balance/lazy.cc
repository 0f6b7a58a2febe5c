#include "balance/lazy.h"

#include <optional>
#include <utility>

#include "balance/seat.h"

namespace rondo {
namespace {

class Lazy final : public Policy {
 public:
  explicit Lazy(FactoryRef child) : child_(std::move(child)) {}

  absl::Status OnUpdate(const Update& update, Control& control) override {
    if (seat_ != nullptr) return seat_->OnUpdate(update, control);
    update_ = update;
    error_ = absl::OkStatus();  // A good update outdates the trouble before it.
    Sleep(control);
    return absl::OkStatus();
  }
  void OnResolverError(const absl::Status& why, Control& control) override {
    if (seat_ != nullptr) return seat_->OnResolverError(why, control);
    error_ = why;
    Sleep(control);
  }
  void OnIdleExit(Control& control) override {
    if (seat_ != nullptr) return seat_->OnIdleExit(control);
    nudge_ = nullptr;
    seat_ = std::make_unique<SeatOf<Lazy>>(child_, *this);
    // What it missed, in the order in which it came.
    if (update_.has_value()) {
      const Update update = *std::exchange(update_, std::nullopt);
      if (!seat_->OnUpdate(update, control).ok()) control.Reresolve();
    }
    if (!error_.ok()) seat_->OnResolverError(std::exchange(error_, absl::OkStatus()), control);
  }
  void OnChild(Seat& seat, Control& control) {
    control.Publish(seat.state(), [this](const View& v) { return seat_->picker(v); });
  }

 private:
  void Sleep(Control& control) {
    if (nudge_ != nullptr) return;
    nudge_ = control.OnNudge([this](Control& c) { OnIdleExit(c); });
    control.Publish(Connectivity::kIdle, NudgePicker(nudge_->Ref()));
  }

  const FactoryRef child_;
  std::optional<Update> update_;  // Kept until the child begins.
  absl::Status error_;
  std::unique_ptr<NudgeHandle> nudge_;
  std::unique_ptr<SeatOf<Lazy>> seat_;
};

}  // namespace

PolicyFactory LazyPolicy(FactoryRef child) {
  std::string name = child->name;
  const int watches = child->watches;
  return {.name = std::move(name),
          .make = [child = std::move(child)] { return std::make_unique<Lazy>(child); },
          .watches = watches};
}

}  // namespace rondo

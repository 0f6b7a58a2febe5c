// The pickers that every policy needs.
#include <utility>

#include "rondo/balance.h"

namespace rondo {
namespace {

struct Queuing final : Picker {
  PickResult Pick(const PickArgs&) const override { return Queue{}; }
};
struct Failing final : Picker {
  explicit Failing(absl::Status s) : status(std::move(s)) {}
  PickResult Pick(const PickArgs&) const override { return Fail{status}; }
  const absl::Status status;
};
struct Nudging final : Picker {
  explicit Nudging(NudgeRef n) : nudge(std::move(n)) {}
  PickResult Pick(const PickArgs& args) const override {
    args.Raise(nudge);
    return Queue{};
  }
  const NudgeRef nudge;
};
struct One final : Picker {
  explicit One(SubchannelRef b) : backend(std::move(b)) {}
  PickResult Pick(const PickArgs&) const override {
    return Picked{backend.get(), "the only one in use"};
  }
  SubchannelRef Sole() const override { return backend; }
  const SubchannelRef backend;
};

}  // namespace

Control::Recipe QueuePicker() {
  return [](const View&) { return std::make_shared<Queuing>(); };
}
Control::Recipe FailPicker(absl::Status status) {
  return [s = std::move(status)](const View&) { return std::make_shared<Failing>(s); };
}
Control::Recipe NudgePicker(NudgeRef nudge) {
  return [n = std::move(nudge)](const View&) { return std::make_shared<Nudging>(n); };
}
Control::Recipe OnePicker(SubchannelRef backend) {
  return [b = std::move(backend)](const View&) { return std::make_shared<One>(b); };
}

std::string_view Name(Connectivity state) {
  switch (state) {
    case Connectivity::kIdle:
      return "IDLE";
    case Connectivity::kConnecting:
      return "CONNECTING";
    case Connectivity::kReady:
      return "READY";
    case Connectivity::kTransientFailure:
      return "TRANSIENT_FAILURE";
  }
  return "";
}

}  // namespace rondo

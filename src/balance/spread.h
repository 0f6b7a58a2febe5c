#pragma once
// Policies that spread calls over endpoints: one child an endpoint (gRPC's endpointsharding, A61).
// Threads: home.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "balance/seat.h"
#include "balance/state_tally.h"
#include "rondo/policy.h"

namespace rondo {

class Spread : public Policy {
 public:
  struct Child final : SeatOf<Spread> {
    using SeatOf::SeatOf;
    std::string_view title() const override {
      return endpoint.addresses.empty() ? label() : endpoint.addresses.front();
    }
    Endpoint endpoint;
    uint64_t identity = 0;                             // By the endpoint's addresses.
    Connectivity counted = Connectivity::kConnecting;  // As the tally has it.
    Time ready_since{};
    ReadySet::Entry ready;  // Made when first wanted; null when outdated.
  };
  using Children = std::vector<std::unique_ptr<Child>>;
  enum class Reconnect { kAtOnce, kWhenAsked };  // What happens to a child that falls idle.

  // `name`: of the whole policy, for error text.
  Spread(std::string name, FactoryRef child, Reconnect reconnect);

  absl::Status OnUpdate(const Update& update, Control& control) override;
  void OnResolverError(const absl::Status& why, Control& control) override;
  void OnIdleExit(Control& control) override;
  void OnChild(Seat& seat, Control& control);

 protected:
  virtual void OnConfig(const ConfigRef& /*config*/, Control& /*control*/) {}
  virtual void OnChange(Child& /*child*/, Connectivity /*before*/, Control& /*control*/) {}
  virtual void OnGone(Child& /*child*/) {}
  virtual Connectivity Aggregate() const { return tally_.Sum(); }
  // The picker for the aggregate state. The default: the children in that state take turns.
  virtual PickerRef Build(const View& view);

  void Publish(Control& control);
  bool MayStart();
  // The ready children that always pick one backend, but for those whose connection is suspect,
  // unless all are.
  ReadySet ReadyChildren(const View& view);
  // The one backend that a READY child picks; null: it picks among several.
  static SubchannelRef SoleOf(Child& child, Control& control);
  const std::string& name() const { return name_; }
  const Children& children() const { return children_; }  // In the order of the endpoints.
  const StateTally& tally() const { return tally_; }

 private:
  class Roster;
  struct Adopted {
    Child* child;
    bool changed;  // Something of its endpoint is other than before.
  };
  std::vector<Adopted> Adopt(const std::vector<Endpoint>& endpoints);

  const std::string name_;
  const FactoryRef child_;
  const Reconnect reconnect_;
  Children children_;
  StateTally tally_;
  StartupWait startup_;
  Attributes settings_;   // Of the last update.
  bool began_ = false;    // There was an update.
  bool started_ = false;  // The first calls have been let go.
  std::unique_ptr<Timer> startup_over_;
};

}  // namespace rondo

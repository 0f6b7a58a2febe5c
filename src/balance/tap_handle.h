#pragma once
// What a policy puts between its child and a subchannel, from its seat's OnOpen, to see or change
// what the child hears. Whatever a handle can do else passes through here, for all such policies.
// Threads: home.
#include <memory>
#include <utility>

#include "rondo/balance.h"

namespace rondo {

struct TapHandle : SubchannelHandle {
  explicit TapHandle(OnSubchannelState told)
      : told_(std::make_shared<OnSubchannelState>(std::move(told))) {}
  SubchannelRef Ref() const override { return inner->Ref(); }
  void Connect() override { inner->Connect(); }
  void Probe(Duration timeout, OnProbe reply) override { inner->Probe(timeout, std::move(reply)); }
  // Tells the owner, who may drop this tap in there: nothing of it may be touched afterwards.
  void Tell(const SubchannelState& state, Control& control) {
    const auto keep = told_;
    (*keep)(state, control);
  }
  std::unique_ptr<SubchannelHandle> inner;  // The subchannel's; set as soon as it is open.

 private:
  const std::shared_ptr<OnSubchannelState> told_;
};

}  // namespace rondo

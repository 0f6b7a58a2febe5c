#pragma once
// Composition: a parent's seat for one child policy, with a Control of the child's own.
// Threads: home.
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "balance/policy_node.h"
#include "base/text.h"
#include "rondo/balance.h"

namespace rondo {

// The parent owns the seat, derives from it and overrides what it wants to see or change. OnPublish
// runs after the child's code has returned, so the parent may destroy the seat there. Whatever the
// child starts (subchannels, timers, nudges) comes back through its seat with a fresh Control.
class Seat : public PolicyNode {
 public:
  explicit Seat(FactoryRef factory) : factory_(std::move(factory)), policy_(factory_->make()) {}
  absl::Status OnUpdate(const Update& update, Control& up) {
    absl::Status status;
    Enter(up, [&](Control& c) { status = policy_->OnUpdate(update, c); });
    return status;
  }
  void OnResolverError(const absl::Status& why, Control& up) {
    Enter(up, [&](Control& c) { policy_->OnResolverError(why, c); });
  }
  void OnIdleExit(Control& up) {
    Enter(up, [&](Control& c) { policy_->OnIdleExit(c); });
  }
  Connectivity state() const final { return state_; }  // CONNECTING until it says something.
  std::string_view policy() const final { return factory_->name; }
  std::string_view title() const override { return label(); }
  const PolicyFactory& factory() const { return *factory_; }
  // Cooked on first use. For a recipe of the parent's.
  const PickerRef& picker(const View& view) {
    if (recipe_) picker_ = std::exchange(recipe_, nullptr)(view);
    return picker_;
  }

 protected:
  virtual void OnPublish(Control& up) = 0;  // state() and picker() are new.
  virtual std::unique_ptr<SubchannelHandle> OnOpen(const OpenOptions& options,
                                                   OnSubchannelState on_state, Control& up) {
    return up.Open(options, std::move(on_state));
  }
  virtual void OnReresolve(Control& up) { up.Reresolve(); }
  // One step of the path in metrics; empty: none.
  virtual std::string_view label() const { return factory_->name; }

 private:
  class Inner;
  template <class F>
  void Enter(Control& up, F&& call);

  const FactoryRef factory_;
  Connectivity state_ = Connectivity::kConnecting;
  Control::Recipe recipe_ = QueuePicker();
  PickerRef picker_;
  const std::unique_ptr<Policy> policy_;  // Last: what it began dies first.
};

// Lives on the stack for one call into the child.
class Seat::Inner final : public Control {
 public:
  Inner(Seat& seat, Control& up) : seat_(seat), up_(up) {}
  std::unique_ptr<SubchannelHandle> Open(const OpenOptions& options,
                                         OnSubchannelState told) override {
    auto back = [s = &seat_, f = std::move(told)](const SubchannelState& state,
                                                  Control& up) mutable {
      s->Enter(up, [&](Control& c) { f(state, c); });
    };
    return seat_.OnOpen(options, std::move(back), up_);
  }
  void Publish(Connectivity state, Recipe picker) override {
    published = true;
    seat_.state_ = state;
    seat_.recipe_ = std::move(picker);
  }
  void Reresolve() override { seat_.OnReresolve(up_); }
  std::unique_ptr<Timer> After(Duration delay, OnEvent fire) override {
    return up_.After(delay, Back(std::move(fire)));
  }
  std::unique_ptr<NudgeHandle> OnNudge(OnEvent raised) override {
    return up_.OnNudge(Back(std::move(raised)));
  }
  std::shared_ptr<Gauge> Shared(std::string_view key) override { return up_.Shared(key); }
  Time Now() const override { return up_.Now(); }
  uint64_t Random(uint64_t bound) override { return up_.Random(bound); }
  uint32_t Shards() const override { return up_.Shards(); }
  void Metric(const MetricPoint& point) override {
    const std::string_view label = seat_.label();
    const std::string path =
        Cat(label, label.empty() || point.policy.empty() ? "" : ".", point.policy);
    MetricPoint named = point;
    named.policy = path;
    up_.Metric(named);
  }
  PolicyNode* Node() override { return &seat_; }

  bool published = false;

 private:
  OnEvent Back(OnEvent event) {
    return [s = &seat_, f = std::move(event)](Control& up) mutable { s->Enter(up, f); };
  }
  Seat& seat_;
  Control& up_;
};

template <class F>
void Seat::Enter(Control& up, F&& call) {
  if (PolicyNode* above = up.Node(); above != nullptr && !seated()) SitUnder(*above);
  Inner inner(*this, up);
  call(inner);
  if (inner.published) OnPublish(up);  // It may destroy this seat: nothing follows.
}

// The usual seat: each publication is one call of a member function of the parent.
template <class Parent>
class SeatOf : public Seat {
 public:
  SeatOf(FactoryRef factory, Parent& parent) : Seat(std::move(factory)), parent_(parent) {}

 protected:
  void OnPublish(Control& up) override { parent_.OnChild(*this, up); }
  Parent& parent_;
};

}  // namespace rondo

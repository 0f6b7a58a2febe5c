#include "channel/plan_slots.h"

#include <thread>

#include "gtest/gtest.h"

namespace rondo::channel {
namespace {

struct Numbered final : Picker {
  explicit Numbered(int n) : number(n) {}
  PickResult Pick(const PickArgs&) const override { return Queue{}; }
  const int number;
};
int NumberOf(PlanSlots& slots, bool home) {
  PlanSlots::Lease lease = slots.Take(home);
  return static_cast<const Numbered&>(*lease.plan().picker).number;
}
Plan PlanOf(int n) { return {std::make_shared<Numbered>(n), nullptr}; }

TEST(PlanSlots, EveryThreadSeesTheLastPlan) {
  PlanSlots slots(1);
  for (int n = 1; n < 4; ++n) {
    slots.Publish(PlanOf(n));
    EXPECT_EQ(NumberOf(slots, true), n);
    EXPECT_EQ(NumberOf(slots, false), n);
    std::thread([&] { EXPECT_EQ(NumberOf(slots, false), n); }).join();
  }
}
TEST(PlanSlots, APlanThatWasOvertakenIsLetGoOfAtOnce) {
  PlanSlots slots(1);
  slots.Publish(PlanOf(1));
  NumberOf(slots, true);
  NumberOf(slots, false);
  std::weak_ptr<const Picker> old = slots.Take(true).plan().picker;
  slots.Publish(PlanOf(2));
  EXPECT_TRUE(old.expired());
}
TEST(PlanSlots, APinOutlivesThePlan) {
  PlanSlots slots(1);
  slots.Publish(PlanOf(1));
  const PlanRef pin = slots.Take(true).Pin();
  slots.Publish(PlanOf(2));
  EXPECT_EQ(static_cast<const Numbered&>(*pin->picker).number, 1);
}
TEST(PlanSlots, CallsAreCountedOverAllSlots) {
  PlanSlots slots(1);
  slots.Publish(PlanOf(1));
  slots.Take(true).CountCall();
  slots.Take(false).CountCall();
  EXPECT_EQ(slots.begun(), 2);
}
TEST(PlanSlots, ReadersNeverSeeAnOlderPlanThanBefore) {
  PlanSlots slots(1);
  slots.Publish(PlanOf(0));
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      for (int last = 0; !stop.load();) {
        const int now = NumberOf(slots, false);
        EXPECT_GE(now, last);
        last = now;
      }
    });
  }
  for (int n = 1; n <= 5000; ++n) slots.Publish(PlanOf(n));
  stop = true;
  for (auto& r : readers) r.join();
  EXPECT_EQ(NumberOf(slots, false), 5000);
}

}  // namespace
}  // namespace rondo::channel

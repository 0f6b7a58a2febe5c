#include "balance/address_tally.h"

#include <memory>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rondo {
namespace {

using ::testing::ElementsAre;
using Seen = AddressTally::Seen;

constexpr Connectivity kUp = Connectivity::kReady, kIll = Connectivity::kTransientFailure;
const SubchannelState kIdleState{}, kDialling{Connectivity::kConnecting, kUp}, kGood{kUp, kUp},
    kBad{kUp, kIll}, kBroken{kIll, kUp}, kNotChecked{kUp, Connectivity::kConnecting};

TEST(AddressTally, AnAddressCountsOnceHoweverManyHandlesItHas) {
  AddressTally tally;
  AddressTally::Part one(tally, "a", true), two(tally, "a", true), plain(tally, "a", false);
  for (auto* part : {&one, &two, &plain}) part->Tell(kGood);
  EXPECT_EQ(tally.ready(), 1u);
  EXPECT_EQ(tally.in_use(), 1u);
}
TEST(AddressTally, WhoWatchesHealthDecides) {
  AddressTally tally;
  AddressTally::Part plain(tally, "a", false);
  plain.Tell(kGood);
  EXPECT_EQ(tally.Of("a"), Seen::kReady);
  {
    AddressTally::Part watching(tally, "a", true);
    EXPECT_EQ(tally.Of("a"), Seen::kReady);  // It hasn't been told anything yet.
    watching.Tell(kBad);
    EXPECT_EQ(tally.Of("a"), Seen::kUnhealthy);
    EXPECT_EQ(tally.ready(), 0u);
  }
  EXPECT_EQ(tally.Of("a"), Seen::kReady);
}
TEST(AddressTally, WhatIsIdleIsNotInUseUnlessItFailed) {
  AddressTally tally;
  AddressTally::Part a(tally, "a", true), b(tally, "b", true);
  a.Tell(kIdleState);
  b.Tell(kDialling);
  EXPECT_EQ(tally.in_use(), 1u);
  b.Tell(kBroken);
  b.Tell(kIdleState);
  EXPECT_EQ(tally.Of("b"), Seen::kFailed);
  EXPECT_EQ(tally.in_use(), 1u);
  b.Tell(kNotChecked);
  b.Tell(kGood);
  b.Tell(kIdleState);
  EXPECT_EQ(tally.in_use(), 0u);
}
TEST(AddressTally, TellsEachChangeAlsoThatAHandleGoes) {
  std::vector<std::pair<Seen, Seen>> told;
  AddressTally tally(
      [&](const std::string&, Seen before, Seen now) { told.emplace_back(before, now); });
  auto one = std::make_unique<AddressTally::Part>(tally, "a", true);
  auto two = std::make_unique<AddressTally::Part>(tally, "a", true);
  one->Tell(kNotChecked);
  one->Tell(kGood);
  two->Tell(kGood);
  one = nullptr;
  two = nullptr;
  EXPECT_THAT(told, ElementsAre(std::pair(Seen::kIdle, Seen::kUnknown),
                                std::pair(Seen::kUnknown, Seen::kReady),
                                std::pair(Seen::kReady, Seen::kIdle)));
  EXPECT_EQ(tally.in_use(), 0u);
}

}  // namespace
}  // namespace rondo

#include "server/load_estimate.h"

#include <chrono>

#include "gtest/gtest.h"

namespace rondo::server {
namespace {

using namespace std::chrono_literals;

const Time kNow{1000s};

TEST(LoadEstimate, IsNothingBeforeACallHasEnded) {
  EXPECT_EQ(LoadEstimate().At(3, kNow), Duration{});
}
TEST(LoadEstimate, IsTheMedianOfCallsThatBeganAmongAsMany) {
  LoadEstimate estimate;
  for (int i = 1; i <= 9; ++i) estimate.Add(2, i * 1ms, kNow);
  for (int i = 1; i <= 9; ++i) estimate.Add(20, i * 100ms, kNow);
  EXPECT_EQ(estimate.At(2, kNow), 5ms);
  EXPECT_EQ(estimate.At(0, kNow), 5ms);
  EXPECT_EQ(estimate.At(19, kNow), 500ms);
}
TEST(LoadEstimate, WhatIsOlderThanASecondCountsOnlyIfNothingElseIsKnown) {
  LoadEstimate estimate;
  estimate.Add(1, 5ms, kNow);
  EXPECT_EQ(estimate.At(1, kNow + 1001ms), 5ms);
  EXPECT_EQ(estimate.At(1, kNow + 1h), 5ms);
  estimate.Add(9, 90ms, kNow + 1h);
  EXPECT_EQ(estimate.At(1, kNow + 1h), 90ms);
}
TEST(LoadEstimate, ForgetsWhatIsMoreThan64CallsAgo) {
  LoadEstimate estimate;
  for (int i = 0; i < 9; ++i) estimate.Add(1, 5ms, kNow);
  for (int i = 0; i < 64; ++i) estimate.Add(9, 90ms, kNow);
  EXPECT_EQ(estimate.At(1, kNow), 90ms);
}
TEST(LoadEstimate, OfEquallyCloseOnesTheLatestCount) {
  LoadEstimate estimate;
  for (int i = 0; i < 20; ++i) estimate.Add(1, i * 1ms, kNow + i * 1ms);
  EXPECT_EQ(estimate.At(1, kNow + 20ms), 15ms);
}

}  // namespace
}  // namespace rondo::server

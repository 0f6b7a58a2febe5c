#include "balance/load/total_in_flight.h"

#include "gtest/gtest.h"

namespace rondo {
namespace {

TEST(TotalInFlight, IsTheSumOfAllShards) {
  TotalInFlight total(3);
  EXPECT_EQ(total.Get(), 0);
  total.Begin(0);
  total.Begin(2);
  total.Begin(2);
  EXPECT_EQ(total.Get(), 3);
  total.End(2);
  total.End(0);
  EXPECT_EQ(total.Get(), 1);
}
TEST(TotalInFlight, SettlesOnTheTruthAndCountsOnFromThere) {
  TotalInFlight total(2);
  total.Begin(0);
  total.Begin(0);  // One of them is thrown away.
  total.Settle(1);
  EXPECT_EQ(total.Get(), 1);
  total.Begin(1);
  EXPECT_EQ(total.Get(), 2);
  total.Settle(7);
  EXPECT_EQ(total.Get(), 7);
}
TEST(TotalInFlight, IsNeverNegative) {
  TotalInFlight total(1);
  total.Begin(0);
  total.Settle(0);
  total.End(0);  // It was none of ours after all.
  EXPECT_EQ(total.Get(), 0);
}

}  // namespace
}  // namespace rondo

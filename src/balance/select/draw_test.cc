#include "balance/select/draw.h"

#include "gtest/gtest.h"

namespace rondo {
namespace {

std::vector<int> Counts(const Draw& draw, int n) {
  Chance chance(1);
  std::vector<int> counts(draw.size());
  for (int i = 0; i < n; ++i) ++counts[draw(chance)];
  return counts;
}

TEST(Draw, EqualWeightsNeedNoTable) {
  EXPECT_FALSE(Draw({3, 3, 3}).weighted());
  EXPECT_FALSE(Draw(std::vector<uint32_t>{}).weighted());
  for (int n : Counts(Draw({3, 3, 3, 3}), 40000)) EXPECT_NEAR(n, 10000, 400);
}
TEST(Draw, SharesAreTheWeights) {
  const std::vector<uint32_t> weights = {1, 2, 3, 4, 90};
  const std::vector<int> counts = Counts(Draw(weights), 100000);
  for (size_t i = 0; i < weights.size(); ++i) {
    EXPECT_NEAR(counts[i], static_cast<int>(weights[i]) * 1000, 300) << i;
  }
}
TEST(Draw, AWeightOfZeroCountsAsOne) { EXPECT_NEAR(Counts(Draw({0, 3}), 40000)[0], 10000, 400); }
TEST(Draw, HugeWeightsFit) {
  const std::vector<int> counts = Counts(Draw({UINT32_MAX, UINT32_MAX, 1}), 20000);
  EXPECT_NEAR(counts[0], 10000, 300);
  EXPECT_EQ(counts[2], 0);
}
TEST(Draw, ManyWeightsAddUp) {
  std::vector<uint32_t> weights;
  for (uint32_t i = 1; i <= 1000; ++i) weights.push_back(i);
  const std::vector<int> counts = Counts(Draw(weights), 500500 * 4);
  for (uint32_t i = 100; i < 1000; ++i) EXPECT_NEAR(counts[i], 4.0 * (i + 1), 40 + 0.15 * i * 4);
}

}  // namespace
}  // namespace rondo

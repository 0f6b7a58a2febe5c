#include "balance/select/stride.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rondo {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Le;

std::vector<uint32_t> TakenTurns(const std::vector<double>& weights, int n) {
  const Stride stride(weights);
  uint32_t turn = 1;
  std::vector<uint32_t> out;
  for (int i = 0; i < n; ++i) out.push_back(stride.Pick([&] { return turn++; }));
  return out;
}
std::vector<uint16_t> Scaled(const std::vector<double>& weights) {
  const Stride stride(weights);
  std::vector<uint16_t> out;
  for (size_t i = 0; i < stride.size(); ++i) out.push_back(stride.weight(i));
  return out;
}

// grpc-go's scheduler from turn 1 on.
TEST(Stride, TurnsAreThoseOfGrpc) {
  EXPECT_THAT(Scaled({1, 10}), ElementsAre(6554, 65535));
  EXPECT_THAT(TakenTurns({1, 10}, 22),
              ElementsAre(1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1));
  EXPECT_THAT(Scaled({1, 2, 3}), ElementsAre(21845, 43690, 65535));
  EXPECT_THAT(TakenTurns({1, 2, 3}, 12), ElementsAre(1, 2, 2, 0, 1, 2, 1, 2, 2, 0, 1, 2));
  EXPECT_THAT(Scaled({2, 3, 6}), ElementsAre(21845, 32768, 65535));
  EXPECT_THAT(TakenTurns({2, 3, 6}, 11), ElementsAre(1, 2, 2, 0, 1, 2, 2, 1, 2, 0, 2));
}
TEST(Stride, AWeightThatIsNotKnownIsTheMeanOfTheOthers) {
  const std::vector<double> filled = FillIn({0, 10, 100});
  EXPECT_THAT(Scaled(filled), ElementsAre(36044, 6554, 65535));
  EXPECT_THAT(TakenTurns(filled, 10), ElementsAre(2, 0, 2, 2, 0, 2, 1, 2, 0, 2));
}
TEST(Stride, FewerThanTwoKnownWeightsAreNone) {
  EXPECT_THAT(FillIn({0, 0}), IsEmpty());
  EXPECT_THAT(FillIn({5, 0}), IsEmpty());
  EXPECT_THAT(FillIn({5}), IsEmpty());
  EXPECT_THAT(FillIn({}), IsEmpty());
}
TEST(Stride, AReportedWeightIsHeldWithinAHundredthAndTenTimesTheMean) {
  std::vector<double> weights(99, 1.0);
  weights.push_back(1001);  // The mean is 11.
  EXPECT_DOUBLE_EQ(FillIn(weights).back(), 110);
  weights.back() = 301;  // 4: the others are far above a hundredth of it.
  EXPECT_DOUBLE_EQ(FillIn(weights).front(), 1);
  EXPECT_DOUBLE_EQ(FillIn({0.001, 20, 10}).front(), (0.001 + 20 + 10) / 3 / 100);
}
TEST(Stride, SharesAreTheWeights) {
  std::vector<int> n(3);
  for (uint32_t i : TakenTurns({1, 2, 7}, 10000)) ++n[i];
  EXPECT_THAT(n, ElementsAre(::testing::AllOf(::testing::Ge(999), Le(1001)),
                             ::testing::AllOf(::testing::Ge(1999), Le(2001)),
                             ::testing::AllOf(::testing::Ge(6999), Le(7001))));
}
TEST(Stride, EqualWeightsAreEven) {
  EXPECT_TRUE(Stride({0.3, 0.3}).even());
  EXPECT_TRUE(Stride({1000000, 1000000.1}).even()) << "alike in 16 bits";
  EXPECT_FALSE(Stride({1, 2}).even());
  EXPECT_THAT(TakenTurns({4, 4, 4}, 6), ElementsAre(1, 2, 0, 1, 2, 0));
}
TEST(Stride, APickCostsTheLargestWeightDividedByTheMean) {
  std::vector<double> weights(100, 1.0);
  weights[0] = 10;
  const Stride stride(weights);
  EXPECT_NEAR(stride.cost(), 10 / 1.09, 0.01);
  uint32_t turn = 1;
  for (int i = 0; i < 10000; ++i) stride.Pick([&] { return turn++; });
  EXPECT_NEAR(turn, 10000 * stride.cost(), 1000);
  EXPECT_DOUBLE_EQ(Stride({2, 2}).cost(), 1);
}

}  // namespace
}  // namespace rondo

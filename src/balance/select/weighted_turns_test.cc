#include "balance/select/weighted_turns.h"

#include "gtest/gtest.h"

namespace rondo {
namespace {

class WeightedTurnsTest : public ::testing::Test {
 protected:
  std::vector<int> Shares(const std::vector<double>& weights, int picks) {
    const WeightedTurns by_weight(weights);
    std::vector<int> shares(weights.size());
    for (int i = 0; i < picks; ++i) ++shares[by_weight.Next(turns_, args_)];
    return shares;
  }
  Chance chance_{1};
  const Turns turns_{1};
  const PickArgs args_{.method = {}, .chance = &chance_};
};

TEST_F(WeightedTurnsTest, SharesFollowTheWeights) {
  const std::vector<int> shares = Shares({1, 2, 5}, 800);
  EXPECT_NEAR(shares[0], 100, 2);
  EXPECT_NEAR(shares[1], 200, 2);
  EXPECT_NEAR(shares[2], 500, 2);
}
TEST_F(WeightedTurnsTest, EqualWeightsAreEven) {
  EXPECT_TRUE(WeightedTurns({7, 7, 7}).even());
  EXPECT_TRUE(WeightedTurns({3}).even());
  EXPECT_FALSE(WeightedTurns({7, 8}).even());
}
TEST_F(WeightedTurnsTest, OneThatTowersAboveTheOthersIsDrawn) {
  std::vector<double> weights(100, 1);
  weights[7] = 9900;
  const std::vector<int> shares = Shares(weights, 10000);
  EXPECT_NEAR(shares[7], 9901, 30);
  EXPECT_EQ(turns_.Peek(0), 0u) << "no turns were passed";
}

}  // namespace
}  // namespace rondo

#include "balance/select/best_of.h"

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace rondo {
namespace {

// Draws what the script says.
struct Script {
  std::vector<uint32_t> draws;
  size_t at = 0;
  uint32_t operator()() { return draws.at(at++); }
};
uint32_t Best(std::vector<uint32_t> draws, std::vector<int> costs) {
  Script script{std::move(draws)};
  return BestOf(static_cast<uint32_t>(script.draws.size()), std::ref(script),
                [&](uint32_t i) { return costs.at(i); });
}

TEST(BestOf, TakesTheCheapestThatWasDrawn) {
  EXPECT_EQ(Best({0, 2}, {5, 0, 4}), 2u);
  EXPECT_EQ(Best({2, 0, 1}, {5, 0, 4}), 1u);
}
TEST(BestOf, KeepsTheFirstOfEquals) {
  EXPECT_EQ(Best({0, 1}, {3, 3}), 0u);
  EXPECT_EQ(Best({1, 0}, {3, 3}), 1u);
}
TEST(BestOf, MayDrawOneTwice) { EXPECT_EQ(Best({1, 1}, {0, 9}), 1u); }

TEST(DifferentDraws, NoneComesTwiceAndEachSetIsEquallyLikely) {
  Chance chance(5);
  std::map<std::set<uint32_t>, int> sets;
  std::vector<int> first(5);
  for (int i = 0; i < 10000; ++i) {
    DifferentDraws draw(5, chance);
    const uint32_t a = draw(), b = draw(), c = draw();
    ++sets[{a, b, c}];
    ++first[a];
  }
  ASSERT_EQ(sets.size(), 10u);
  for (const auto& [set, times] : sets) {
    EXPECT_EQ(set.size(), 3u);
    EXPECT_LT(*set.rbegin(), 5u);
    EXPECT_NEAR(times, 1000, 120);
  }
  for (const int times : first) EXPECT_NEAR(times, 2000, 160);
}
TEST(DifferentDraws, AsManyAsThereAreAreAll) {
  Chance chance(5);
  DifferentDraws draw(4, chance);
  EXPECT_EQ((std::set<uint32_t>{draw(), draw(), draw(), draw()}), (std::set<uint32_t>{0, 1, 2, 3}));
}

class UntriedBackend : public ::testing::Test {
 protected:
  const Subchannel a{"a"}, b{"b"}, c{"c"};
  const std::vector<const Subchannel*> all{&a, &b, &c};
  std::vector<const Subchannel*> tried;
  uint32_t From(uint32_t at) {
    PickArgs args;
    args.tried = tried;
    return Untried(at, all, args);
  }
};
TEST_F(UntriedBackend, StaysWhereNothingWasTried) { EXPECT_EQ(From(1), 1u); }
TEST_F(UntriedBackend, GoesOnToOneThatWasNotTried) {
  tried = {&b};
  EXPECT_EQ(From(1), 2u);
  tried = {&b, &c};
  EXPECT_EQ(From(1), 0u);
}
TEST_F(UntriedBackend, StaysWhenAllWereTried) {
  tried = {&a, &b, &c, &a};
  EXPECT_EQ(From(1), 1u);
}

}  // namespace
}  // namespace rondo

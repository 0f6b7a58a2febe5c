#include "balance/load/probe_pool.h"

#include <chrono>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ProbePoolTest : public ::testing::Test {
 protected:
  ProbePoolTest() { rules.removals = 0; }
  void Insert(uint32_t backend, double in_flight, double latency, uint32_t uses = 9) {
    pool.Insert({backend, in_flight, latency, now, uses}, rules);
    now += 1ms;
  }
  std::optional<uint32_t> Choose(uint32_t skipped = UINT32_MAX) {
    return pool.Choose(
        rules, now, chance, [&](uint32_t i) { return i == skipped; }, [](uint32_t) { return 1; });
  }
  std::vector<uint32_t> Backends() const {
    std::vector<uint32_t> all;
    for (const auto& p : pool.probes()) all.push_back(p.backend);
    std::sort(all.begin(), all.end());
    return all;
  }
  ProbeRules rules{.oldest = 1s};
  ProbePool pool;
  Chance chance{1};
  Time now{1000s};
};

TEST_F(ProbePoolTest, OneProbeIsNoChoice) {
  EXPECT_EQ(Choose(), std::nullopt);
  Insert(0, 1, 1);
  EXPECT_EQ(Choose(), std::nullopt);
  Insert(1, 1, 2);
  EXPECT_EQ(Choose(), 0);
}
TEST_F(ProbePoolTest, OfColdOnesTheQuickestIsTaken) {
  Insert(0, 3, 50);
  Insert(1, 1, 20);
  Insert(2, 2, 10);
  Insert(3, 9, 1);  // Above the quantile of 1 2 3 9: hot.
  EXPECT_EQ(pool.hot_above(), 3);
  EXPECT_EQ(Choose(), 2);
}
TEST_F(ProbePoolTest, IfAllAreHotTheOneWithTheFewestCallsIsTaken) {
  rules.hot_quantile = 0;
  Insert(0, 1, 5);
  Insert(1, 6, 1);
  Insert(2, 4, 9);
  EXPECT_EQ(Choose(), 0) << "the least is cold";
  EXPECT_EQ(Choose(), 0) << "2 now, and hot as all are";
  EXPECT_EQ(Choose(), 0);
  EXPECT_EQ(Choose(), 0);
  EXPECT_EQ(Choose(2), 0);
  EXPECT_EQ(Choose(), 2) << "4 against 6 and 6";
}
TEST_F(ProbePoolTest, ACallCountsAtOnce) {
  Insert(0, 0, 1);
  Insert(1, 1, 2);
  Insert(2, 5, 3);
  EXPECT_EQ(Choose(), 0);
  EXPECT_EQ(Choose(), 0) << "1 is not above 1";
  EXPECT_EQ(Choose(), 1) << "2 is";
}
TEST_F(ProbePoolTest, AProbeServesSoManyCalls) {
  Insert(0, 0, 1, 1);
  Insert(1, 0, 2, 2);
  Insert(2, 0, 3, 2);
  EXPECT_EQ(Choose(), 0);
  EXPECT_THAT(Backends(), ElementsAre(1, 2));
}
TEST_F(ProbePoolTest, OldOnesAreDropped) {
  Insert(0, 0, 1);
  now += 1s;
  Insert(1, 0, 2);
  Insert(2, 0, 3);
  EXPECT_EQ(Choose(), 1);
  EXPECT_THAT(Backends(), ElementsAre(1, 2));
}
TEST_F(ProbePoolTest, AtCapacityTheOldestGoes) {
  rules.size = 3;
  for (uint32_t i = 0; i < 5; ++i) Insert(i, 0, 1);
  EXPECT_THAT(Backends(), ElementsAre(2, 3, 4));
}
TEST_F(ProbePoolTest, AfterACallTheWorstAndTheOldestGoInTurn) {
  rules.removals = 1;
  rules.hot_quantile = 1;
  Insert(0, 100, 5);  // None is hot.
  Insert(1, 0, 9);    // The worst.
  Insert(2, 0, 1);
  Insert(3, 0, 7);
  EXPECT_EQ(Choose(), 2);
  EXPECT_THAT(Backends(), ElementsAre(0, 2, 3));
  EXPECT_EQ(Choose(), 2);
  EXPECT_THAT(Backends(), ElementsAre(2, 3)) << "the oldest";
}
TEST_F(ProbePoolTest, ATriedOneIsSkipped) {
  Insert(0, 0, 1);
  Insert(1, 0, 2);
  EXPECT_EQ(Choose(0), 1);
  Insert(1, 0, 3);
  EXPECT_EQ(Choose(0), 1);
}
TEST_F(ProbePoolTest, AnotherSetOfBackendsRenumbersAndForgets) {
  Insert(0, 0, 1);
  Insert(1, 0, 2);
  Insert(2, 0, 3);
  pool.Renumber({ProbePool::kGone, 0});
  EXPECT_THAT(Backends(), ElementsAre(0));
}
TEST(RoundedByChance, IsRightOnAverage) {
  Chance chance(5);
  int sum = 0;
  for (int i = 0; i < 10000; ++i) sum += static_cast<int>(RoundedByChance(1.25, chance));
  EXPECT_NEAR(sum, 12500, 200);
  EXPECT_EQ(RoundedByChance(3, chance), 3u);
  EXPECT_EQ(RoundedByChance(0, chance), 0u);
}
TEST(SharedProbePool, WhoFindsItInUseGoesWithout) {
  SharedProbePool pool;
  bool inner = true;
  EXPECT_TRUE(pool.TryUse([&](ProbePool&) { inner = pool.TryUse([](ProbePool&) {}); }));
  EXPECT_FALSE(inner);
  EXPECT_TRUE(pool.TryUse([](ProbePool&) {}));
}

}  // namespace
}  // namespace rondo

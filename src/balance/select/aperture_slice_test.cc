#include "balance/select/aperture_slice.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rondo {
namespace {

TEST(ApertureSlice, AllTogetherCoverEachItemAlike) {
  const struct {
    uint32_t clients, n;
  } cases[] = {{10, 100}, {100, 100}, {97, 250}, {1, 5}, {3, 1}, {250, 7}, {7, 13}};
  for (const auto& c : cases) {
    std::vector<double> load(c.n);
    for (uint32_t i = 0; i < c.clients; ++i) {
      const auto slices = Aperture(i, c.clients, c.n, 12);
      EXPECT_GE(slices.size(), std::min(12u, c.n));
      std::vector<bool> seen(c.n);
      for (const ApertureSlice& s : slices) {
        EXPECT_GT(s.share, 0);
        EXPECT_LE(s.share, 1);
        EXPECT_FALSE(seen[s.item]) << "twice";
        seen[s.item] = true;
        load[s.item] += s.share;
      }
    }
    for (double l : load) EXPECT_NEAR(l, load[0], 1e-9) << c.clients << " of " << c.n;
  }
}
TEST(ApertureSlice, AnArcBeginsAtItsClientsPlace) {
  const auto slices = Aperture(1, 4, 6, 3);  // [1/4, 3/4) of six: half of 1, 2, 3, half of 4.
  ASSERT_EQ(slices.size(), 4u);
  EXPECT_EQ(slices[0].item, 1u);
  EXPECT_EQ(slices[0].share, 0.5);
  EXPECT_EQ(slices[1].share, 1);
  EXPECT_EQ(slices[3].item, 4u);
  EXPECT_EQ(slices[3].share, 0.5);
}
TEST(ApertureSlice, AnArcOfNearlyAllMeetsItsFirstItemAgain) {
  const auto slices = Aperture(1, 3, 2, 1);  // covers = 2: [1/3, 1) of two.
  ASSERT_EQ(slices.size(), 2u);
  const auto wrapped = Aperture(3, 10, 2, 1);  // [.3, .8)
  EXPECT_NEAR(wrapped[0].share, 0.4, 1e-12);
  EXPECT_NEAR(wrapped[1].share, 0.6, 1e-12);
  const auto again = Aperture(5, 7, 3, 2);  // covers = 5: from 5/7 by 5/7: 2, 0, 1 and a bit of 1.
  double sum = 0;
  for (const auto& s : again) sum += s.share;
  EXPECT_NEAR(sum, 3 * 5 / 7.0, 1e-12);
}
TEST(ApertureSlice, FewItemsAreAllSeenWhole) {
  for (uint32_t i = 0; i < 5; ++i) {
    const auto slices = Aperture(i, 5, 12, 12);
    ASSERT_EQ(slices.size(), 12u);
    for (const auto& s : slices) EXPECT_EQ(s.share, 1);
  }
}
TEST(ApertureSlice, HugeFleetsDoNotOverflow) {
  const auto slices = Aperture(UINT32_MAX - 1, UINT32_MAX, 1'000'000, 12);
  EXPECT_GE(slices.size(), 12u);
  EXPECT_LE(slices.size(), 14u);
}

}  // namespace
}  // namespace rondo

#include "balance/select/steady_ring.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rondo {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<uint64_t> Places(uint32_t n) {
  std::vector<uint64_t> all;
  for (uint32_t i = 0; i < n; ++i) all.push_back(PlaceOnSteadyRing(i));
  return all;
}
// How many of the clients use each backend.
std::vector<int> Clients(uint32_t clients, uint32_t n, size_t k) {
  std::vector<int> count(n);
  const auto places = Places(n);
  for (uint32_t c = 0; c < clients; ++c) {
    for (uint32_t i : NextOnRing(PlaceOnSteadyRing(c), places, k)) ++count[i];
  }
  return count;
}

TEST(SteadyRing, EachStandsWhereThereIsMostRoom) {
  EXPECT_EQ(PlaceOnSteadyRing(0), 0u);
  EXPECT_EQ(PlaceOnSteadyRing(1), 1ull << 63);
  EXPECT_EQ(PlaceOnSteadyRing(2), 1ull << 62);
  EXPECT_EQ(PlaceOnSteadyRing(3), 3ull << 62);
  EXPECT_EQ(PlaceOnSteadyRing(UINT32_MAX), 0xffffffff00000000);
}
TEST(SteadyRing, TheNextOnesAreThoseClockwise) {
  const auto places = Places(4);  // On the ring: 0 2 1 3.
  EXPECT_THAT(NextOnRing(0, places, 2), ElementsAre(0, 2));
  EXPECT_THAT(NextOnRing(1, places, 2), ElementsAre(2, 1));
  EXPECT_THAT(NextOnRing(PlaceOnSteadyRing(3), places, 3), ElementsAre(3, 0, 2));
  EXPECT_THAT(NextOnRing(UINT64_MAX, places, 9), ElementsAre(0, 2, 1, 3));
  EXPECT_THAT(NextOnRing(0, {}, 9), IsEmpty());
  EXPECT_THAT(NextOnRing(0, {5, 5}, 2), ElementsAre(0, 1));
}
// The lab's table E9.
TEST(SteadyRing, SharesAreEven) {
  for (int n : Clients(300, 300, 10)) EXPECT_EQ(n, 10);
  const auto uneven = Clients(250, 97, 12);
  EXPECT_EQ(*std::min_element(uneven.begin(), uneven.end()), 27);
  EXPECT_EQ(*std::max_element(uneven.begin(), uneven.end()), 32);
}
TEST(SteadyRing, OneMoreBackendMovesFewConnections) {
  const auto before = Places(300), after = Places(301);
  int closed = 0;
  for (uint32_t c = 0; c < 300; ++c) {
    const auto was = NextOnRing(PlaceOnSteadyRing(c), before, 10);
    const auto is = NextOnRing(PlaceOnSteadyRing(c), after, 10);
    const std::set<uint32_t> now(is.begin(), is.end());
    for (uint32_t i : was) closed += !now.contains(i);
  }
  EXPECT_LE(closed, 12) << "of 3000; ideally 10";
}

}  // namespace
}  // namespace rondo

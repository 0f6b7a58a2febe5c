#include "balance/select/maglev_table.h"

#include <cmath>
#include <set>

#include "base/text.h"
#include "gtest/gtest.h"

namespace rondo {
namespace {

std::vector<HashMember> Members(int n) {
  std::vector<HashMember> out;
  for (int i = 0; i < n; ++i) out.push_back({Cat("10.0.0.", i, ":80"), 1});
  return out;
}
std::vector<double> Shares(const MaglevTable& table, size_t n) {
  std::vector<double> out(n);
  for (size_t i = 0; i < table.size(); ++i) {
    out[table.member(i)] += 1.0 / static_cast<double>(table.size());
  }
  return out;
}

// NSDI'16 section 5.3: a table of more than a hundred slots a member is even within 1 %.
TEST(MaglevTable, SharesAreEvenWithinOnePercent) {
  for (double share : Shares(MaglevTable(Members(500), 65537), 500)) {
    EXPECT_NEAR(share * 500, 1, 0.01);
  }
}
TEST(MaglevTable, SharesAreTheWeights) {
  std::vector<HashMember> members = Members(4);
  for (uint32_t i = 0; i < 4; ++i) members[i].weight = i + 1;
  const std::vector<double> shares = Shares(MaglevTable(members, 65537), 4);
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(shares[i], (static_cast<double>(i) + 1) / 10, 0.001);
}
TEST(MaglevTable, AMemberMuchLighterStillHasASlotInProportion) {
  const std::vector<double> shares =
      Shares(MaglevTable({{"heavy", 4000000000u}, {"light", 40000000u}}, 65537), 2);
  EXPECT_NEAR(shares[1], 0.0099, 0.0002);
}
TEST(MaglevTable, RemovingOneMovesFewKeysOfTheOthers) {
  std::vector<HashMember> members = Members(100);
  const MaglevTable before(members, 65537);
  members.pop_back();
  const MaglevTable after(members, 65537);
  int moved = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    moved += before.member(i) != 99 && before.member(i) != after.member(i);
  }
  EXPECT_LT(moved, 65537 * 0.015);
}
TEST(MaglevTable, AWalkMeetsEachSlotOnceAndSpreadsAFailedOnesKeys) {
  const MaglevTable table(Members(5), 101);
  std::set<uint32_t> second;
  for (uint64_t hash = 0; hash < 50; ++hash) {
    const uint64_t mixed = hash * 0x9e3779b97f4a7c15;
    MaglevTable::Walk walk(table, mixed);
    std::vector<int> met(5);
    const uint32_t first = walk.member();
    bool counted = false;
    for (size_t i = 0; i < table.size(); ++i, walk.Next()) {
      ++met[walk.member()];
      if (first == 0 && !counted && walk.member() != 0) {
        second.insert(walk.member());
        counted = true;
      }
    }
    for (uint32_t m = 0; m < 5; ++m) {
      EXPECT_EQ(met[m], std::lround(Shares(table, 5)[m] * 101)) << mixed;
    }
  }
  EXPECT_GT(second.size(), 2u);
}
TEST(MaglevTable, TheSmallestTableHasTwoSlots) {
  EXPECT_EQ(Shares(MaglevTable(Members(2), 2), 2), (std::vector<double>{0.5, 0.5}));
}
TEST(MaglevTable, NoMembersMakeNoSlots) { EXPECT_EQ(MaglevTable({}, 65537).size(), 0u); }

}  // namespace
}  // namespace rondo

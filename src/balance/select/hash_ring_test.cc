#include "balance/select/hash_ring.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rondo {
namespace {

using ::testing::ElementsAre;

std::vector<uint64_t> Hashes(const HashRing& ring) {
  std::vector<uint64_t> out;
  for (size_t i = 0; i < ring.size(); ++i) out.push_back(ring.hash(i));
  return out;
}
std::vector<uint32_t> Members(const HashRing& ring) {
  std::vector<uint32_t> out;
  for (size_t i = 0; i < ring.size(); ++i) out.push_back(ring.member(i));
  return out;
}
const std::vector<HashMember> kThree = {{"a", 3}, {"b", 3}, {"c", 4}};

TEST(HashRing, IsTheOneOfGrpc) {
  const HashRing ring(kThree, 10, 20);
  EXPECT_THAT(Hashes(ring),
              ElementsAre(4148279810343392165u, 4189641231046734040u, 5051629784258667479u,
                          5637671355026233228u, 6560897439782492108u, 7866922100246443948u,
                          8142612688290817183u, 14554126711339088812u, 14801583559950740418u,
                          18017992814255492179u));
  EXPECT_THAT(Members(ring), ElementsAre(0, 1, 2, 1, 1, 0, 2, 2, 2, 0));
}
TEST(HashRing, SharesAreNearTheWeights) {
  for (const auto& [min, max] : {std::pair(10u, 20u), {1024u, 4096u}, {300u, 500u}}) {
    const HashRing ring(kThree, min, max);
    EXPECT_GE(ring.size(), min);
    EXPECT_LE(ring.size(), max);
    std::vector<double> share(3);
    for (uint32_t m : Members(ring)) share[m] += 1.0 / static_cast<double>(ring.size());
    for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(share[i], kThree[i].weight / 10.0, 0.075);
  }
}
TEST(HashRing, ASmallWeightEnlargesTheRingUpToTheLargestSize) {
  const std::vector<HashMember> skewed = {{"a", 1}, {"b", 999}};
  EXPECT_EQ(HashRing(skewed, 100, 4096).size(), 1000u);
  EXPECT_EQ(HashRing(skewed, 100, 500).size(), 500u);
}
TEST(HashRing, AHashBelongsToTheFirstEntryAtOrBehindIt) {
  const HashRing ring(kThree, 10, 20);
  for (size_t i = 0; i < ring.size(); ++i) {
    EXPECT_EQ(HashRing::Walk(ring, ring.hash(i)).member(), ring.member(i));
    EXPECT_EQ(HashRing::Walk(ring, ring.hash(i) - 1).member(), ring.member(i));
    EXPECT_EQ(HashRing::Walk(ring, ring.hash(i) + 1).member(), ring.member((i + 1) % 10));
  }
}
TEST(HashRing, AWalkGoesRound) {
  const HashRing ring(kThree, 10, 20);
  HashRing::Walk walk(ring, ring.hash(8));
  std::vector<uint32_t> seen;
  for (int i = 0; i < 10; ++i, walk.Next()) seen.push_back(walk.member());
  EXPECT_THAT(seen, ElementsAre(2, 0, 0, 1, 2, 1, 1, 0, 2, 2));
}
TEST(HashRing, AMemberMoreMovesFewKeys) {
  std::vector<HashMember> ten, eleven;
  for (int i = 0; i < 11; ++i) eleven.push_back({std::string(1, static_cast<char>('a' + i)), 1});
  ten.assign(eleven.begin(), eleven.end() - 1);
  const HashRing before(ten, 1024, 4096), after(eleven, 1024, 4096);
  int moved = 0;
  for (uint64_t i = 0; i < 10000; ++i) {
    const uint64_t hash = i * 0x9e3779b97f4a7c15;
    const uint32_t to = HashRing::Walk(after, hash).member();
    moved += to != HashRing::Walk(before, hash).member();
  }
  EXPECT_LT(moved, 2000);
}
TEST(HashRing, NoMembersMakeNoEntries) { EXPECT_EQ(HashRing({}, 1024, 4096).size(), 0u); }

}  // namespace
}  // namespace rondo

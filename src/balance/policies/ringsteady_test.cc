#include "balance/policy_test.h"
#include "rondo/peer_index.h"

namespace rondo {
namespace {

using ::testing::ElementsAre;

class Ringsteady : public PolicyTest {
 protected:
  static std::string Config(int size, std::string_view more = "") {
    return Cat(R"([{"ringsteady":{"subsetSize":)", size, more,
               R"(,"childPolicy":[{"round_robin":{}}]}}])");
  }
  // "s0" is number 0 ...
  static std::vector<Endpoint> Numbered(std::initializer_list<int> numbers) {
    std::vector<Endpoint> all;
    for (int n : numbers) {
      all.push_back(Named(Cat("s", n)));
      all.back().labels["index"] = Cat(n);
    }
    return all;
  }
  void StartWith(const std::string& config, const std::vector<Endpoint>& endpoints) {
    ASSERT_EQ(Configure(config), absl::OkStatus());
    ASSERT_EQ(ResolveEndpoints(endpoints), absl::OkStatus());
  }
};

TEST_F(Ringsteady, IsKnownByBothNames) {
  Start(R"([{"ringsteady_experimental":{"subsetSize":1,"childPolicy":[{"round_robin":{}}]}}])",
        {"a"});
  AllReady({"a"});
  EXPECT_EQ(Go(), "a");
}
TEST_F(Ringsteady, ItsFieldsAreChecked) {
  const std::string path = ": loadBalancingConfig[0].ringsteady";
  EXPECT_EQ(ErrorOf(R"([{"ringsteady":{"childPolicy":[{"round_robin":{}}]}}])"),
            "1:16" + path + ".subsetSize: is needed");
  EXPECT_EQ(ErrorOf(Config(0)), "1:30" + path + ".subsetSize: 0 is not within 1..4294967295");
  EXPECT_EQ(ErrorOf(R"([{"ringsteady":{"subsetSize":2}}])"),
            "1:16" + path + ".childPolicy: is needed: a list of policies");
  EXPECT_EQ(ErrorOf(Config(2, R"(,"client":{"index":2,"count":2})")),
            "1:50" + path +
                ".client.index: 2 is not within 0..1: it counts from 0 and stays below count");
}
TEST_F(Ringsteady, ANumberedClientUsesTheNextBackendsOnTheRing) {
  // On the ring: s0 s2 s1 s3, and client 1 stands where s1 does.
  settings().Set(PeerIndex{1, 4});
  StartWith(Config(2), Numbered({0, 1, 2, 3}));
  EXPECT_THAT(Open(), ElementsAre("s1", "s3"));
}
TEST_F(Ringsteady, TheOrderOfTheListDoesNotMatter) {
  settings().Set(PeerIndex{1, 4});
  StartWith(Config(2), Numbered({3, 0, 2, 1}));
  EXPECT_THAT(Open(), ElementsAre("s1", "s3"));
}
TEST_F(Ringsteady, TheResolverOrTheConfigMayKnowTheClientsNumber) {
  settings().Set(PeerIndex{1, 4});
  std::vector<Endpoint> all = Numbered({0, 1, 2, 3});
  all[0].attributes.Set(PeerIndex{2, 4});
  StartWith(Config(2), all);
  EXPECT_THAT(Open(), ElementsAre("s1", "s2"));
  StartWith(Config(2, R"(,"client":{"index":3,"count":4})"), all);
  AllReady({"s0", "s3"});
  EXPECT_THAT(Open(), ElementsAre("s0", "s3"));
}
TEST_F(Ringsteady, ANewBackendMovesAtMostOneConnection) {
  settings().Set(PeerIndex{0, 4});
  StartWith(Config(3), Numbered({0, 1, 2, 3}));
  EXPECT_THAT(Open(), ElementsAre("s0", "s1", "s2"));
  AllReady({"s0", "s1", "s2"});
  ASSERT_TRUE(ResolveEndpoints(Numbered({0, 1, 2, 3, 4})).ok());
  EXPECT_THAT(Open(), ElementsAre("s0", "s2", "s4"));
  EXPECT_EQ(dials()["s0"], 1);
}
TEST_F(Ringsteady, WithoutNumbersPlacesAreHashesAndTheClientsIsDrawn) {
  Start(Config(2), {"a", "b", "c", "d", "e"});
  const Addresses mine = Open();
  EXPECT_EQ(mine.size(), 2u);
  ASSERT_TRUE(Resolve({"e", "d", "c", "b", "a"}).ok());
  EXPECT_EQ(Open(), mine);
}
TEST_F(Ringsteady, FewEndpointsAreAllUsed) {
  Start(Config(5), {"a", "b"});
  EXPECT_THAT(Open(), ElementsAre("a", "b"));
}
TEST_F(Ringsteady, WithoutEndpointsItsChildFails) {
  ASSERT_EQ(Configure(Config(5)), absl::OkStatus());
  EXPECT_EQ(Resolve({}),
            absl::UnavailableError("round_robin: the resolver returned no endpoints: a note"));
}

}  // namespace
}  // namespace rondo

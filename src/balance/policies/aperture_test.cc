#include "balance/policy_test.h"
#include "rondo/peer_index.h"

namespace rondo {
namespace {

using ::testing::ElementsAre;

class AperturePolicyTest : public PolicyTest {
 protected:
  static std::string Config(std::string_view fields = "", std::string_view child = "round_robin") {
    return Cat(R"([{"aperture":{)", fields, R"("childPolicy":[{")", child, R"(":{}}]}}])");
  }
  static Addresses Six() { return {"s0", "s1", "s2", "s3", "s4", "s5"}; }
};

TEST_F(AperturePolicyTest, IsKnownByBothNames) {
  Start(R"([{"aperture_experimental":{"childPolicy":[{"round_robin":{}}]}}])", {"a"});
  AllReady({"a"});
  EXPECT_EQ(Go(), "a");
}
TEST_F(AperturePolicyTest, ItsFieldsAreChecked) {
  const std::string path = ": loadBalancingConfig[0].aperture.";
  EXPECT_EQ(ErrorOf(Config(R"("minAperture":0,)")),
            "1:29" + path + "minAperture: 0 is not within 1..4294967295");
  EXPECT_EQ(ErrorOf(Config(R"("minAperture":"x",)")),
            "1:29" + path + "minAperture: must be a number");
  EXPECT_EQ(ErrorOf(R"([{"aperture":{}}])"),
            "1:14" + path + "childPolicy: is needed: a list of policies");
}
TEST_F(AperturePolicyTest, AClientOpensItsArcAndLoadsItsEndsLess) {
  settings().Set(PeerIndex{1, 4});
  Start(Config(R"("minAperture":3,)"), Six());
  EXPECT_THAT(Open(), ElementsAre("s1", "s2", "s3", "s4")) << "a quarter to three quarters";
  AllReady(Open());
  EXPECT_EQ(testing::Unlike(Shares(6000),
                            {{"s1", 1 / 6.0}, {"s2", 1 / 3.0}, {"s3", 1 / 3.0}, {"s4", 1 / 6.0}}),
            "");
}
TEST_F(AperturePolicyTest, ChildrenThatLookAtLoadHonourTheSharesToo) {
  settings().Set(PeerIndex{1, 4});
  Start(Config(R"("minAperture":3,)", "least_request"), Six());
  AllReady(Open());
  EXPECT_EQ(
      testing::Unlike(Shares(6000),
                      {{"s1", 1 / 6.0}, {"s2", 1 / 3.0}, {"s3", 1 / 3.0}, {"s4", 1 / 6.0}}, 0.04),
      "");
}
TEST_F(AperturePolicyTest, WeightsCountWithinTheArc) {
  settings().Set(PeerIndex{0, 2});
  ASSERT_EQ(Configure(Config(R"("minAperture":1,)")), absl::OkStatus());
  ASSERT_TRUE(
      ResolveEndpoints({Weighing("a", 1), Weighing("b", 4294967295), Weighing("c", 7)}).ok());
  EXPECT_THAT(Open(), ElementsAre("a", "b")) << "one and a half";
  AllReady(Open());
  EXPECT_EQ(testing::Unlike(Shares(100), {{"b", 1}}, 0.01), "");
}
TEST_F(AperturePolicyTest, TheOrderOfTheListDoesNotMatter) {
  settings().Set(PeerIndex{1, 4});
  Start(Config(R"("minAperture":3,)"), {"s5", "s3", "s1", "s0", "s2", "s4"});
  EXPECT_THAT(Open(), ElementsAre("s1", "s2", "s3", "s4"));
}
TEST_F(AperturePolicyTest, NumbersOrderTheRingIfAllHaveOne) {
  settings().Set(PeerIndex{0, 4});
  std::vector<Endpoint> all;
  for (int n : {10, 9, 8, 7}) {
    all.push_back(Named(Cat("s", n)));
    all.back().labels["index"] = Cat(n);
  }
  ASSERT_EQ(Configure(Config(R"("minAperture":1,)")), absl::OkStatus());
  ASSERT_TRUE(ResolveEndpoints(all).ok());
  EXPECT_THAT(Open(), ElementsAre("s7")) << "by address it would be s10";
}
TEST_F(AperturePolicyTest, FewEndpointsAreAllUsedAsTheyAre) {
  settings().Set(PeerIndex{1, 4});
  Start(Config(), Six());
  EXPECT_EQ(Open(), Six());
  AllReady(Open());
  EXPECT_EQ(Shares(60)["s0"], 10);
}
TEST_F(AperturePolicyTest, WithoutANumberItsPlaceIsDrawnOnce) {
  uint64_t draws = 0;
  DrawWith([&](uint64_t bound) { return ++draws, bound / 2; });
  Start(Config(R"("minAperture":2,)"), Six());
  EXPECT_THAT(Open(), ElementsAre("s3", "s4", "s5")) << "from the middle on, two and a bit";
  ASSERT_TRUE(Resolve(Six()).ok());
  EXPECT_THAT(Open(), ElementsAre("s3", "s4", "s5"));
}
TEST_F(AperturePolicyTest, AnotherCountMovesTheArcAndKeepsWhatStays) {
  settings().Set(PeerIndex{1, 4});
  Start(Config(R"("minAperture":3,)"), Six());
  AllReady(Open());
  settings().Set(PeerIndex{1, 3});
  ASSERT_TRUE(Resolve(Six()).ok());
  EXPECT_THAT(Open(), ElementsAre("s2", "s3", "s4", "s5")) << "a third to the whole";
  EXPECT_EQ(dials()["s2"], 1);
}
TEST_F(AperturePolicyTest, WithoutEndpointsItsChildFails) {
  ASSERT_EQ(Configure(Config()), absl::OkStatus());
  EXPECT_EQ(Resolve({}),
            absl::UnavailableError("round_robin: the resolver returned no endpoints: a note"));
}

}  // namespace
}  // namespace rondo

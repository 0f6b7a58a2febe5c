#include "balance/policy_test.h"

namespace rondo {
namespace {

using ::testing::ElementsAre;
using ::testing::IsSubsetOf;
using ::testing::UnorderedElementsAreArray;

class RandomSubsetting : public PolicyTest {
 protected:
  static std::string Size(int n, std::string_view child = "round_robin") {
    return Cat(R"([{"random_subsetting":{"subsetSize":)", n, R"(,"childPolicy":[{")", child,
               R"(":{}}]}}])");
  }
  static Addresses Named(int n) {
    Addresses all;
    for (int i = 0; i < n; ++i) all.push_back(Cat("endpoint-", i));
    return all;
  }
};

// ---- Config

TEST_F(RandomSubsetting, IsKnownByBothNames) {
  Start(Size(1), {"a"});
  Ready("a");
  std::string draft = Size(1);
  draft.replace(draft.find("random_subsetting"), 17, "random_subsetting_experimental");
  SwitchTo(draft, {"a"});
  EXPECT_EQ(Go(), "a");
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(RandomSubsetting, ASizeAboveZeroIsNeeded) {
  EXPECT_EQ(ErrorOf(Size(0)),
            "1:37: loadBalancingConfig[0].random_subsetting.subsetSize: 0 is not within "
            "1..4294967295");
  EXPECT_EQ(ErrorOf(Size(-1)),
            "1:37: loadBalancingConfig[0].random_subsetting.subsetSize: -1 is not within "
            "1..4294967295");
  EXPECT_EQ(ErrorOf(R"([{"random_subsetting":{"childPolicy":[{"pick_first":{}}]}}])"),
            "1:23: loadBalancingConfig[0].random_subsetting.subsetSize: is needed");
  EXPECT_EQ(ErrorOf(R"([{"random_subsetting":{"subsetSize":true}}])"),
            "1:37: loadBalancingConfig[0].random_subsetting.subsetSize: must be a number");
}
TEST_F(RandomSubsetting, APolicyIsNeeded) {
  EXPECT_EQ(ErrorOf(R"([{"random_subsetting":{"subsetSize":3}}])"),
            "1:23: loadBalancingConfig[0].random_subsetting.childPolicy: is needed: a list of "
            "policies");
  EXPECT_EQ(ErrorOf(R"([{"random_subsetting":{"subsetSize":3,"childPolicy":[{"unknown":{}}]}}])"),
            "1:53: loadBalancingConfig[0].random_subsetting.childPolicy: none of these policies is "
            "known: unknown");
}

// ---- Who is kept

TEST_F(RandomSubsetting, FewerThanTheSizeAreAllKeptInTheirOrder) {
  Start(Size(5), Named(4));
  EXPECT_EQ(dialled(), Named(4));
  Start(Size(4), Named(4));
  EXPECT_EQ(Open(), Named(4));
}
TEST_F(RandomSubsetting, OfMoreTheLeastHashesAreKept) {
  Start(Size(5), Named(10));  // The seed is chance's first, 0.
  EXPECT_THAT(dialled(),
              ElementsAre("endpoint-1", "endpoint-3", "endpoint-5", "endpoint-2", "endpoint-8"));
}
TEST_F(RandomSubsetting, TheSubsetDoesNotDependOnTheOrderOfTheList) {
  Start(Size(3), Named(10));
  const Addresses first = Open();
  Addresses reversed = Named(10);
  std::reverse(reversed.begin(), reversed.end());
  EXPECT_TRUE(Resolve(reversed).ok());
  EXPECT_EQ(Open(), first);
}
TEST_F(RandomSubsetting, OneMoreEndpointMovesAtMostOne) {
  Start(Size(5), Named(10));
  Addresses before = Open();
  for (int n = 11; n < 40; ++n) {
    EXPECT_TRUE(Resolve(Named(n)).ok());
    const Addresses now = Open();
    int kept = 0;
    for (const std::string& a : now) kept += std::count(before.begin(), before.end(), a);
    EXPECT_GE(kept, 4);
    before = now;
  }
}
TEST_F(RandomSubsetting, TheSeedIsDrawnOnceForEachPolicy) {
  int draws = 0;
  DrawWith([&](uint64_t bound) {
    if (bound == UINT64_MAX) ++draws;
    return 7 % bound;
  });
  Start(Size(5), Named(10));
  EXPECT_TRUE(Resolve(Named(10)).ok());
  EXPECT_EQ(draws, 1);
  const Addresses with_seven = Open();
  DropPolicy();
  DrawWith([](uint64_t) { return 0; });
  Start(Size(5), Named(10));
  EXPECT_NE(Open(), with_seven);
}
TEST_F(RandomSubsetting, EndpointsWithoutAddressesAreLeftOut) {
  ASSERT_EQ(Configure(Size(2)), absl::OkStatus());
  EXPECT_TRUE(ResolveEndpoints({Endpoint(), PolicyTest::Named("a"), PolicyTest::Named("b")}).ok());
  EXPECT_THAT(Open(), ElementsAre("a", "b"));
}
TEST_F(RandomSubsetting, AnotherSizeKeepsWhatItCan) {
  Start(Size(3), Named(10));
  AllReady(Open());
  const Addresses before = Open();
  SwitchTo(Size(5), Named(10));
  EXPECT_THAT(before, IsSubsetOf(Open()));
  for (const std::string& a : before) EXPECT_EQ(dials()[a], 1);
}
TEST_F(RandomSubsetting, EverythingElseIsPassedOn) {
  Start(Size(3), {});
  EXPECT_EQ(Go(), "round_robin: the resolver returned no endpoints: a note");
  ResolverFails("no such host");
  EXPECT_EQ(Go(), "round_robin: name resolver error: no such host");
  Start(Size(1, "pick_first"), {"a"});
  Ready("a");
  Idle("a");
  ExitIdle();
  EXPECT_EQ(dials()["a"], 2);
}
TEST_F(RandomSubsetting, AChildSwitchesItsPolicyWithoutDialling) {
  Start(Size(3), Named(10));
  AllReady(Open());
  const auto before = dials();
  SwitchTo(Size(3, "least_request"), Named(10));
  EXPECT_EQ(state(), kReady);
  EXPECT_EQ(dials(), before);
}

}  // namespace
}  // namespace rondo

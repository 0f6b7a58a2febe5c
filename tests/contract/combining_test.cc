#include "contract/contract_test.h"

namespace rondo::contract {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr std::string_view kOutlier = R"([{"outlier_detection":{"threshold":50,"minimumHosts":3,
    "requestVolume":3,"maxEjectionPercent":40,"childPolicy":[{"round_robin":{}}]}}])";
TEST_F(ContractTest, AnOutlierLeavesTheTurnThroughItsHealthAndComesBack) {
  Start(kOutlier, {"a", "b", "c"});
  AllReady({"a", "b", "c"});
  const auto traffic = [&] {
    for (int i = 0; i < 15; ++i) {
      Call c = Begin();
      End(c, c.where == "c" ? absl::InternalError("bug") : absl::OkStatus());
    }
  };
  traffic();
  Advance(10s);
  EXPECT_THAT(Shares(10), UnorderedElementsAre(Pair("a", 5), Pair("b", 5)));
  EXPECT_EQ(dials_["c"], 1) << "the connection is kept";
  EXPECT_THAT(Open(), ElementsAre("a", "b", "c"));
  Advance(40s);
  EXPECT_EQ(Shares(9).size(), 3u);
}
TEST_F(ContractTest, EjectionDoesNotReachABarePickFirst) {
  Start(R"([{"outlier_detection":{"threshold":50,"minimumHosts":1,"requestVolume":1,
            "childPolicy":[{"pick_first":{}}]}}])",
        {"a"});
  Ready("a");
  Go(absl::InternalError("bug"));
  Advance(10s);
  EXPECT_EQ(Go(), "a");
}
TEST_F(ContractTest, ASwitchBelowOutlierDetectionKeepsTheEjection) {
  Start(kOutlier, {"a", "b", "c"});
  AllReady({"a", "b", "c"});
  for (int i = 0; i < 15; ++i) {
    Call c = Begin();
    End(c, c.where == "c" ? absl::InternalError("bug") : absl::OkStatus());
  }
  Advance(10s);
  std::string other(kOutlier);
  other.replace(other.find("round_robin"), 11, "least_request");
  ASSERT_TRUE(Configure(other).ok());
  ASSERT_TRUE(Resolve({"a", "b", "c"}).ok());
  EXPECT_EQ(Shares(50).count("c"), 0u);
  EXPECT_EQ(dials_["c"], 1);
}

TEST_F(ContractTest, ALimitOnCallsIsSharedAndGivenBack) {
  Start(R"([{"cluster_impl":{"cluster":"k","maxConcurrentRequests":2,
            "childPolicy":[{"round_robin":{}}]}}])",
        {"a"});
  EXPECT_EQ(Go(), "queue");
  Ready("a");
  Call x = Begin(), y = Begin();
  EXPECT_EQ(Go(), "drop: k: too many calls at once");
  EXPECT_TRUE(Resolve({"a"}).ok());  // A new picker counts on.
  EXPECT_EQ(Go(), "drop: k: too many calls at once");
  End(x);
  EXPECT_EQ(Go(), "a");
  root_ = nullptr;
  End(y);  // Told through the pin, though the policy is gone.
}
TEST_F(ContractTest, DropsAreDrawnPerMillion) {
  Start(R"([{"cluster_impl":{"cluster":"d","dropCategories":[
        {"category":"lb","requestsPerMillion":250000}],"childPolicy":[{"pick_first":{}}]}}])",
        {"a"});
  Ready("a");
  EXPECT_NEAR(Shares(4000)["drop: the call is dropped"], 1000, 100);
}
TEST_F(ContractTest, ASubsetStandsAboveAnyPolicy) {
  Start(R"([{"subset":{"subsetSize":2,"childPolicy":[{"round_robin":{}}]}}])",
        {"a", "b", "c", "d"});
  const auto open = Open();
  EXPECT_EQ(open.size(), 2u);
  EXPECT_TRUE(Resolve({"d", "c", "b", "a"}).ok());
  EXPECT_EQ(Open(), open);
}

}  // namespace
}  // namespace rondo::contract

#include "contract/contract_test.h"

namespace rondo::contract {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;
constexpr std::string_view kRoundRobin = R"([{"round_robin":{}}])";

TEST_F(ContractTest, ALiveSwitchTakesOverConnectionsWithoutDialling) {
  Start(kRoundRobin, {"a", "b"});
  AllReady({"a", "b"});
  Go(), Go();
  const auto dials = dials_;
  ASSERT_TRUE(Configure(R"([{"weighted_round_robin":{}}])").ok());
  ASSERT_TRUE(Resolve({"a", "b"}).ok());
  EXPECT_EQ(state_, kReady);
  EXPECT_EQ(dials_, dials);
  EXPECT_THAT(Shares(10), UnorderedElementsAre(Pair("a", 5), Pair("b", 5)));
  EXPECT_EQ(Load("a").succeeded(), 6u);  // The cell came along.
}
TEST_F(ContractTest, WeightsFollowOutOfBandReportsAndExpire) {
  Start(R"([{"weighted_round_robin":{"enableOobLoadReport":true,"oobReportingPeriod":"5s"}}])",
        {"a", "b"});
  AllReady({"a", "b"});
  EXPECT_EQ(report_period_["a"], 5s);
  const auto report = [&] {
    Load("a").Put(ReportSource::kOutOfBand, {.cpu = 0.2, .qps = 100, .at = now_});
    Load("b").Put(ReportSource::kOutOfBand, {.cpu = 0.2, .qps = 300, .at = now_});
  };
  report();
  Advance(5s);
  EXPECT_THAT(Shares(8), UnorderedElementsAre(Pair("a", 4), Pair("b", 4))) << "in blackout";
  report();
  Advance(5s + 1s);
  EXPECT_THAT(Shares(40), UnorderedElementsAre(Pair("a", 10), Pair("b", 30)));
  Advance(181s);
  EXPECT_THAT(Shares(8), UnorderedElementsAre(Pair("a", 4), Pair("b", 4))) << "expired";
  Idle("a");
  EXPECT_EQ(report_period_["a"], 0s) << "the listener went with the connection";
}
TEST_F(ContractTest, WeightsFollowTheReportsOfCalls) {
  Start(R"([{"weighted_round_robin":{"blackoutPeriod":"0s"}}])", {"a", "b"});
  AllReady({"a", "b"});
  for (int i = 0; i < 2; ++i) {
    Call c = Begin();
    const LoadReport r{.cpu = c.where == "a" ? 0.1 : 0.5, .qps = 10, .at = now_};
    End(c, {}, &r);
  }
  Advance(1s);
  EXPECT_THAT(Shares(60), UnorderedElementsAre(Pair("a", 50), Pair("b", 10)));
}

}  // namespace
}  // namespace rondo::contract

#include "contract/contract_test.h"

namespace rondo::contract {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;
constexpr std::string_view kRoundRobin = R"([{"round_robin":{}}])";

TEST_F(ContractTest, LeastRequestReadsTheLoadCells) {
  Start(R"([{"least_request":{}}])", {"a", "b"});
  AllReady({"a", "b"});
  std::map<std::string, int> n;
  std::vector<Call> open;
  for (int i = 0; i < 100; ++i) open.push_back(Begin()), ++n[open.back().where];
  EXPECT_NEAR(n["a"], 50, 5);
  for (auto& c : open) End(c);
  EXPECT_EQ(Load("a").in_flight(), 0);
}

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

TEST_F(ContractTest, TheRingIsTheOneOfGrpc) {
  EXPECT_EQ(XxHash64(""), 0xEF46DB3751D8E999u);
  EXPECT_EQ(XxHash64("1"), 13237225503670494420u);
  auto ring = MakeRing({{"a", 3}, {"b", 3}, {"c", 4}}, 10, 20);
  ASSERT_EQ(ring->size(), 10u);
  EXPECT_THAT(ring->front(), Pair(4148279810343392165u, 0u));
  EXPECT_THAT(ring->back(), Pair(18017992814255492179u, 0u));
}
TEST_F(ContractTest, RingHashConnectsOnlyWhatACallHashesTo) {
  Start(R"([{"ring_hash":{}}])", {"a", "b", "c"});
  EXPECT_EQ(state_, kIdle);
  EXPECT_THAT(Open(), ElementsAre());
  args_.affinity = 42;
  EXPECT_EQ(Go(), "queue");
  ASSERT_EQ(Open().size(), 1u);
  const std::string owner = Open()[0];
  Ready(owner);
  EXPECT_THAT(Shares(9), UnorderedElementsAre(Pair(owner, 9)));
  Idle(owner);  // Lost: the next call wakes it again, and no other.
  Go();
  EXPECT_THAT(Open(), ElementsAre(owner));
  Fails(owner);
  EXPECT_EQ(Open().size(), 2u) << "the next on the ring";
}
TEST_F(ContractTest, ARandomHashWakesAnIdleBackendAndUsesAReadyOne) {
  Start(R"([{"ring_hash":{"requestHashHeader":"x-key"}}])", {"a", "b", "c"});
  EXPECT_EQ(Go(), "queue");
  const std::string first = Open()[0];
  Ready(first);
  for (int i = 0; i < 20 && Open().size() == 1; ++i) EXPECT_EQ(Go(), first);
  EXPECT_EQ(Open().size(), 2u) << "a pick that went to one backend woke another";
  Go();
  EXPECT_EQ(Open().size(), 2u) << "one connection at a time";
}

}  // namespace
}  // namespace rondo::contract

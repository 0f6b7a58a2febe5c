#include "balance/policy_test.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class WeightedRoundRobin : public PolicyTest {
 protected:
  static std::string Config(std::string_view config = R"({"blackoutPeriod":"0s"})") {
    return Cat(R"([{"weighted_round_robin":)", config, "}]");
  }
  void BeginsReady(const Addresses& all, std::string_view config = R"({"blackoutPeriod":"0s"})") {
    Start(Config(config), all);
    AllReady(all);
  }
  // A call to each, whose trailers report what `reports` says.
  void Report(const std::map<std::string, LoadReport>& reports) {
    for (auto [address, report] : reports) {
      report.at = now();
      Load(address).Put(ReportSource::kPerCall, report);
    }
  }
  void ReportOutOfBand(const std::map<std::string, LoadReport>& reports) {
    for (auto [address, report] : reports) {
      report.at = now();
      Load(address).Put(ReportSource::kOutOfBand, report);
    }
  }
  void ExpectShares(int a, int b) {
    EXPECT_THAT(Shares(a + b),
                UnorderedElementsAre(
                    Pair("a", ::testing::AllOf(::testing::Ge(a - 1), ::testing::Le(a + 1))),
                    Pair("b", ::testing::AllOf(::testing::Ge(b - 1), ::testing::Le(b + 1)))));
  }
  double Count(std::string_view metric) {
    return metrics()[Cat("weighted_round_robin: grpc.lb.wrr.", metric)];
  }
  const LoadReport kLight{.cpu = 0.1, .qps = 100}, kHeavy{.cpu = 1, .qps = 100};
};

// ---- Config

TEST_F(WeightedRoundRobin, IsKnownByBothNames) {
  BeginsReady({"a"});
  SwitchTo(R"([{"weighted_round_robin_experimental":{}}])", {"a"});
  EXPECT_EQ(Go(), "a");
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(WeightedRoundRobin, EachFieldsBadValueIsAnError) {
  const auto bad = [&](std::string_view field, std::string_view value) {
    const std::string error = ErrorOf(Config(Cat("{\"", field, "\":", value, "}")));
    return error.substr(error.find("robin.") + 6);
  };
  EXPECT_EQ(bad("enableOobLoadReport", "1"), "enableOobLoadReport: must be true or false");
  for (const std::string field :
       {"oobReportingPeriod", "blackoutPeriod", "weightExpirationPeriod", "weightUpdatePeriod"}) {
    EXPECT_EQ(bad(field, "\"-1s\""), field + ": \"-1s\" is negative");
    EXPECT_EQ(bad(field, "\"1m\""), field + ": \"1m\" is not a duration such as \"1.5s\"");
    EXPECT_EQ(bad(field, "1"), field + ": must be a duration such as \"1.5s\"");
  }
  EXPECT_EQ(bad("errorUtilizationPenalty", "-0.5"), "errorUtilizationPenalty: -0.5 is less than 0");
  EXPECT_EQ(bad("errorUtilizationPenalty", "\"x\""), "errorUtilizationPenalty: must be a number");
  for (const std::string name :
       {"", "cpu", "utilization.", "named_metrics.", "request_cost.x", "Utilization.x"}) {
    EXPECT_EQ(bad("metricNamesForComputingUtilization", Cat("[\"", name, "\"]")),
              Cat("metricNamesForComputingUtilization: \"", name,
                  "\" can't be read; what can: application_utilization, cpu_utilization, "
                  "mem_utilization, utilization.KEY, named_metrics.KEY"));
  }
  EXPECT_EQ(bad("metricNamesForComputingUtilization", "1"),
            "metricNamesForComputingUtilization: must be a list of texts");
}
TEST_F(WeightedRoundRobin, AnErrorNamesItsPlace) {
  EXPECT_EQ(
      ErrorOf(Config(R"({"blackoutPeriod":"-1s"})")),
      "1:44: loadBalancingConfig[0].weighted_round_robin.blackoutPeriod: \"-1s\" is negative");
}

// ---- Weights by the reports of calls

TEST_F(WeightedRoundRobin, OneBackendGetsAllWithOrWithoutReports) {
  BeginsReady({"a"});
  EXPECT_THAT(Shares(5), ElementsAre(Pair("a", 5)));
  Report({{"a", kLight}});
  Advance(1s);
  EXPECT_THAT(Shares(5), ElementsAre(Pair("a", 5)));
  SwitchTo(Config(R"({"enableOobLoadReport":true})"), {"a"});
  EXPECT_THAT(Shares(5), ElementsAre(Pair("a", 5)));
}
TEST_F(WeightedRoundRobin, WithoutReportsTurnsAreEven) {
  BeginsReady({"a", "b"});
  Advance(5s);
  ExpectShares(50, 50);
}
TEST_F(WeightedRoundRobin, WeightsFollowTheReportsOfCalls) {
  BeginsReady({"a", "b"});
  for (int i = 0; i < 2; ++i) {
    Call c = Begin();
    LoadReport r = c.where == "a" ? kHeavy : kLight;
    r.at = now();
    End(c, {}, &r);
  }
  ExpectShares(5, 5);  // Not before the tick.
  Advance(1s);
  ExpectShares(10, 100);
}
TEST_F(WeightedRoundRobin, NewReportsChangeTheWeightsWithTheNextTick) {
  BeginsReady({"a", "b"}, R"({"blackoutPeriod":"0s","weightUpdatePeriod":"5s"})");
  Report({{"a", kHeavy}, {"b", kLight}});
  Advance(5s);
  ExpectShares(10, 100);
  Report({{"a", kLight}, {"b", kHeavy}});
  Advance(4999ms);
  ExpectShares(10, 100);
  Advance(1ms);
  ExpectShares(100, 10);
}
TEST_F(WeightedRoundRobin, TicksAreAtLeastATenthOfASecondApart) {
  BeginsReady({"a", "b"}, R"({"blackoutPeriod":"0s","weightUpdatePeriod":"0s"})");
  Report({{"a", kHeavy}, {"b", kLight}});
  Advance(99ms);
  ExpectShares(50, 50);
  Advance(1ms);
  ExpectShares(10, 100);
}
TEST_F(WeightedRoundRobin, ErrorsMakeABackendHeavier) {
  // b is ten times lighter and fails nine of ten calls.
  const LoadReport failing{.cpu = 0.1, .qps = 100, .eps = 90};
  BeginsReady({"a", "b"});
  Report({{"a", kHeavy}, {"b", failing}});
  Advance(1s);
  ExpectShares(50, 50);
  SwitchTo(Config(R"({"blackoutPeriod":"0s","errorUtilizationPenalty":0})"), {"a", "b"});
  Report({{"a", kHeavy}, {"b", failing}});
  Advance(1s);
  ExpectShares(10, 100);
}
TEST_F(WeightedRoundRobin, TheMetricsAskedForCount) {
  BeginsReady({"a", "b"}, R"({"blackoutPeriod":"0s","metricNamesForComputingUtilization":
      ["mem_utilization"]})");
  Report({{"a", {.cpu = 0.5, .memory = 0.2, .qps = 10}},
          {"b", {.cpu = 0.5, .memory = 0.8, .qps = 10}}});
  Advance(1s);
  ExpectShares(40, 10);
}
TEST_F(WeightedRoundRobin, NamedFiguresAskedForCount) {
  BeginsReady({"a", "b"}, R"({"blackoutPeriod":"0s","metricNamesForComputingUtilization":
      ["utilization.disk", "named_metrics.queue.depth"]})");
  Report({{"a", {.cpu = 0.9, .qps = 10, .named = {{"utilization.disk", 0.2}}}},
          {"b", {.cpu = 0.1, .qps = 10, .named = {{"named_metrics.queue.depth", 0.8}}}}});
  Advance(1s);
  ExpectShares(40, 10);
}
TEST_F(WeightedRoundRobin, NamedFiguresCountOutOfBandToo) {
  BeginsReady({"a", "b"}, R"({"blackoutPeriod":"0s","enableOobLoadReport":true,
      "metricNamesForComputingUtilization":["named_metrics.queue"]})");
  ReportOutOfBand({{"a", {.cpu = 0.1, .qps = 10, .named = {{"named_metrics.queue", 1}}}},
                   {"b", {.cpu = 0.1, .qps = 10, .named = {{"named_metrics.queue", 4}}}}});
  Advance(1s);
  ExpectShares(40, 10);
}
TEST_F(WeightedRoundRobin, WithoutTheFiguresAskedForTheUsualOnesCount) {
  BeginsReady({"a", "b"}, R"({"blackoutPeriod":"0s","metricNamesForComputingUtilization":
      ["named_metrics.queue"]})");
  Report({{"a", kLight}, {"b", kHeavy}});
  Advance(1s);
  ExpectShares(100, 10);
}
TEST_F(WeightedRoundRobin, ABackendWithoutAReportWeighsAsTheMeanOfTheOthers) {
  BeginsReady({"a", "b", "c"});
  Report({{"a", {.cpu = 0.1, .qps = 10}}, {"b", {.cpu = 0.1, .qps = 30}}});
  Advance(1s);
  const auto shares = Shares(600);
  EXPECT_NEAR(shares.at("a"), 100, 2);
  EXPECT_NEAR(shares.at("b"), 300, 2);
  EXPECT_NEAR(shares.at("c"), 200, 2);
}
TEST_F(WeightedRoundRobin, AWeightIsHeldWithinTenTimesTheMean) {
  Addresses all;
  for (int i = 0; i < 100; ++i) all.push_back(Cat("b", i));
  BeginsReady(all);
  for (const std::string& a : all) Report({{a, {.cpu = 1, .qps = a == "b0" ? 1001.0 : 1.0}}});
  Advance(1s);
  EXPECT_NEAR(Shares(2090)["b0"], 1100, 100) << "110 of 209: the mean is 11";
}
TEST_F(WeightedRoundRobin, GarbageIsIgnored) {
  BeginsReady({"a", "b"});
  Report({{"a", kHeavy}, {"b", kLight}});
  Advance(1s);
  Report({{"a", {.cpu = -1, .qps = 100}}, {"b", {.cpu = std::nan(""), .qps = 1}}});
  Advance(1s);
  ExpectShares(10, 100);
}

// ---- Out of band

TEST_F(WeightedRoundRobin, WeightsFollowReportsOutOfBand) {
  BeginsReady({"a", "b"}, R"({"blackoutPeriod":"0s","enableOobLoadReport":true})");
  EXPECT_EQ(report_period()["a"], 10s);
  Report({{"a", kLight}, {"b", kHeavy}});  // With calls: not used.
  ReportOutOfBand({{"a", kHeavy}, {"b", kLight}});
  Advance(1s);
  ExpectShares(10, 100);
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(WeightedRoundRobin, ReportsAreAskedForWhileABackendIsReady) {
  Start(Config(R"({"enableOobLoadReport":true,"oobReportingPeriod":"5s"})"), {"a"});
  EXPECT_EQ(report_period()["a"], 0s);
  Ready("a");
  EXPECT_EQ(report_period()["a"], 5s);
  Idle("a");
  EXPECT_EQ(report_period()["a"], 0s);
  Ready("a");
  EXPECT_EQ(report_period()["a"], 5s);
  EXPECT_TRUE(Resolve({"b"}).ok());
  EXPECT_EQ(report_period()["a"], 0s);
  EXPECT_THAT(Open(), ElementsAre("b"));
}
TEST_F(WeightedRoundRobin, AnotherPeriodOrNoneIsAskedForAtOnce) {
  BeginsReady({"a"}, R"({"enableOobLoadReport":true,"oobReportingPeriod":"5s"})");
  SwitchTo(Config(R"({"enableOobLoadReport":true,"oobReportingPeriod":"7s"})"), {"a"});
  EXPECT_EQ(report_period()["a"], 7s);
  SwitchTo(Config(R"({"enableOobLoadReport":false})"), {"a"});
  EXPECT_EQ(report_period()["a"], 0s);
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(WeightedRoundRobin, AfterOutOfBandTheReportsOfCallsCount) {
  BeginsReady({"a", "b"}, R"({"blackoutPeriod":"0s","enableOobLoadReport":true})");
  ReportOutOfBand({{"a", kHeavy}, {"b", kLight}});
  Advance(1s);
  SwitchTo(Config(), {"a", "b"});
  Advance(1s);
  Report({{"a", kLight}, {"b", kHeavy}});
  Advance(1s);
  ExpectShares(100, 10);
}
TEST_F(WeightedRoundRobin, ReportsComeThroughTheConnectionInUse) {
  ASSERT_EQ(Configure(Config(R"({"enableOobLoadReport":true})")), absl::OkStatus());
  Endpoint tagged = Named("a");
  tagged.transport.Set(Tag{"x"});
  EXPECT_TRUE(ResolveEndpoints({tagged}).ok());
  Ready("a#x");
  EXPECT_EQ(report_period()["a#x"], 10s);
  EXPECT_THAT(Open(), ElementsAre("a#x"));
}

// ---- Blackout and expiry

TEST_F(WeightedRoundRobin, WeightsAreNotUsedInBlackoutWhichAReconnectBeginsAnew) {
  BeginsReady({"a", "b"}, "{}");
  const auto report = [&] { Report({{"a", kHeavy}, {"b", kLight}}); };
  report();
  Advance(9s);
  report();
  ExpectShares(50, 50);
  Advance(1s);
  ExpectShares(10, 100);
  Idle("a");
  Ready("a");
  Advance(2s);
  report();
  Advance(9s);
  ExpectShares(50, 50);
  report();
  Advance(1s);
  ExpectShares(10, 100);
}
TEST_F(WeightedRoundRobin, WeightsExpire) {
  BeginsReady({"a", "b"});
  Report({{"a", kHeavy}, {"b", kLight}});
  Advance(179s);
  ExpectShares(10, 100);
  Advance(1s);
  ExpectShares(50, 50);
}
TEST_F(WeightedRoundRobin, AReportFromBeforeTheConnectionIsOfNoUse) {
  BeginsReady({"a", "b"});
  Report({{"a", kHeavy}, {"b", kLight}});
  Advance(1s);
  Idle("b");
  Ready("b");
  Advance(1s);
  ExpectShares(50, 50);
}

// ---- Metrics

TEST_F(WeightedRoundRobin, CountsFallbacksAndWeightsThatCannotBeUsed) {
  BeginsReady({"a", "b"}, R"({"weightExpirationPeriod":"20s"})");
  Advance(1s);
  EXPECT_GE(Count("rr_fallback"), 1);
  EXPECT_GE(Count("endpoint_weight_not_yet_usable"), 2);
  EXPECT_EQ(Count("endpoint_weight_stale"), 0);
  Report({{"a", kHeavy}, {"b", kLight}});
  Advance(11s);
  const double before = Count("rr_fallback");
  Advance(5s);
  EXPECT_EQ(Count("rr_fallback"), before);
  Advance(10s);
  EXPECT_GT(Count("rr_fallback"), before);
  EXPECT_GT(Count("endpoint_weight_stale"), 0);
}

TEST_F(WeightedRoundRobin, TellsTheReportedWeightsOnceAnUpdatePeriod) {
  BeginsReady({"a", "b"}, R"({"blackoutPeriod":"0s","weightUpdatePeriod":"5s"})");
  Report({{"a", kLight}});
  Advance(5s);  // The picker of this tick sees the report; the next tick tells of it.
  samples().clear();
  Advance(5s);
  EXPECT_THAT(samples()["weighted_round_robin: grpc.lb.wrr.endpoint_weights"],
              UnorderedElementsAre(0, 1000));
}

// ---- Weights of endpoints

TEST_F(WeightedRoundRobin, EndpointsWeightsCountWithoutReports) {
  ASSERT_EQ(Configure(Config()), absl::OkStatus());
  EXPECT_TRUE(ResolveEndpoints({Weighing("a", 3), Weighing("b", 1)}).ok());
  AllReady({"a", "b"});
  ExpectShares(75, 25);
}
TEST_F(WeightedRoundRobin, EndpointsWeightsMultiplyReportedOnes) {
  ASSERT_EQ(Configure(Config()), absl::OkStatus());
  EXPECT_TRUE(ResolveEndpoints({Weighing("a", 3), Weighing("b", 1)}).ok());
  AllReady({"a", "b"});
  Report({{"a", {.cpu = 0.1, .qps = 10}}, {"b", {.cpu = 0.1, .qps = 20}}});
  Advance(1s);
  ExpectShares(60, 40);
}
TEST_F(WeightedRoundRobin, AHugeWeightAmongManyIsHonoured) {
  ASSERT_EQ(Configure(Config()), absl::OkStatus());
  std::vector<Endpoint> all = {Weighing("heavy", 4000000000)};
  for (int i = 0; i < 100; ++i) all.push_back(Weighing(Cat("b", i), 1));
  EXPECT_TRUE(ResolveEndpoints(all).ok());
  for (const Endpoint& e : all) Ready(e.addresses[0]);
  EXPECT_GE(Shares(1000)["heavy"], 999);
}

// ---- As round_robin

TEST_F(WeightedRoundRobin, AddressesChange) {
  BeginsReady({"a", "b"});
  EXPECT_TRUE(Resolve({"b", "c"}).ok());
  Ready("c");
  EXPECT_THAT(Shares(10), UnorderedElementsAre(Pair("b", 5), Pair("c", 5)));
  EXPECT_FALSE(Resolve({}).ok());
  EXPECT_EQ(Go(), "weighted_round_robin: the resolver returned no endpoints: a note");
}
TEST_F(WeightedRoundRobin, EndpointsMayShareAnAddressAndHaveSeveral) {
  ASSERT_EQ(Configure(Config(R"({"enableOobLoadReport":true})")), absl::OkStatus());
  Endpoint both = Named("a");
  both.addresses.push_back("b");
  EXPECT_TRUE(ResolveEndpoints({Named("a"), both}).ok());
  Ready("a");
  EXPECT_THAT(Shares(10), ElementsAre(Pair("a", 10)));
  Fails("a");
  Ready("b");
  EXPECT_THAT(Shares(10), ElementsAre(Pair("b", 10)));
}
TEST_F(WeightedRoundRobin, ASwitchFromRoundRobinKeepsConnectionsAndReports) {
  Start(R"([{"round_robin":{}}])", {"a", "b"});
  AllReady({"a", "b"});
  const auto before = dials();
  SwitchTo(Config(), {"a", "b"});
  EXPECT_EQ(state(), kReady);
  EXPECT_EQ(dials(), before);
  Report({{"a", kHeavy}, {"b", kLight}});
  Advance(1s);
  ExpectShares(10, 100);
}
TEST_F(WeightedRoundRobin, ARetryAvoidsTheBackendsItTried) {
  BeginsReady({"a", "b"});
  Report({{"a", kHeavy}, {"b", kLight}});
  Advance(1s);
  const Call first = Begin();
  End(first);
  const Subchannel* tried[] = {first.result.subchannel()};
  args().tried = tried;
  for (int i = 0; i < 30; ++i) EXPECT_NE(Go(), first.where);
}
TEST_F(WeightedRoundRobin, WhenAllAreDownTheReasonIsTold) {
  Start(Config(), {"a"});
  EXPECT_EQ(Go(), "queue");
  Fails("a", "refused");
  EXPECT_EQ(Go(), "weighted_round_robin: none of 1 endpoints can be reached; last: a: refused");
}
TEST_F(WeightedRoundRobin, ShardsGoOutOfStep) {
  uint64_t random = 0;
  DrawWith([&](uint64_t bound) { return random++ % bound; });
  BeginsReady({"a", "b"});
  args().shard = 0;
  const std::string first = Go();
  args().shard = 1;
  EXPECT_NE(Go(), first);
}

TEST_F(WeightedRoundRobin, WhatIsLeftKeepsItsWeightsWhileABackendIsSuspect) {
  BeginsReady({"c", "a", "b"});
  Report({{"a", kHeavy}, {"b", kLight}, {"c", kLight}});
  Advance(2s);
  metrics().clear();  // Of the time before the reports.
  Suspect("c", true);
  Advance(1s);
  ExpectShares(10, 100);
  EXPECT_EQ(Count("rr_fallback"), 0);
  Suspect("c", false);
  EXPECT_THAT(Shares(210), ::testing::Contains(Pair("c", ::testing::Ge(99))));
}

}  // namespace
}  // namespace rondo

// The simulator against queueing theory, with fixed seeds; and its own rules.
#include "simulation.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "report.h"

namespace rondo::lab {
namespace {

using Queue = ServerModel::Queue;
using Kind = Distribution::Kind;

constexpr const char* kRoundRobin = R"([{"round_robin":{}}])";

// One server of `cores`, work of 1 ms on average, at 70 % load.
Scenario OneServer(Queue queue, double cores, Distribution work) {
  Scenario s;
  s.servers = {{.model = {.queue = queue, .cores = cores}}};
  s.work = work;
  s.rate = 700 * cores;
  s.warmup = 5;
  s.duration = 200;
  s.policies = {{"rr", kRoundRobin}};
  return s;
}
Metrics Simulated(const Scenario& scenario, uint64_t seed = 1) {
  absl::StatusOr<Result> result = Simulate(scenario, 0, seed);
  EXPECT_TRUE(result.ok()) << result.status();
  return MetricsOf(*result);
}

TEST(Theory, TheMeanOfOneQueueIsOneByOneMinusLoad) {  // M/M/1
  const Scenario s = OneServer(Queue::kFifo, 1, {Kind::kExponential, 1e-3});
  EXPECT_NEAR(Simulated(s)["mean_ms"], 1 / (1 - 0.7), 0.2);
}
TEST(Theory, TwoWorkersAtOneQueue) {  // M/M/2
  const Scenario s = OneServer(Queue::kFifo, 2, {Kind::kExponential, 1e-3});
  EXPECT_NEAR(Simulated(s)["mean_ms"], 1 / (1 - 0.7 * 0.7), 0.1);
}
TEST(Theory, ConstantWorkWaitsHalfAsLong) {  // M/D/1
  const Scenario s = OneServer(Queue::kFifo, 1, {Kind::kConstant, 1e-3});
  EXPECT_NEAR(Simulated(s)["mean_ms"], 1 + 0.7 / (2 * (1 - 0.7)), 0.1);
}
TEST(Theory, WithSharingTheMeanDependsOnTheLoadOnly) {  // M/G/1-PS is insensitive.
  for (const Distribution work :
       {Distribution{Kind::kExponential, 1e-3}, Distribution{Kind::kConstant, 1e-3},
        Distribution{Kind::kUniform, 1e-3, 1e-3}}) {
    EXPECT_NEAR(Simulated(OneServer(Queue::kSharing, 1, work))["mean_ms"], 1 / (1 - 0.7), 0.2);
  }
}
TEST(Theory, WithoutAQueueACallTakesItsWork) {
  const Scenario s = OneServer(Queue::kNone, 1, {Kind::kConstant, 1e-3});
  EXPECT_NEAR(Simulated(s)["p99_ms"], 1, 0.01);
}
TEST(Theory, FourWorkersAtOneQueue) {  // M/M/4: Erlang's C at 2.8 is 0.4286.
  const Scenario s = OneServer(Queue::kFifo, 4, {Kind::kExponential, 1e-3});
  EXPECT_NEAR(Simulated(s)["mean_ms"], 1 + 0.4286 / (4 - 2.8), 0.07);
}
TEST(Theory, WhatIsInFlightIsTheRateByTheMeanTime) {  // Little's law, whatever the queue.
  for (const Queue queue : {Queue::kFifo, Queue::kSharing, Queue::kNone}) {
    Scenario s = OneServer(queue, 1, {Kind::kExponential, 1e-3});
    s.servers[0].count = 3;
    s.rate = 2100;
    s.warmup = 0;
    s.duration = 60;
    absl::StatusOr<Result> r = Simulate(s, 0, 1);
    ASSERT_TRUE(r.ok()) << r.status();
    double held = 0;  // Seconds.
    for (const auto& slice : r->series.in_flight) {
      for (const double in_flight : slice) held += in_flight * r->series.width;
    }
    const double spent = static_cast<double>(r->latency.count()) * r->latency.mean() / 1e9;
    EXPECT_NEAR(held / spent, 1, 0.02);
  }
}
TEST(Theory, ANormalDistributionThatIsCutAtZeroHasItsMean) {
  const Distribution work{Kind::kNormal, 55, 55};
  Chance chance(3);
  double sum = 0;
  for (int i = 0; i < 100000; ++i) sum += work.Draw(chance);
  EXPECT_NEAR(work.Mean(), 70.8, 0.05);
  EXPECT_NEAR(sum / 100000, work.Mean(), 0.5);
}

TEST(Simulation, TheSameSeedGivesTheSameAndAnotherAnother) {
  Scenario s = OneServer(Queue::kSharing, 2, {Kind::kExponential, 1e-3});
  s.servers[0].count = 5;
  s.clients = 3;
  s.duration = 2;
  s.policies = {{"lr", R"([{"least_request":{}}])"}};
  EXPECT_EQ(Simulated(s, 1), Simulated(s, 1));
  EXPECT_NE(Simulated(s, 1), Simulated(s, 2));
}
TEST(Simulation, RoundRobinGivesEachServerTheSame) {
  Scenario s = OneServer(Queue::kNone, 1, {Kind::kConstant, 1e-3});
  s.servers[0].count = 10;
  s.duration = 10;
  EXPECT_LE(Simulated(s)["calls_to_a_server_max"] - Simulated(s)["calls_to_a_server_min"], 1);
}
TEST(Simulation, AFrozenServersCallsTimeOut) {
  Scenario s = OneServer(Queue::kFifo, 1, {Kind::kConstant, 1e-4});
  s.warmup = 0;
  s.duration = 10;
  s.timeout = 0.5;
  s.changes = {{.at = 5, .first = 0, .last = 0, .speed = 0}};
  const Metrics m = Simulated(s);
  EXPECT_NEAR(m.at("error_share"), 0.45, 0.03);  // Those of the last half second haven't ended.
  EXPECT_LT(m.at("p99.9_ms"), 2);
}
TEST(Simulation, CallsEndOrAreUnderWay) {  // Many give up while others share the server.
  Scenario s = OneServer(Queue::kSharing, 1, {Kind::kExponential, 1e-3});
  s.rate = 1500;
  s.warmup = 0;
  s.duration = 5;
  s.timeout = 0.02;
  absl::StatusOr<Result> r = Simulate(s, 0, 1);
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_GT(r->errors, 100u);
  EXPECT_GT(r->latency.count(), 100u);
  EXPECT_LT(r->unfinished, 100u);
  EXPECT_EQ(r->latency.count() + r->errors + r->unfinished, r->calls);
}
TEST(Simulation, CallsOfAFrozenServerAreUnfinished) {
  Scenario s = OneServer(Queue::kFifo, 1, {Kind::kConstant, 1e-4});
  s.warmup = 0;
  s.duration = 10;
  s.changes = {{.at = 0, .first = 0, .last = 0, .speed = 0}};
  const Metrics m = Simulated(s);
  EXPECT_EQ(m.at("unfinished_share"), 1);
  EXPECT_FALSE(m.contains("p99_ms"));
}
TEST(Simulation, ASlowServersCallsThatAreUnderWayGetSlowToo) {
  Scenario s = OneServer(Queue::kNone, 1, {Kind::kConstant, 1});
  s.warmup = 0;
  s.duration = 10;
  s.rate = 1000;
  s.changes = {{.at = 5, .first = 0, .last = 0, .speed = 0.5}};
  const Metrics m = Simulated(s);
  EXPECT_NEAR(m.at("p50_ms"), 1200, 700);
  EXPECT_NEAR(m.at("p99_ms"), 2000, 20);
}
TEST(Simulation, FailuresAreToldAndCounted) {
  Scenario s = OneServer(Queue::kNone, 1, {Kind::kConstant, 1e-3});
  s.servers[0].count = 4;
  s.warmup = 0;
  s.duration = 10;
  s.changes = {{.at = 0, .first = 2, .last = 2, .errors = 1}};
  EXPECT_NEAR(Simulated(s)["error_share"], 0.25, 0.01);
}
TEST(Simulation, LoadReportsReachThePolicy) {
  Scenario s = OneServer(Queue::kSharing, 1, {Kind::kExponential, 1e-3});
  s.servers = {{.count = 1, .model = {.cores = 3}}, {.count = 1, .model = {.cores = 1}}};
  s.rate = 2000;
  s.duration = 60;
  s.warmup = 20;
  s.reports = true;
  s.policies = {{"wrr", R"([{"weighted_round_robin":{"blackoutPeriod":"1s"}}])"}};
  const Metrics m = Simulated(s);
  EXPECT_NEAR(m.at("calls_to_a_server_max_to_mean"), 1.5, 0.1);  // 3 of 4.
}
TEST(Simulation, APolicyThatConnectsLateServes) {
  Scenario s = OneServer(Queue::kNone, 1, {Kind::kConstant, 1e-3});
  s.servers[0].count = 5;
  s.warmup = 0;
  s.duration = 10;
  s.policies = {{"ring", R"([{"ring_hash":{}}])"}};
  const Metrics m = Simulated(s);
  EXPECT_EQ(m.at("error_share"), 0);
  EXPECT_GT(m.at("calls_to_a_server_min"), 0);
}
TEST(Simulation, AServerThatIsDownIsLeftOutUntilItIsBack) {
  Scenario s = OneServer(Queue::kNone, 1, {Kind::kConstant, 0.1});
  s.servers[0].count = 4;
  s.rate = 1000;
  s.warmup = 0;
  s.duration = 10;
  s.changes = {{.at = 3, .first = 1, .last = 1, .down = 1},
               {.at = 6, .first = 1, .last = 1, .down = 0}};
  absl::StatusOr<Result> r = Simulate(s, 0, 1);
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_NEAR(static_cast<double>(r->errors), 25, 15);  // What it had in flight.
  EXPECT_EQ(r->series.in_flight[25][1], 0);
  EXPECT_NEAR(r->series.in_flight[57][1], 25, 10);
  EXPECT_EQ(r->connections_to, (std::vector<uint32_t>{1, 1, 1, 1}));
  // Four at first, refused ones after about 0, 1, 2.6 s, and the one that came through.
  EXPECT_NEAR(static_cast<double>(r->dials), 8, 1);
  EXPECT_EQ(r->latency.count() + r->errors + r->unfinished, r->calls);
}
TEST(Simulation, WhatTheResolverNamesLaterIsCalledLater) {
  Scenario s = OneServer(Queue::kNone, 1, {Kind::kConstant, 0.1});
  s.servers = {{.count = 2, .model = {.queue = Queue::kNone}},
               {.count = 2, .model = {.queue = Queue::kNone}, .listed = false}};
  s.warmup = 0;
  s.duration = 10;
  s.changes = {{.at = 5, .first = 2, .last = 3, .listed = 1},
               {.at = 5, .first = 0, .last = 0, .listed = 0}};
  absl::StatusOr<Result> r = Simulate(s, 0, 1);
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->errors, 0u);
  EXPECT_EQ(r->series.in_flight[20][2], 0);
  EXPECT_EQ(r->series.in_flight[50][0], 0);
  EXPECT_GT(r->series.in_flight[50][2], 10);
  EXPECT_EQ(r->connections_to, (std::vector<uint32_t>{0, 1, 1, 1}));
}
TEST(Simulation, TheWayToAnotherZoneIsLonger) {
  Scenario s = OneServer(Queue::kNone, 1, {Kind::kConstant, 1e-3});
  s.servers = {{.model = {.queue = Queue::kNone}, .zone = "a"},
               {.model = {.queue = Queue::kNone}, .zone = "b"}};
  s.clients = 2;
  s.client_zones = {"a", "b"};
  s.network = 1e-3;
  s.zone_way = 10e-3;
  s.duration = 10;
  Metrics m = Simulated(s);
  EXPECT_NEAR(m.at("cross_zone_share"), 0.5, 0.02);
  EXPECT_NEAR(m.at("p90_ms"), 23, 0.3);
  EXPECT_NEAR(m.at("mean_ms"), 13, 0.4);
}
TEST(Simulation, APolicysWrongConfigIsAnError) {
  Scenario s = OneServer(Queue::kNone, 1, {Kind::kConstant, 1e-3});
  s.policies = {{"x", R"([{"nope":{}}])"}};
  EXPECT_EQ(Simulate(s, 0, 1).status(),
            absl::InvalidArgumentError(
                "1:1: loadBalancingConfig: none of these policies is known: nope"));
}

TEST(Histogram, QuantilesAreWithinOnePercent) {
  Histogram h;
  for (int i = 1; i <= 100000; ++i) h.Add(i * 1000);
  EXPECT_NEAR(static_cast<double>(h.Quantile(0.5)), 5e7, 5e5);
  EXPECT_NEAR(static_cast<double>(h.Quantile(0.999)), 9.99e7, 1e6);
  EXPECT_NEAR(h.mean(), 5e7, 1e3);
  EXPECT_EQ(Histogram().Quantile(0.5), 0);
}

}  // namespace
}  // namespace rondo::lab

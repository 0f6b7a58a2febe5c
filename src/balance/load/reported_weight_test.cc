#include "balance/load/reported_weight.h"

#include <limits>

#include "gtest/gtest.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using Use = ReportedWeight::Use;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(WeightOf, IsCallsASecondForEachUnitOfUtilization) {
  EXPECT_DOUBLE_EQ(WeightOf({.cpu = 0.5, .qps = 10}, {}, 1), 20);
}
TEST(WeightOf, TheApplicationsOwnUtilizationComesBeforeTheProcessors) {
  EXPECT_DOUBLE_EQ(WeightOf({.cpu = 0.5, .application = 2, .qps = 10}, {}, 1), 5);
}
TEST(WeightOf, ErrorsCountAsUtilization) {
  EXPECT_DOUBLE_EQ(WeightOf({.cpu = 0.5, .qps = 10, .eps = 5}, {}, 1), 10);
  EXPECT_DOUBLE_EQ(WeightOf({.cpu = 0.5, .qps = 10, .eps = 5}, {}, 0), 20);
}
TEST(WeightOf, TheLargestOfTheUtilizationsAskedForCounts) {
  const UtilizationMetrics asked{.standard = {Utilization::kMemory, Utilization::kCpu}};
  EXPECT_DOUBLE_EQ(WeightOf({.cpu = 0.5, .memory = 1, .application = 4, .qps = 10}, asked, 1), 10);
  EXPECT_DOUBLE_EQ(WeightOf({.application = 4, .qps = 10}, asked, 1), 2.5) << "none is there";
}
TEST(WeightOf, NamedFiguresAskedForCountBesideTheOthers) {
  const UtilizationMetrics asked{.standard = {Utilization::kCpu},
                                 .named = {"utilization.disk", "named_metrics.queue"}};
  LoadReport r{.cpu = 0.5, .application = 4, .qps = 10};
  EXPECT_DOUBLE_EQ(WeightOf(r, asked, 1), 20) << "the report has none of them";
  r.named = {{"utilization.disk", 1}, {"named_metrics.other", 100}};
  EXPECT_DOUBLE_EQ(WeightOf(r, asked, 1), 10);
  r.named.push_back({"named_metrics.queue", 2});
  EXPECT_DOUBLE_EQ(WeightOf(r, asked, 1), 5);
}
TEST(WeightOf, ANamedFigureBelowZeroOrThatIsNoneIsPassedOver) {
  const UtilizationMetrics asked{.named = {"named_metrics.x"}};
  LoadReport r{.cpu = 0.5, .qps = 10, .named = {{"named_metrics.x", -3}}};
  EXPECT_DOUBLE_EQ(WeightOf(r, asked, 1), 20);
  r.named[0].value = std::nan("");
  EXPECT_DOUBLE_EQ(WeightOf(r, asked, 1), 20);
}
TEST(WeightOf, AReportWithoutUtilizationOrCallsIsOfNoUse) {
  EXPECT_EQ(WeightOf({.cpu = 0.5}, {}, 1), 0);
  EXPECT_EQ(WeightOf({.qps = 10}, {}, 1), 0);
  EXPECT_EQ(WeightOf({}, {}, 1), 0);
}
TEST(WeightOf, GarbageIsOfNoUse) {
  EXPECT_EQ(WeightOf({.cpu = kInfinity, .qps = 10}, {}, 1), 0);
  EXPECT_EQ(WeightOf({.cpu = 0.5, .qps = kInfinity}, {}, 1), 0);
  EXPECT_EQ(WeightOf({.cpu = std::nan(""), .qps = 10}, {}, 1), 0);
  EXPECT_EQ(WeightOf({.cpu = -1, .qps = 10}, {}, 1), 0);
  EXPECT_EQ(WeightOf({.cpu = 1e-300, .qps = 1e300}, {}, 1), 0);
}

class ReportedWeightTest : public ::testing::Test {
 protected:
  // Asked some time after its only report.
  double After(Duration d, ReportedWeight::Limits limits) {
    return weight.At(start + d, limits, use);
  }
  const Time start{1h};
  ReportedWeight weight;
  Use use{};
};
TEST_F(ReportedWeightTest, WithoutAReportThereIsNone) {
  EXPECT_EQ(After(0s, {.blackout = 10s, .expiration = 1min}), 0);
  EXPECT_EQ(use, Use::kNotYet);
}
TEST_F(ReportedWeightTest, AReportExpires) {
  weight.Take(3, start);
  EXPECT_EQ(After(2s, {.blackout = 0s, .expiration = 2s}), 0);
  EXPECT_EQ(use, Use::kStale);
}
TEST_F(ReportedWeightTest, ExpiryComesBeforeBlackout) {
  weight.Take(3, start);
  EXPECT_EQ(After(10s, {.blackout = 1min, .expiration = 1s}), 0);
  EXPECT_EQ(use, Use::kStale);
}
TEST_F(ReportedWeightTest, IsNotUsedInBlackout) {
  weight.Take(3, start);
  EXPECT_EQ(After(9999ms, {.blackout = 10s, .expiration = 1min}), 0);
  EXPECT_EQ(use, Use::kNotYet);
  EXPECT_EQ(After(10s, {.blackout = 10s, .expiration = 1min}), 3);
  EXPECT_EQ(use, Use::kUsable);
}
TEST_F(ReportedWeightTest, ABlackoutOfZeroIsNone) {
  weight.Take(3, start);
  EXPECT_EQ(After(0s, {.blackout = 0s, .expiration = 1min}), 3);
}
TEST_F(ReportedWeightTest, TheBlackoutBeginsWithTheFirstReportAndAgainAfterExpiry) {
  const ReportedWeight::Limits limits{.blackout = 10s, .expiration = 1min};
  weight.Take(3, start);
  weight.Take(4, start + 9s);
  EXPECT_EQ(After(10s, limits), 4);
  EXPECT_EQ(After(69s, limits), 0);
  weight.Take(5, start + 70s);
  EXPECT_EQ(After(79s, limits), 0);
  EXPECT_EQ(use, Use::kNotYet);
  EXPECT_EQ(After(80s, limits), 5);
}
TEST_F(ReportedWeightTest, WhatIsOfNoUseOrOldIsIgnored) {
  weight.Take(3, start);
  weight.Take(0, start + 1s);
  weight.Take(7, start);
  weight.Take(7, start - 1s);
  EXPECT_EQ(After(1s, {.blackout = 0s, .expiration = 1min}), 3);
  EXPECT_EQ(After(60s, {.blackout = 0s, .expiration = 1min}), 0) << "since the last of use";
}

}  // namespace
}  // namespace rondo

#include "observe/registry.h"

#include "gtest/gtest.h"

namespace rondo {
namespace {

using observe::Instrument;
using observe::Kind;
using observe::Label;

constexpr double kBounds[] = {0, .5, 1};
constexpr Instrument kCount{.name = "a.count", .help = "Things", .kind = Kind::kCounter};
constexpr Instrument kTime{.name = "a.time",
                           .help = "Time",
                           .kind = Kind::kHistogram,
                           .unit = "seconds",
                           .bounds = kBounds};

TEST(RegistryTest, AnEmptyOneHasNoText) { EXPECT_EQ(Metrics::Registry().Text(), ""); }
TEST(RegistryTest, SeriesOfOneNameStandTogetherSorted) {
  Metrics::Registry registry;
  const Label b[] = {{"k.ey", "b"}}, a[] = {{"k.ey", "a"}};
  registry.Number(kCount, b).Add(2);
  registry.Number(kCount, a).Add(1);
  registry.Number(kCount, b).Add(0.5);
  EXPECT_EQ(registry.Text(),
            "# HELP a_count_total Things\n"
            "# TYPE a_count_total counter\n"
            "a_count_total{k_ey=\"a\"} 1\n"
            "a_count_total{k_ey=\"b\"} 2.5\n");
}
TEST(RegistryTest, ANumberThatGoesUpAndDownIsAGauge) {
  Metrics::Registry registry;
  const Instrument gauge{.name = "g", .help = "G", .kind = Kind::kUpDown};
  registry.Number(gauge, {}).Add(2);
  registry.Number(gauge, {}).Add(-1);
  EXPECT_EQ(registry.Text(), "# HELP g G\n# TYPE g gauge\ng 1\n");
}
TEST(RegistryTest, BucketsOfAHistogramAreInclusiveAndAddUp) {
  Metrics::Registry registry;
  const Label x[] = {{"x", "1"}};
  for (const double v : {0.0, 0.25, 0.5, 0.75, 2.0}) registry.Distribution(kTime, x).Record(v);
  EXPECT_EQ(registry.Text(),
            "# HELP a_time_seconds Time\n"
            "# TYPE a_time_seconds histogram\n"
            "a_time_seconds_bucket{x=\"1\",le=\"0\"} 1\n"
            "a_time_seconds_bucket{x=\"1\",le=\"0.5\"} 3\n"
            "a_time_seconds_bucket{x=\"1\",le=\"1\"} 4\n"
            "a_time_seconds_bucket{x=\"1\",le=\"+Inf\"} 5\n"
            "a_time_seconds_sum{x=\"1\"} 3.5\n"
            "a_time_seconds_count{x=\"1\"} 5\n");
}
TEST(RegistryTest, LabelsAreEscaped) {
  Metrics::Registry registry;
  const Label odd[] = {{"x", "a\"b\\c\nd"}};
  registry.Number(kCount, odd).Add(1);
  EXPECT_NE(registry.Text().find(R"(a_count_total{x="a\"b\\c\nd"} 1)"), std::string::npos);
}
TEST(RegistryTest, LargeCountsAreWrittenInFull) {
  Metrics::Registry registry;
  registry.Number(kCount, {}).Add(12345678);
  EXPECT_NE(registry.Text().find("a_count_total 12345678\n"), std::string::npos);
}

}  // namespace
}  // namespace rondo

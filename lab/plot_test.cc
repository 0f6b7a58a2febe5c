#include "plot.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gnuplot.h"
#include "gtest/gtest.h"
#include "page.h"

namespace rondo::lab {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

Outcome Simulated() {
  Outcome o;
  o.scenario.name = "two";
  o.scenario.servers = {{.count = 2, .model = {.cores = 2}}};
  o.scenario.work = {rondo::lab::Distribution::Kind::kExponential, 1e-3};
  o.scenario.rate = 1000;
  o.scenario.warmup = 1;
  o.scenario.duration = 2;
  o.scenario.changes = {{.at = 1, .first = 0, .last = 0, .errors = 0.5}};
  o.scenario.policies = {{"my_rr", R"([{"round_robin":{}}])"}};
  absl::StatusOr<Result> result = Simulate(o.scenario, 0, 1);
  EXPECT_TRUE(result.ok()) << result.status();
  o.rows = {{"my_rr", Over({MetricsOf(*result)}), *result}};
  return o;
}
std::vector<std::string> Scripts(const std::vector<Plot>& plots) {
  std::vector<std::string> out;
  for (const Plot& plot : plots) out.push_back(plot.script);
  return out;
}

TEST(Plots, HaveAxesWithLabelsAndThePolicysName) {
  const std::vector<Plot> plots = PlotsOf(Simulated());
  EXPECT_EQ(plots.size(), 5u);
  EXPECT_THAT(Scripts(plots),
              Each(AllOf(HasSubstr("set xlabel"), HasSubstr("set ylabel"), HasSubstr("my_rr"))));
}
TEST(Plots, OfRunsWithoutErrorsHaveNoneOfErrors) {
  Outcome o = Simulated();
  o.rows[0].all.errors = 0;
  for (const Plot& plot : PlotsOf(o)) EXPECT_NE(plot.file, "errors.svg");
}
TEST(Plots, OfNothingAreNone) { EXPECT_TRUE(PlotsOf({}).empty()); }
TEST(Plots, OfASweepAreOverItsValues) {
  Outcome low = Simulated(), high = low;
  low.scenario.point = {"my load", 0.5};
  high.scenario.point = {"my load", 0.9};
  EXPECT_THAT(Scripts(PlotsOfSweep({low, high})),
              Each(AllOf(HasSubstr("set xlabel \"my load\""), HasSubstr("\n0.9 "))));
}
TEST(Plots, ANameIsNoCommand) {
  Outcome o = Simulated();
  o.rows[0].policy = "a\" `touch x`\n$b\\";
  EXPECT_THAT(PlotsOf(o)[0].script, HasSubstr("\"a\\\" \\`touch x\\` \\$b\\\\\""));
}

TEST(Series, EverySliceKnowsItsCallsAndWhatWasInFlight) {
  const Outcome o = Simulated();
  const Series& s = o.rows[0].all.series;
  uint64_t calls = 0, errors = 0, fine = 0;
  for (const Slice& slice : s.slices) {
    calls += slice.calls;
    errors += slice.errors;
    fine += slice.latency.count();
  }
  EXPECT_EQ(calls, o.rows[0].all.simulated);
  EXPECT_GT(errors, 0u);
  EXPECT_LE(calls - errors - fine, 20u);  // Under way at the end.
  ASSERT_GE(s.in_flight.size(), kSlices - 1);
  EXPECT_EQ(s.in_flight[0].size(), 2u);
}

class Folder : public ::testing::Test {
 protected:
  Folder() {
    std::string name = ::testing::TempDir() + "/labXXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    name_ = name;
  }
  ~Folder() override { std::filesystem::remove_all(name_); }
  std::string name_;
};
TEST_F(Folder, WithoutGnuplotTheErrorNamesThePackage) {
  EXPECT_EQ(RunGnuplot(name_, "", "no-such-gnuplot"),
            absl::FailedPreconditionError(
                "no-such-gnuplot: there is no such program, which draws the report's pictures; "
                "install the Debian package gnuplot-nox, or leave --out away"));
}
TEST_F(Folder, WhatGnuplotComplainsOfIsQuoted) {
  EXPECT_THAT(RunGnuplot(name_, "", "false"), absl::InternalError("false: can't draw: "));
}
TEST_F(Folder, AReportIsOnePageWithItsPictures) {
  Outcome o = Simulated();
  o.scenario.about = "a < b";
  const absl::Status written = WriteReport(name_ + "/out", {{o}});
  if (absl::IsFailedPrecondition(written)) GTEST_SKIP() << written.message();
  ASSERT_TRUE(written.ok()) << written;
  std::ifstream in(name_ + "/out/report.html");
  const std::string page((std::istreambuf_iterator<char>(in)), {});
  EXPECT_THAT(page, HasSubstr("a &lt; b"));
  size_t pictures = 0;
  for (size_t at = 0; (at = page.find("data:image/svg+xml;base64,PD94", at)) != page.npos; ++at) {
    ++pictures;
  }
  EXPECT_EQ(pictures, 5u);
  for (const char* file : {"results.json", "results.csv", "table.txt", "two/latency.svg"}) {
    EXPECT_GT(std::filesystem::file_size(name_ + "/out/" + file), 0u) << file;
  }
}

}  // namespace
}  // namespace rondo::lab

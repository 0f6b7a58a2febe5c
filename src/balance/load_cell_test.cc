#include <atomic>
#include <limits>
#include <thread>

#include "gtest/gtest.h"
#include "rondo/backend.h"
#include "rondo/balance.h"
#include "rondo/pick.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;

void EndWith(LoadCell& cell, const absl::Status& status, Duration latency = 1ms) {
  cell.End({.status = status, .latency = latency});
}

TEST(LoadCell, CountsCallsInFlightAndEnded) {
  LoadCell cell;
  for (int i = 0; i < 4; ++i) cell.Begin();
  EXPECT_EQ(cell.in_flight(), 4);
  EndWith(cell, absl::OkStatus());
  EndWith(cell, absl::InternalError("x"));
  EXPECT_EQ(cell.in_flight(), 2);
  EXPECT_EQ(cell.succeeded(), 1u);
  EXPECT_EQ(cell.failed(), 1u);
}
TEST(LoadCell, ACallThatNeverStartedLeavesNoTrace) {
  LoadCell cell;
  cell.Begin();
  cell.End({.status = absl::UnavailableError("gone"), .latency = 5s, .started = false});
  EXPECT_EQ(cell.in_flight(), 0);
  EXPECT_EQ(cell.succeeded(), 0u);
  EXPECT_EQ(cell.failed(), 0u);
  EXPECT_EQ(cell.latency(), 0ns);
}
TEST(LoadCell, LatencyBeginsWithTheFirstCallAndFollowsTheOthers) {
  LoadCell cell;
  cell.Begin();
  EndWith(cell, absl::OkStatus(), 8ms);
  EXPECT_EQ(cell.latency(), 8ms);
  cell.Begin();
  EndWith(cell, absl::OkStatus(), 16ms);
  EXPECT_EQ(cell.latency(), 9ms);
}
TEST(LoadCell, KeepsTheLatestReportOfEachSource) {
  LoadCell cell;
  EXPECT_EQ(cell.Report(ReportSource::kPerCall).at, Time{});
  const LoadReport report{.cpu = 0.5, .qps = 10, .at = Time(1s)};
  cell.Begin();
  cell.End({.status = absl::OkStatus(), .report = &report});
  cell.Put(ReportSource::kOutOfBand, {.cpu = 0.7, .at = Time(2s)});
  EXPECT_EQ(cell.Report(ReportSource::kPerCall).cpu, 0.5);
  EXPECT_EQ(cell.Report(ReportSource::kPerCall).qps, 10);
  EXPECT_EQ(cell.Report(ReportSource::kOutOfBand).cpu, 0.7);
  EXPECT_EQ(cell.Report(ReportSource::kOutOfBand).at, Time(2s));
}
TEST(LoadCell, NegativeNumbersAndNonNumbersOfAReportAreZero) {
  LoadCell cell;
  cell.Put(ReportSource::kPerCall,
           {.cpu = -1, .memory = std::numeric_limits<double>::quiet_NaN(), .qps = 3});
  EXPECT_EQ(cell.Report(ReportSource::kPerCall).cpu, 0);
  EXPECT_EQ(cell.Report(ReportSource::kPerCall).memory, 0);
  EXPECT_EQ(cell.Report(ReportSource::kPerCall).qps, 3);
}
TEST(LoadCell, NamedFiguresAreThoseOfTheLatestReport) {
  LoadCell cell;
  cell.Put(ReportSource::kPerCall, {.cpu = 1, .named = {{"utilization.a", 0.5}}});
  EXPECT_EQ(cell.Named(ReportSource::kPerCall), (std::vector<NamedFigure>{{"utilization.a", 0.5}}));
  EXPECT_TRUE(cell.Named(ReportSource::kOutOfBand).empty());
  EXPECT_TRUE(cell.Report(ReportSource::kPerCall).named.empty()) << "they have a call of their own";
  cell.Put(ReportSource::kPerCall, {.cpu = 2});
  EXPECT_TRUE(cell.Named(ReportSource::kPerCall).empty());
}
TEST(LoadCell, CountsTheReportsThatWereRefused) {
  LoadCell cell;
  EXPECT_EQ(cell.reports_refused(), 0U);
  cell.RefuseReport();
  EXPECT_EQ(cell.reports_refused(), 1U);
}
TEST(LoadCell, AReaderNeverSeesHalfAReport) {
  LoadCell cell;
  std::atomic<bool> stop{false};
  const auto write = [&](double from) {
    for (double v = from; !stop; v += 2) {
      cell.Put(ReportSource::kPerCall,
               {v, v, v, v, v, Time(Duration(static_cast<int64_t>(v))), {}});
    }
  };
  std::thread one(write, 1), two(write, 2);
  for (int i = 0; i < 20000; ++i) {
    const LoadReport r = cell.Report(ReportSource::kPerCall);
    ASSERT_EQ(r.cpu, r.eps);
    ASSERT_EQ(r.cpu, r.application);
    ASSERT_EQ(r.cpu, static_cast<double>(r.at.time_since_epoch().count()));
  }
  stop = true;
  one.join();
  two.join();
}
TEST(LoadCell, SuccessesAreNeverNegativeWhileCallsEnd) {
  LoadCell cell;
  std::atomic<bool> stop{false};
  std::thread calls([&] {
    const absl::Status bad = absl::InternalError("x");
    while (!stop) {
      cell.Begin();
      EndWith(cell, bad);
    }
  });
  for (int i = 0; i < 20000; ++i) ASSERT_LT(cell.succeeded(), 1000000u);
  stop = true;
  calls.join();
}

struct NoPicker final : Picker {
  PickResult Pick(const PickArgs&) const override { return Queue{}; }
};
TEST(PickResult, IsOneOfFour) {
  const Subchannel s("a");
  const PickHeaders headers;
  const PickResult picked = Picked{&s, "because", &headers};
  EXPECT_TRUE(picked.picked());
  EXPECT_EQ(picked.subchannel(), &s);
  EXPECT_EQ(picked.reason(), "because");
  EXPECT_EQ(picked.headers(), &headers);
  EXPECT_EQ(PickResult(Queue{}).kind(), PickResult::Kind::kQueue);
  EXPECT_EQ(PickResult(Fail{absl::InternalError("x")}).status(), absl::InternalError("x"));
  EXPECT_EQ(PickResult(Drop{absl::InternalError("x")}).kind(), PickResult::Kind::kDrop);
}
TEST(PickResult, CarriesUpToFourWatches) {
  const Subchannel s("a");
  const NoPicker who;
  PickResult r = Picked{&s};
  for (uint64_t i = 0; i < 4; ++i) r.Tell(&who, i);
  ASSERT_EQ(r.watches().size(), 4u);
  EXPECT_EQ(r.watches()[3].token, 3u);
#ifdef NDEBUG
  r.Tell(&who, 4);
  EXPECT_EQ(r.watches().size(), 4u);
#else
  EXPECT_DEATH(r.Tell(&who, 4), "PolicyFactory::watches is too small");
#endif
}
TEST(Chance, BelowIsUniform) {
  Chance chance(3);
  int count[3] = {};
  for (int i = 0; i < 30000; ++i) ++count[chance.Below(3)];
  for (int n : count) EXPECT_NEAR(n, 10000, 300);
}
TEST(Attributes, AreOneOfAKindComparedByValue) {
  Attributes a, b;
  EXPECT_EQ(a, b);
  a.Set(1);
  a.Set(2);
  a.Set(std::string("x"));
  EXPECT_EQ(*a.Get<int>(), 2);
  EXPECT_EQ(a.Get<double>(), nullptr);
  EXPECT_FALSE(a == b);
  b.Set(std::string("x"));
  b.Set(2);
  EXPECT_EQ(a, b);
  b.Set(3);
  EXPECT_FALSE(a == b);
}

}  // namespace
}  // namespace rondo

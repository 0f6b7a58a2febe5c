#include "wire/load_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "wire/proto_fields.h"

namespace rondo::wire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinite = std::numeric_limits<double>::infinity();

LoadReport Back(const LoadReport& report) {
  const std::optional<LoadReport> back = DecodeLoadReport(EncodeLoadReport(report));
  EXPECT_TRUE(back.has_value());
  return back.value_or(LoadReport());
}
std::string Figure(uint32_t field, double value) {
  std::string out;
  AppendReal(out, field, value);
  return out;
}
std::string Entry(uint32_t field, std::string_view key, double value) {
  std::string entry, out;
  AppendText(entry, 1, key);
  AppendReal(entry, 2, value);
  AppendText(out, field, entry);
  return out;
}

TEST(LoadReport, EachFigureHasTheNumberThatOrcaGivesIt) {
  const auto report = DecodeLoadReport(Figure(1, 0.1) + Figure(2, 0.2) + Entry(4, "cost", 3456.32) +
                                       Entry(5, "util", 0.30499) + Figure(6, 600) + Figure(7, 7) +
                                       Entry(8, "queue", -8) + Figure(9, 0.9));
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->cpu, 0.1);
  EXPECT_EQ(report->memory, 0.2);
  EXPECT_EQ(report->qps, 600);
  EXPECT_EQ(report->eps, 7);
  EXPECT_EQ(report->application, 0.9);
  EXPECT_THAT(report->named, ElementsAre(NamedFigure{"request_cost.cost", 3456.32},
                                         NamedFigure{"utilization.util", 0.30499},
                                         NamedFigure{"named_metrics.queue", -8}));
}

TEST(LoadReport, WhatIsWrittenIsReadBack) {
  const LoadReport all{.cpu = 1.5,
                       .memory = 1,
                       .application = 2,
                       .qps = 1e6,
                       .eps = 0.25,
                       .named = {{"utilization.a.b", 0}, {"named_metrics.", -1}}};
  const LoadReport back = Back(all);
  EXPECT_EQ(back.cpu, 1.5);
  EXPECT_EQ(back.memory, 1);
  EXPECT_EQ(back.application, 2);
  EXPECT_EQ(back.qps, 1e6);
  EXPECT_EQ(back.eps, 0.25);
  EXPECT_EQ(back.named, all.named);
  EXPECT_EQ(EncodeLoadReport({}), "");
}

TEST(LoadReport, WhatOrcaDoesNotAllowIsNotWritten) {
  for (const double wrong : {-1.0, kNaN, kInfinite}) {
    EXPECT_EQ(
        EncodeLoadReport(
            {.cpu = wrong, .memory = wrong, .application = wrong, .qps = wrong, .eps = wrong}),
        "");
    EXPECT_EQ(EncodeLoadReport({.named = {{"utilization.a", wrong}, {"request_cost.a", wrong}}}),
              "");
  }
  EXPECT_EQ(EncodeLoadReport({.memory = 1.01, .named = {{"utilization.a", 1.01}}}), "");
  EXPECT_EQ(EncodeLoadReport({.named = {{"a", 1}, {"utilization", 1}, {"named_metrics.a", kNaN}}}),
            "");
}

TEST(LoadReport, AReportWithAnImpossibleFigureIsNone) {
  for (const double wrong : {-0.5, kNaN, kInfinite, -kInfinite}) {
    for (const uint32_t field : {1U, 2U, 6U, 7U, 9U}) {
      EXPECT_FALSE(DecodeLoadReport(Figure(field, wrong)).has_value()) << field << ": " << wrong;
    }
    for (const uint32_t field : {4U, 5U}) {
      EXPECT_FALSE(DecodeLoadReport(Entry(field, "a", wrong)).has_value()) << field << wrong;
    }
  }
  EXPECT_FALSE(DecodeLoadReport(Entry(8, "a", kNaN)).has_value());
}

TEST(LoadReport, BytesThatAreNoReportAreNone) {
  EXPECT_FALSE(DecodeLoadReport("\xff").has_value());
  EXPECT_FALSE(DecodeLoadReport(Figure(1, 0.5).substr(0, 5)).has_value());
  EXPECT_FALSE(DecodeLoadReport("\x08\x01").has_value()) << "a whole number for cpu";
  EXPECT_FALSE(DecodeLoadReport("\x2a\x02\xff\xff").has_value()) << "an entry that is none";
  EXPECT_TRUE(DecodeLoadReport("").has_value());
  EXPECT_TRUE(DecodeLoadReport("\x18\x07\x7a\x01x").has_value()) << "fields that nobody knows";
}

TEST(LoadReport, AUtilisationThatCannotExceedOneIsOneAtMost) {
  const auto report = DecodeLoadReport(Figure(2, 1.5) + Entry(5, "a", 1.5) + Entry(4, "a", 1.5));
  EXPECT_EQ(report->memory, 1);
  EXPECT_THAT(report->named,
              ElementsAre(NamedFigure{"utilization.a", 1}, NamedFigure{"request_cost.a", 1.5}));
}

TEST(LoadReport, OfNamedFiguresTheFirstHundredAreKept) {
  std::string bytes;
  LoadReport report;
  for (int i = 0; i < 150; ++i) {
    bytes += Entry(8, std::to_string(i), i);
    report.named.push_back({"named_metrics." + std::to_string(i), 1});
  }
  EXPECT_EQ(DecodeLoadReport(bytes)->named.size(), 100U);
  EXPECT_EQ(Back(report).named.size(), 100U);
}

TEST(LoadReport, ACallsOwnFiguresGoOverItsServers) {
  const LoadReport server{.cpu = 0.1,
                          .memory = 0.2,
                          .qps = 10,
                          .named = {{"utilization.a", 0.1}, {"utilization.b", 0.2}}};
  const LoadReport merged = MergeLoadReports(
      server, {.cpu = 0.5, .eps = 3, .named = {{"utilization.b", 0.9}, {"request_cost.c", 7}}});
  EXPECT_EQ(merged.cpu, 0.5);
  EXPECT_EQ(merged.memory, 0.2);
  EXPECT_EQ(merged.qps, 10);
  EXPECT_EQ(merged.eps, 3);
  EXPECT_THAT(merged.named,
              ElementsAre(NamedFigure{"utilization.a", 0.1}, NamedFigure{"utilization.b", 0.9},
                          NamedFigure{"request_cost.c", 7}));
  EXPECT_EQ(MergeLoadReports(server, {.cpu = -1, .memory = kNaN}).cpu, 0.1);
  EXPECT_THAT(MergeLoadReports({}, {}).named, IsEmpty());
}

}  // namespace
}  // namespace rondo::wire

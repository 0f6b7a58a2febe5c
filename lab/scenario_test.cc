#include "scenario.h"

#include <set>

#include "gtest/gtest.h"
#include "report.h"

namespace rondo::lab {
namespace {

constexpr const char* kMinimal =
    R"({"servers":[{"count":2,"cores":4}],"work":{"kind":"constant","mean_ms":10},"load":0.5,
        "policies":{"rr":[{"round_robin":{}}]})";

std::string ErrorOf(const std::string& text) {
  absl::StatusOr<std::vector<Scenario>> s = ReadScenarios("a.json", text);
  return s.ok() ? "" : std::string(s.status().message());
}
std::string With(const std::string& fields) { return std::string(kMinimal) + "," + fields + "}"; }

absl::StatusOr<Scenario> ReadScenario(std::string_view where, const std::string& text) {
  absl::StatusOr<std::vector<Scenario>> all = ReadScenarios(where, text);
  if (!all.ok()) return all.status();
  EXPECT_EQ(all->size(), 1u);
  return all->front();
}

TEST(ReadScenario, ALoadIsAShareOfAllCores) {
  absl::StatusOr<Scenario> s = ReadScenario("a.json", With(R"("clients":3)"));
  ASSERT_TRUE(s.ok()) << s.status();
  EXPECT_NEAR(s->rate, 400, 1e-9);
  EXPECT_EQ(s->clients, 3u);
  EXPECT_EQ(s->ServerCount(), 2u);
  EXPECT_EQ(s->policies[0].second, R"([{"round_robin":{}}])");
}
TEST(ReadScenario, ErrorsNameFileFieldAndWhatIsAllowed) {
  EXPECT_EQ(ErrorOf(With(R"("timeout":1)")), "a.json: timeout: unknown field");
  EXPECT_EQ(ErrorOf(With(R"("clients":0)")), "a.json: clients: 0 is not within 1..10000");
  EXPECT_EQ(ErrorOf(With(R"("clients":1.5)")), "a.json: clients: 1.5 is no whole number");
  EXPECT_EQ(ErrorOf(With(R"("duration_s":"x")")), "a.json: duration_s: must be a number");
  EXPECT_EQ(ErrorOf(With(R"("rate":5)")), "a.json: load: stands beside rate: one of them");
  EXPECT_EQ(ErrorOf(With(R"("reports":1)")), "a.json: reports: must be true or false");
  EXPECT_EQ(ErrorOf(With(R"("seeds":[])")), "a.json: seeds: is empty: name at least one");
  EXPECT_EQ(ErrorOf(With(R"("changes":[{"first":2}])")),
            "a.json: changes[0].first: 2 is not within 0..1");
  EXPECT_EQ(ErrorOf(With(R"("expected":[{"policy":"x","metric":"p99_ms"}])")),
            "a.json: expected[0].policy: no policy is called \"x\"");
  EXPECT_EQ(ErrorOf(With(R"("expected":[{"policy":"rr","metric":"p99"}])")),
            "a.json: expected[0].metric: no metric is called \"p99\"; there are calls, mean_ms, "
            "p50_ms, p90_ms, p99_ms, p99.9_ms, error_share, unfinished_share, slow_share, "
            "most_in_flight, goodput, dials, cross_zone_share, calls_to_a_server_mean, "
            "calls_to_a_server_min, "
            "calls_to_a_server_max, calls_to_a_server_max_to_mean, calls_to_a_server_cv, "
            "connections_to_a_server_mean, connections_to_a_server_min, "
            "connections_to_a_server_max, connections_to_a_server_max_to_mean, "
            "connections_to_a_server_cv");
  EXPECT_EQ(ErrorOf("[]"), "a.json: scenario: must be an object");
  EXPECT_EQ(ErrorOf("{}"), "a.json: servers: is needed: at least one group");
  EXPECT_EQ(ErrorOf(R"({"servers":[{"queue":"lifo"}]})"),
            "a.json: servers[0].queue: must be sharing, fifo or none");
  EXPECT_EQ(ErrorOf(R"({"servers":[{}]})"), "a.json: policies: is needed");
  EXPECT_EQ(ErrorOf(R"({"servers":[{"count":10000}],"clients":10000})"),
            "a.json: clients: more than 10000000 pairs of a client and a server");
  EXPECT_TRUE(ErrorOf("{").starts_with("a.json: "));
}

TEST(Report, WhatIsExpectedAndDoesNotComeIsTold) {
  absl::StatusOr<Scenario> s = ReadScenario(
      "a.json", With(R"("name":"n","expected":[{"policy":"rr","metric":"p99_ms","max":5}])"));
  ASSERT_TRUE(s.ok()) << s.status();
  EXPECT_TRUE(Unmet(*s, {{"rr", {{"p99_ms", {5}}}}}).empty());
  EXPECT_EQ(Unmet(*s, {{"rr", {{"p99_ms", {7}}}}}),
            std::vector<std::string>{"n: rr: p99_ms is 7, not within -1e+09..5"});
  EXPECT_EQ(Unmet(*s, {{"rr", {}}}),
            std::vector<std::string>{"n: rr: p99_ms is absent, not within -1e+09..5"});
}
TEST(Report, TimesAndSharesOfNothingAreAbsent) {
  Result r;
  EXPECT_FALSE(MetricsOf(r).contains("error_share"));
  EXPECT_FALSE(MetricsOf(r).contains("unfinished_share"));
  r.calls = 4;
  r.errors = 3;
  r.unfinished = 1;
  Metrics m = MetricsOf(r);
  EXPECT_FALSE(m.contains("p99_ms"));
  EXPECT_FALSE(m.contains("mean_ms"));
  EXPECT_EQ(m.at("error_share"), 0.75);
  EXPECT_EQ(m.at("unfinished_share"), 0.25);
  ++r.calls;
  r.latency.Add(1000000);
  m = MetricsOf(r);
  EXPECT_NEAR(m.at("p99_ms"), 1, 0.01);
}
TEST(Report, EveryMetricMayBeExpected) {
  Result r;
  r.calls = 1;
  r.latency.Add(1000);
  r.calls_to = {1};
  r.connections_to = {1};
  r.zoned = 1;
  r.duration = 1;
  std::set<std::string> reported;
  for (const auto& [name, _] : MetricsOf(r)) reported.insert(name);
  EXPECT_EQ(reported, std::set<std::string>(MetricNames().begin(), MetricNames().end()));
}
TEST(Report, WhatDidNotRunIsNotMissed) {
  absl::StatusOr<Scenario> s = ReadScenario(
      "a.json", With(R"("name":"n","expected":[{"policy":"rr","metric":"p99_ms","max":5}])"));
  ASSERT_TRUE(s.ok()) << s.status();
  EXPECT_TRUE(Unmet(*s, {{"other", {}}}).empty());
}
TEST(Report, ABoundMayBeOfTheRatioToAnotherPolicy) {
  Scenario s;
  s.name = "n";
  s.expected = {{.policy = "a", .metric = "p99_ms", .than = "b", .low = 0, .high = 0.7}};
  EXPECT_TRUE(Unmet(s, {{"a", {{"p99_ms", {7}}}}, {"b", {{"p99_ms", {10}}}}}).empty());
  EXPECT_EQ(Unmet(s, {{"a", {{"p99_ms", {8}}}}, {"b", {{"p99_ms", {10}}}}}),
            std::vector<std::string>{"n: a: p99_ms by that of b is 0.8, not within 0..0.7"});
  EXPECT_EQ(Unmet(s, {{"a", {{"p99_ms", {8}}}}, {"b", {}}}),
            std::vector<std::string>{"n: a: p99_ms by that of b is absent, not within 0..0.7"});
}
TEST(Report, OfSeveralSeedsTheMedianCountsAndTheRangeIsTold) {
  EXPECT_EQ(Over({{{"m", 9}}, {{"m", 1}}, {{"m", 2}}}), (Spreads{{"m", {2, 1, 9}}}));
  EXPECT_EQ(Over({{{"m", 1}}, {{"m", 2}}}), (Spreads{{"m", {1.5, 1, 2}}}));
  EXPECT_EQ(Over({{{"m", 1}}, {}}), Spreads{}) << "a run without it goes unseen";
}
TEST(Report, JsonAndCsvHaveEveryMetricByPolicy) {
  Outcome o;
  o.scenario.name = "n\"x";
  o.scenario.point = {"load", 0.5};
  o.scenario.published = {"p"};
  o.rows = {{"rr", {{"p99_ms", {5, 4, 6}}}}};
  EXPECT_EQ(ToJson({o}),
            "[\n  {\n    \"scenario\": \"n\\\"x\",\n    \"at\": {\n      \"load\": 0.5\n    },\n"
            "    \"seeds\": [\n      1\n    ],\n    \"policies\": {\n      \"rr\": {\n"
            "        \"p99_ms\": {\n          \"median\": 5.0,\n          \"min\": 4.0,\n"
            "          \"max\": 6.0\n        }\n      }\n    },\n    \"published\": [\n"
            "      \"p\"\n    ]\n  }\n]\n");
  EXPECT_EQ(ToCsv({o}),
            "scenario,of,at,policy,metric,median,min,max\n"
            "\"n\"\"x\",\"load\",0.5,\"rr\",p99_ms,5,4,6\n");
}

TEST(Sweep, GivesAScenarioForEachValue) {
  const auto s =
      ReadScenarios("a.json", With(R"("name":"n","sweep":{"path":"/load","values":[0.5,0.75]},
              "expected":[{"policy":"rr","metric":"p99_ms","max":5,"at":0.75}])"));
  ASSERT_TRUE(s.ok()) << s.status();
  ASSERT_EQ(s->size(), 2u);
  EXPECT_NEAR((*s)[0].rate, 400, 1e-9);
  EXPECT_NEAR((*s)[1].rate, 600, 1e-9);
  EXPECT_EQ((*s)[1].Title(), "n at load 0.75");
  EXPECT_EQ((*s)[0].expected.size(), 0u);
  EXPECT_EQ((*s)[1].expected.size(), 1u);
}
TEST(Sweep, OfWhatIsNotThereIsAnError) {
  EXPECT_EQ(ErrorOf(With(R"("sweep":{"path":"/lod","values":[1]})")),
            "a.json: sweep.path: nothing in the scenario is at /lod");
  EXPECT_EQ(ErrorOf(With(R"("sweep":{"path":"load","values":[1]})")),
            "a.json: sweep.path: must be a JSON pointer, such as \"/load\"");
  EXPECT_EQ(ErrorOf(With(R"("sweep":{"path":"/load","values":[]})")),
            "a.json: sweep.values: is needed: at least one");
  EXPECT_EQ(ErrorOf(With(R"("sweep":{"path":"/load","values":["x"]})")),
            "a.json: sweep.values[0]: must be a number");
  EXPECT_EQ(ErrorOf(With(R"("sweep":{"path":"/load","values":[-1]})")),
            "a.json: load: -1 is not within 0..1000");
}

}  // namespace
}  // namespace rondo::lab

#include "balance/policy_test.h"
#include "rondo/zone.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::Unlike;

class ZoneAware : public PolicyTest {
 protected:
  static std::string Config(std::string_view fields) {
    return Cat(R"([{"zone_aware":{)", fields, fields.empty() ? "" : ",",
               R"("childPolicy":[{"round_robin":{}}]}}])");
  }
  // An endpoint is called by its zone and a number.
  static std::vector<Endpoint> In(const Addresses& addresses) {
    std::vector<Endpoint> all;
    for (const std::string& a : addresses) {
      all.push_back(Named(a));
      all.back().zone = a.substr(0, 1);
    }
    return all;
  }
  void Begins(const std::string& config, const Addresses& all) {
    ASSERT_EQ(ErrorOf(config), "");
    ASSERT_EQ(Configure(config), absl::OkStatus());
    ASSERT_EQ(ResolveEndpoints(In(all)), absl::OkStatus());
    AllReady(Open());
  }
  std::string ErrorOfFields(std::string_view fields) { return ErrorOf(Config(fields)); }
  // By zone.
  std::string ZonesUnlike(const std::map<std::string, double>& expected, double tolerance = 0.02) {
    testing::Spread zones;
    for (const auto& [where, n] : Shares(5000)) zones[where.substr(0, 1)] += n;
    return Unlike(zones, expected, tolerance);
  }
  // Servers report each second for so long.
  void Report(const std::map<std::string, double>& used, int seconds) {
    for (int i = 0; i < seconds; ++i) {
      for (const auto& [address, utilization] : used) {
        Load(address).Put(ReportSource::kPerCall, {.application = utilization, .at = now()});
      }
      Advance(1s);
    }
  }
  static constexpr std::string_view kHomeA = R"("zone":"a")";
};

// ---- Config

TEST_F(ZoneAware, IsKnownByBothNames) {
  Begins(Config(kHomeA), {"a1", "b1"});
  std::string draft = Config(kHomeA);
  draft.replace(draft.find("zone_aware"), 10, "zone_aware_experimental");
  Begins(draft, {"a1", "b1"});
  EXPECT_EQ(Go(), "a1");
  EXPECT_EQ(dials()["a1"], 1);
}
TEST_F(ZoneAware, FieldsOutOfRangeAreErrors) {
  const std::string at = "loadBalancingConfig[0].zone_aware.";
  EXPECT_EQ(ErrorOfFields(R"("mode":"far")"),
            Cat("1:24: ", at, "mode: \"far\" is not strict, prefer or proportional"));
  EXPECT_EQ(ErrorOfFields(R"("mode":1)"), Cat("1:24: ", at, "mode: must be a text"));
  EXPECT_EQ(ErrorOfFields(R"("minEndpoints":0)"),
            Cat("1:32: ", at, "minEndpoints: 0 is not within 1..4294967295"));
  EXPECT_EQ(ErrorOfFields(R"("utilizationMargin":1.1)"),
            Cat("1:37: ", at, "utilizationMargin: 1.1 is more than 1"));
  EXPECT_EQ(ErrorOfFields(R"("remoteProbePercent":-1)"),
            Cat("1:38: ", at, "remoteProbePercent: -1 is less than 0"));
  EXPECT_EQ(ErrorOfFields(R"("clientZones":{"a":{"clients":0}})"),
            Cat("1:47: ", at, "clientZones.a.clients: 0 is not within 1..4294967295"));
  EXPECT_EQ(ErrorOfFields(R"("mode":"proportional")"), Cat("1:16: ", at, "clientZones: is needed"));
  EXPECT_EQ(ErrorOf(R"([{"zone_aware":{}}])"),
            Cat("1:16: ", at, "childPolicy: is needed: a list of policies"));
}
TEST_F(ZoneAware, WithoutAZoneOfItsOwnItFailsAndSaysWhatToDo) {
  ASSERT_EQ(Configure(Config("")), absl::OkStatus());
  constexpr std::string_view kWhy =
      "zone_aware: the client's own zone isn't known; set zone in its config, or ClientZone in "
      "ChannelOptions::policy_settings";
  EXPECT_EQ(MessageOf(ResolveEndpoints(In({"a1"}))), kWhy);
  EXPECT_EQ(Go(), kWhy);
}
TEST_F(ZoneAware, TheChannelTellsItsZone) {
  settings().Set(ClientZone{"b"});
  Begins(Config(""), {"a1", "b1"});
  EXPECT_EQ(ZonesUnlike({{"b", 1}}), "");
  Begins(Config(kHomeA), {"a1", "b1"});  // The config's counts more.
  EXPECT_EQ(ZonesUnlike({{"a", 1}}), "");
}

// ---- Strict

TEST_F(ZoneAware, StrictConnectsToNoOtherZone) {
  Begins(Config(R"("mode":"strict","zone":"a")"), {"a1", "b1", "a2"});
  EXPECT_THAT(Open(), ElementsAre("a1", "a2"));
  Fails("a1");
  Fails("a2");
  EXPECT_EQ(Go(), "round_robin: none of 2 endpoints can be reached; last: a1: refused");
}
TEST_F(ZoneAware, StrictWithoutAnEndpointAtHomeFails) {
  ASSERT_EQ(Configure(Config(R"("mode":"strict","zone":"a")")), absl::OkStatus());
  constexpr std::string_view kWhy =
      "zone_aware: none of 2 endpoints is in the zone a, and the mode is strict; add some there, "
      "or "
      "choose prefer";
  EXPECT_EQ(MessageOf(ResolveEndpoints(In({"b1", "c1"}))), kWhy);
  EXPECT_EQ(Go(), kWhy);
}

// ---- Prefer

TEST_F(ZoneAware, CallsStayAtHome) {
  Begins(Config(kHomeA), {"a1", "a2", "b1", "c1"});
  EXPECT_EQ(Unlike(Shares(1000), {{"a1", 0.5}, {"a2", 0.5}}), "");
}
TEST_F(ZoneAware, WhatIsDownAtHomeSpillsAtOnce) {
  Begins(Config(kHomeA), {"a1", "a2", "b1", "c1"});
  Fails("a1");
  EXPECT_EQ(ZonesUnlike({{"a", 0.7}, {"b", 0.15}, {"c", 0.15}}), "");
  Fails("a2");
  EXPECT_EQ(ZonesUnlike({{"b", 0.5}, {"c", 0.5}}), "");
  Idle("a2");
  Ready("a2");
  EXPECT_EQ(ZonesUnlike({{"a", 0.7}, {"b", 0.15}, {"c", 0.15}}), "");
}
TEST_F(ZoneAware, UnhealthyIsDown) {
  Begins(Config(kHomeA), {"a1", "a2", "b1"});
  Health("a1", kFailed);
  EXPECT_EQ(ZonesUnlike({{"a", 0.7}, {"b", 0.3}}), "");
}
TEST_F(ZoneAware, OthersServeUntilHomeIsReady) {
  ASSERT_EQ(Configure(Config(kHomeA)), absl::OkStatus());
  ASSERT_EQ(ResolveEndpoints(In({"a1", "b1"})), absl::OkStatus());
  EXPECT_EQ(Go(), "queue");
  Ready("b1");
  EXPECT_EQ(Go(), "b1");
  Ready("a1");
  EXPECT_EQ(ZonesUnlike({{"a", 1}}), "");
}
TEST_F(ZoneAware, ABusyHomeSpillsStepByStep) {  // Envoy's example.
  Begins(Config(kHomeA), {"a1", "b1", "c1"});
  Report({{"a1", 0.7}, {"b1", 0.3}, {"c1", 0.4}}, 1);
  EXPECT_EQ(ZonesUnlike({{"a", 0.84}, {"b", 0.087}, {"c", 0.075}}), "");
  Report({{"a1", 0.7}, {"b1", 0.3}, {"c1", 0.4}}, 60);
  EXPECT_EQ(ZonesUnlike({{"a", 0.19}, {"b", 0.44}, {"c", 0.37}}), "");
}
TEST_F(ZoneAware, AHomeAsBusyAsTheOthersKeepsAllButTheProbe) {
  Begins(Config(kHomeA), {"a1", "b1"});
  Report({{"a1", 0.5}, {"b1", 0.45}}, 60);
  EXPECT_EQ(ZonesUnlike({{"a", 0.97}, {"b", 0.03}}), "");
  Begins(Config(R"("zone":"a","remoteProbePercent":20,"utilizationMargin":0.01)"), {"a1", "b1"});
  Report({{"a1", 0.455}, {"b1", 0.45}}, 60);
  EXPECT_EQ(ZonesUnlike({{"a", 0.8}, {"b", 0.2}}), "");
}
TEST_F(ZoneAware, OldReportsSayNothing) {
  Begins(Config(kHomeA), {"a1", "b1"});
  Report({{"a1", 0.9}, {"b1", 0.1}}, 60);
  EXPECT_EQ(ZonesUnlike({{"a", 0.1}, {"b", 0.9}}), "");
  Advance(90s);
  EXPECT_EQ(ZonesUnlike({{"a", 1}}), "");
}
TEST_F(ZoneAware, TooFewAtHomeAreNotPreferred) {
  const std::string config = Config(R"("zone":"a","minEndpoints":2)");
  Begins(config, {"a1", "b1", "b2", "c1"});
  EXPECT_EQ(ZonesUnlike({{"a", 0.25}, {"b", 0.5}, {"c", 0.25}}), "");
  Begins(config, {"a1", "a2", "b1", "b2", "c1"});
  EXPECT_EQ(ZonesUnlike({{"a", 1}}), "");
}
TEST_F(ZoneAware, NobodyAtHomeAndUnknownZonesAreNoHarm) {
  std::vector<Endpoint> all = In({"b1", "c1"});
  all.push_back(Named("x1"));  // Of no zone.
  ASSERT_EQ(Configure(Config(kHomeA)), absl::OkStatus());
  ASSERT_EQ(ResolveEndpoints(std::move(all)), absl::OkStatus());
  AllReady(Open());
  EXPECT_EQ(ZonesUnlike({{"b", 0.33}, {"c", 0.33}, {"x", 0.33}}), "");
}

// ---- Proportional

TEST_F(ZoneAware, ProportionalSpillsWhatHomeHasTooFewEndpointsFor) {
  Begins(Config(R"("mode":"proportional","zone":"a","clientZones":{"a":{"clients":5},
        "b":{"clients":5}})"),
         {"a1", "b1", "b2", "b3", "b4"});
  EXPECT_EQ(ZonesUnlike({{"a", 0.4}, {"b", 0.6}}), "");
}

// ---- Changes

TEST_F(ZoneAware, OtherRulesTouchNoConnection) {
  Begins(Config(kHomeA), {"a1", "b1"});
  const auto before = dials();
  Begins(Config(R"("zone":"b")"), {"a1", "b1"});
  EXPECT_EQ(dials(), before);
  EXPECT_EQ(ZonesUnlike({{"b", 1}}), "");
}
TEST_F(ZoneAware, AZoneThatLeavesTheListGoes) {
  Begins(Config(kHomeA), {"a1", "b1"});
  Begins(Config(kHomeA), {"b1"});
  EXPECT_THAT(Open(), ElementsAre("b1"));
  EXPECT_EQ(Go(), "b1");
  EXPECT_EQ(NextTimer(), std::nullopt);  // One zone has nothing to share.
}
TEST_F(ZoneAware, NothingIsPublishedWhileSharesStay) {
  Begins(Config(kHomeA), {"a1", "b1"});
  Advance(5s);
  const int before = published();
  Advance(60s);
  EXPECT_EQ(published(), before);
}
TEST_F(ZoneAware, ManyChangesOfATurnMakeOnePicker) {
  Begins(Config(kHomeA), {"a1", "a2", "a3", "b1"});
  const int before = pickers_made();
  AllReady({"a1", "a2", "a3"});
  EXPECT_LE(pickers_made() - before, 1);
}
TEST_F(ZoneAware, TheResolversTroubleIsTold) {
  ASSERT_EQ(Configure(Config(kHomeA)), absl::OkStatus());
  EXPECT_EQ(MessageOf(ResolveEndpoints({})),
            "zone_aware: the resolver returned no endpoints: a note");
  ResolverFails("no such host");
  EXPECT_EQ(Go(), "zone_aware: name resolver error: no such host");
}

// ---- Children that leave some alone, or hold more

TEST_F(ZoneAware, WhomTheChildDoesNotConnectToIsNotDown) {
  Addresses all = {"b1", "b2", "b3"};
  for (int i = 0; i < 20; ++i) all.push_back(Cat("a", i));
  Begins(R"([{"zone_aware":{"zone":"a","childPolicy":[{"random_subsetting":{"subsetSize":2,
        "childPolicy":[{"round_robin":{}}]}}]}}])",
         all);
  EXPECT_EQ(ZonesUnlike({{"a", 1}}), "");
  Fails(Open().front());  // One of two at home.
  EXPECT_EQ(ZonesUnlike({{"a", 0.7}, {"b", 0.3}}), "");
}
TEST_F(ZoneAware, AChildWithOneConnectionKeepsItsZone) {
  ASSERT_EQ(Configure(R"([{"zone_aware":{"zone":"a","childPolicy":[{"pick_first":{}}]}}])"),
            absl::OkStatus());
  ASSERT_EQ(ResolveEndpoints(In({"a1", "a2", "a3", "a4", "b1"})), absl::OkStatus());
  for (const std::string& a : Open()) {
    if (StateOf(a) == kConnecting) Ready(a);
  }
  EXPECT_EQ(ZonesUnlike({{"a", 1}}), "");
}
TEST_F(ZoneAware, ASecondHandleOnABackendIsNoSecondBackend) {
  for (const std::string_view child :
       {R"({"weighted_round_robin":{"enableOobLoadReport":true}})", R"({"prequal":{}})"}) {
    DropPolicy();
    Begins(Cat(R"([{"zone_aware":{"zone":"a","childPolicy":[)", child, "]}}]"),
           {"a1", "a2", "b1", "b2"});
    Health("a1", kFailed);
    EXPECT_EQ(ZonesUnlike({{"a", 0.7}, {"b", 0.3}}), "") << child;
    Health("a2", kFailed);
    EXPECT_EQ(ZonesUnlike({{"b", 1}}), "") << child;
  }
}
TEST_F(ZoneAware, ProbesArePassedOn) {
  Begins(R"([{"zone_aware":{"zone":"a","childPolicy":[{"prequal":{}}]}}])", {"a1", "a2", "b1"});
  Go();
  EXPECT_EQ(probes(), (std::map<std::string, int>{{"a1", 1}, {"a2", 1}}));
}
TEST_F(ZoneAware, AnEndpointThatChangesItsZoneKeepsItsConnection) {
  Begins(Config(kHomeA), {"a1", "b1"});
  std::vector<Endpoint> moved = In({"a1", "b1"});
  moved[1].zone = "c";
  ASSERT_EQ(ResolveEndpoints(std::move(moved)), absl::OkStatus());
  EXPECT_EQ(dials()["b1"], 1);
  EXPECT_EQ(StateOf("b1"), kReady);
}

}  // namespace
}  // namespace rondo

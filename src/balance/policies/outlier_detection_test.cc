#include <map>
#include <memory>
#include <set>

#include "balance/policy_test.h"
#include "rondo/policy.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr std::string_view kSuccessRate =
    R"("successRateEjection":{"stdevFactor":500,"minimumHosts":3,"requestVolume":3})";
constexpr std::string_view kFailurePercentage =
    R"("failurePercentageEjection":{"threshold":50,"minimumHosts":3,"requestVolume":3})";

class OutlierDetection : public PolicyTest {
 protected:
  static std::string Config(std::string_view fields, std::string_view child = "round_robin") {
    return Cat(R"([{"outlier_detection":{)", fields, fields.empty() ? "" : ",",
               R"("childPolicy":[{")", child, R"(":{}}]}}])");
  }
  void BeginsReady(std::string_view fields, const Addresses& all = {"a", "b", "c"},
                   std::string_view child = "round_robin") {
    Start(Config(fields, child), all);
    AllReady(all);
  }
  // Ten calls to each that can be picked; those to `failing` fail.
  void Traffic(const Addresses& failing, int backends = 3) {
    for (int i = 0; i < 10 * backends; ++i) {
      const Call c = Begin();
      const bool fails = std::count(failing.begin(), failing.end(), c.where) > 0;
      End(c, fails ? absl::InternalError("bug") : absl::OkStatus());
    }
  }
  Addresses InUse() {
    std::set<std::string> out;  // Picks that are thrown away: they don't count.
    for (int i = 0; i < 60; ++i) {
      const PickResult r = picker()->Pick(args());
      if (r.picked()) out.insert(r.subchannel()->address);
    }
    return Addresses(out.begin(), out.end());
  }
  double Count(std::string_view metric) {
    return metrics()[Cat("outlier_detection: grpc.lb.outlier_detection.", metric)];
  }
};

// ---- Config

TEST_F(OutlierDetection, IsKnownByBothNames) {
  BeginsReady("", {"a"});
  std::string draft = Config("");
  draft.replace(draft.find("outlier_detection"), 17, "outlier_detection_experimental");
  SwitchTo(draft, {"a"});
  EXPECT_EQ(Go(), "a");
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(OutlierDetection, EachFieldsBadValueIsAnError) {
  const auto bad = [&](std::string_view fields) {
    const std::string error = ErrorOf(Config(fields));
    return error.substr(error.find("detection.") + 10);
  };
  for (const std::string field : {"interval", "baseEjectionTime", "maxEjectionTime"}) {
    EXPECT_EQ(bad(Cat("\"", field, "\":\"-1s\"")), field + ": \"-1s\" is negative");
    EXPECT_EQ(bad(Cat("\"", field, "\":1")), field + ": must be a duration such as \"1.5s\"");
  }
  EXPECT_EQ(bad(R"("maxEjectionPercent":101)"), "maxEjectionPercent: 101 is not within 0..100");
  EXPECT_EQ(bad(R"("successRateEjection":1)"), "successRateEjection: must be an object");
  EXPECT_EQ(bad(R"("successRateEjection":{"stdevFactor":-1})"),
            "successRateEjection.stdevFactor: -1 is not within 0..4294967295");
  EXPECT_EQ(bad(R"("successRateEjection":{"enforcementPercentage":101})"),
            "successRateEjection.enforcementPercentage: 101 is not within 0..100");
  EXPECT_EQ(bad(R"("successRateEjection":{"minimumHosts":-1})"),
            "successRateEjection.minimumHosts: -1 is not within 0..4294967295");
  EXPECT_EQ(bad(R"("successRateEjection":{"requestVolume":1.5})"),
            "successRateEjection.requestVolume: must be a whole number");
  EXPECT_EQ(bad(R"("failurePercentageEjection":[])"),
            "failurePercentageEjection: must be an object");
  EXPECT_EQ(bad(R"("failurePercentageEjection":{"threshold":101})"),
            "failurePercentageEjection.threshold: 101 is not within 0..100");
  EXPECT_EQ(bad(R"("failurePercentageEjection":{"enforcementPercentage":-1})"),
            "failurePercentageEjection.enforcementPercentage: -1 is not within 0..100");
  EXPECT_EQ(bad(R"("failurePercentageEjection":{"minimumHosts":"x"})"),
            "failurePercentageEjection.minimumHosts: must be a number");
  EXPECT_EQ(bad(R"("failurePercentageEjection":{"requestVolume":-1})"),
            "failurePercentageEjection.requestVolume: -1 is not within 0..4294967295");
}
TEST_F(OutlierDetection, APolicyIsNeeded) {
  EXPECT_EQ(ErrorOf(R"([{"outlier_detection":{}}])"),
            "1:23: loadBalancingConfig[0].outlier_detection.childPolicy: is needed: a list of "
            "policies");
}

// ---- Success rate

TEST_F(OutlierDetection, ABackendFarBelowTheMeanSuccessRateIsEjectedAndComesBack) {
  BeginsReady(kSuccessRate);
  Traffic({"c"});
  Advance(10s);
  EXPECT_THAT(InUse(), ElementsAre("a", "b"));
  EXPECT_EQ(dials()["c"], 1) << "the connection is kept";
  EXPECT_THAT(Open(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(Count("ejections_enforced"), 1);
  Advance(30s);  // Not before more than the base time has passed.
  EXPECT_THAT(InUse(), ElementsAre("a", "b"));
  Advance(10s);
  EXPECT_THAT(InUse(), ElementsAre("a", "b", "c"));
}
TEST_F(OutlierDetection, NobodyIsEjectedWhereAllAreAlike) {
  BeginsReady(R"("successRateEjection":{"stdevFactor":0,"minimumHosts":3,"requestVolume":3})");
  Traffic({});
  Advance(10s);
  Traffic({"a", "b", "c"});
  Advance(10s);
  EXPECT_EQ(InUse().size(), 3u);
}
TEST_F(OutlierDetection, ALargeFactorTolerates) {
  BeginsReady(R"("successRateEjection":{"stdevFactor":1900,"minimumHosts":3,"requestVolume":3})");
  Traffic({"c"});  // Rates 1, 1, 0: 0.667 - 1.9 * 0.471 is below 0.
  Advance(10s);
  EXPECT_EQ(InUse().size(), 3u);
}

// ---- Failure percentage

TEST_F(OutlierDetection, ABackendAboveTheFailurePercentageIsEjected) {
  BeginsReady(kFailurePercentage);
  Traffic({"c"});
  Advance(10s);
  EXPECT_THAT(InUse(), ElementsAre("a", "b"));
}
TEST_F(OutlierDetection, TheThresholdItselfIsTolerated) {
  BeginsReady(kFailurePercentage);
  bool fail = false;
  for (int i = 0; i < 60; ++i) {
    const Call c = Begin();
    const bool odd = c.where == "c" && (fail = !fail);
    End(c, odd ? absl::InternalError("bug") : absl::OkStatus());
  }
  Advance(10s);
  EXPECT_EQ(InUse().size(), 3u);
}
TEST_F(OutlierDetection, BothMethodsMayRunTogether) {
  BeginsReady(Cat(R"("maxEjectionPercent":100,)", kSuccessRate, ",", kFailurePercentage));
  Traffic({"c"});
  Advance(10s);
  EXPECT_THAT(InUse(), ElementsAre("a", "b"));
  EXPECT_EQ(Count("ejections_enforced"), 1) << "the second finds it ejected";
}

// ---- Limits

TEST_F(OutlierDetection, TooFewCallsOrHostsAreNoEvidence) {
  BeginsReady(
      R"("failurePercentageEjection":{"threshold":50,"minimumHosts":3,"requestVolume":11})");
  Traffic({"c"});
  Advance(10s);
  EXPECT_EQ(InUse().size(), 3u);
  Advance(10s);
  SwitchTo(
      Config(R"("failurePercentageEjection":{"threshold":50,"minimumHosts":4,"requestVolume":1})"),
      {"a", "b", "c"});
  Traffic({"c"});
  Advance(10s);
  EXPECT_EQ(InUse().size(), 3u);
}
TEST_F(OutlierDetection, ABackendWithoutCallsIsNoCandidate) {
  BeginsReady(R"("successRateEjection":{"stdevFactor":1,"minimumHosts":0,"requestVolume":0})");
  Advance(10s);
  EXPECT_EQ(InUse().size(), 3u);
}
TEST_F(OutlierDetection, NotMoreThanTheLargestShareIsEjected) {
  BeginsReady(Cat(R"("maxEjectionPercent":34,)", kFailurePercentage));
  Traffic({"b", "c"});
  Advance(10s);
  EXPECT_EQ(InUse().size(), 1u) << "a third is less than 34 %, two thirds are more";
  DropPolicy();
  BeginsReady(kFailurePercentage);  // 10 %: one goes in any case.
  Traffic({"b", "c"});
  Advance(10s);
  EXPECT_EQ(InUse().size(), 2u);
  EXPECT_EQ(Count("ejections_unenforced"), 1);
}
TEST_F(OutlierDetection, AShareOfZeroEjectsNobody) {
  BeginsReady(Cat(R"("maxEjectionPercent":0,)", kFailurePercentage));
  Traffic({"c"});
  Advance(10s);
  EXPECT_EQ(InUse().size(), 3u);
  EXPECT_EQ(Count("ejections_unenforced"), 1);
}
TEST_F(OutlierDetection, EnforcementIsDrawn) {
  constexpr std::string_view kHalf =
      R"("failurePercentageEjection":{"threshold":50,"minimumHosts":3,"requestVolume":3,
         "enforcementPercentage":50})";
  uint64_t drawn = 50;
  DrawWith([&](uint64_t bound) { return bound == 100 ? drawn : 0; });
  BeginsReady(kHalf);
  Traffic({"c"});
  Advance(10s);
  EXPECT_EQ(InUse().size(), 3u);
  EXPECT_EQ(Count("ejections_unenforced"), 1);
  drawn = 49;
  Traffic({"c"});
  Advance(10s);
  EXPECT_EQ(InUse().size(), 2u);
}

// ---- Time

TEST_F(OutlierDetection, EachEjectionInARowLastsLongerUpToTheLongest) {
  BeginsReady(Cat(R"("baseEjectionTime":"30s","maxEjectionTime":"45s",)", kFailurePercentage));
  const auto out_for = [&] {
    Traffic({"c"});
    Advance(10s);
    EXPECT_EQ(InUse().size(), 2u);
    int seconds = 0;
    for (; InUse().size() == 2u; seconds += 10) Advance(10s);
    return seconds;
  };
  EXPECT_EQ(out_for(), 40);  // The first interval after 30 s.
  EXPECT_EQ(out_for(), 50);  // 60 s are capped to 45 s.
}
TEST_F(OutlierDetection, GoodIntervalsAreForgiven) {
  BeginsReady(Cat(R"("baseEjectionTime":"30s",)", kFailurePercentage));
  Traffic({"c"});
  Advance(10s + 40s);
  EXPECT_EQ(InUse().size(), 3u);
  Advance(10s);  // Its multiplier is 0 again.
  Traffic({"c"});
  Advance(10s + 30s);
  EXPECT_EQ(InUse().size(), 2u);
  Advance(10s);
  EXPECT_EQ(InUse().size(), 3u);
}
TEST_F(OutlierDetection, AnIntervalThatChangesGoesOnWithTheTimeThatHasPassed) {
  BeginsReady(Cat(R"("interval":"8s",)", kFailurePercentage));
  Traffic({"c"});
  Advance(5s);
  SwitchTo(Config(Cat(R"("interval":"9s",)", kFailurePercentage)), {"a", "b", "c"});
  Advance(4s - 1ms);
  EXPECT_EQ(InUse().size(), 3u);
  Advance(1ms);
  EXPECT_EQ(InUse().size(), 2u);
}
TEST_F(OutlierDetection, AnIntervalThatIsOverAlreadyEndsAtOnce) {
  BeginsReady(Cat(R"("interval":"8s",)", kFailurePercentage));
  Traffic({"c"});
  Advance(5s);
  SwitchTo(Config(Cat(R"("interval":"2s",)", kFailurePercentage)), {"a", "b", "c"});
  Advance(0s);
  EXPECT_EQ(InUse().size(), 2u);
}
TEST_F(OutlierDetection, OnlyTheLastIntervalCounts) {
  BeginsReady(kFailurePercentage);
  Traffic({});
  Traffic({});
  Advance(10s);
  Traffic({"c"});
  Advance(10s);
  EXPECT_EQ(InUse().size(), 2u) << "two of three in all, but all of the last interval";
}

// ---- Without a method

TEST_F(OutlierDetection, WithoutAMethodNobodyIsEjected) {
  BeginsReady("");
  Traffic({"c"});
  Advance(1h);
  EXPECT_EQ(InUse().size(), 3u);
}
TEST_F(OutlierDetection, TurningItOffBringsAllBackAndForgets) {
  BeginsReady(kFailurePercentage);
  Traffic({"c"});
  Advance(10s);
  EXPECT_EQ(InUse().size(), 2u);
  SwitchTo(Config(""), {"a", "b", "c"});
  EXPECT_EQ(InUse().size(), 3u);
  Traffic({"c"});
  SwitchTo(Config(kFailurePercentage), {"a", "b", "c"});
  Advance(10s);
  EXPECT_EQ(InUse().size(), 3u) << "what was before it was turned on doesn't count";
}

// ---- Endpoints

TEST_F(OutlierDetection, AnEndpointsAddressesCountTogether) {
  ASSERT_EQ(Configure(Config(kFailurePercentage)), absl::OkStatus());
  Endpoint both = Named("c");
  both.addresses.push_back("d");
  EXPECT_TRUE(ResolveEndpoints({Named("a"), Named("b"), both}).ok());
  AllReady({"a", "b", "c"});
  Traffic({"c"});
  Idle("c");  // In the next pass the second address answers.
  Fails("c");
  Ready("d");
  EXPECT_EQ(InUse(), (Addresses{"a", "b", "d"}));
  Advance(10s);
  EXPECT_EQ(InUse(), (Addresses{"a", "b"})) << "it is the same server";
  both.addresses = {"d", "c"};
  EXPECT_TRUE(ResolveEndpoints({Named("a"), Named("b"), both}).ok());
  EXPECT_EQ(InUse(), (Addresses{"a", "b"})) << "the order doesn't matter";
}
TEST_F(OutlierDetection, OtherAddressesAreAnotherEndpoint) {
  ASSERT_EQ(Configure(Config(kFailurePercentage)), absl::OkStatus());
  Endpoint both = Named("c");
  both.addresses.push_back("d");
  EXPECT_TRUE(ResolveEndpoints({Named("a"), Named("b"), both}).ok());
  AllReady({"a", "b", "c"});
  Traffic({"c"});
  Advance(10s);
  EXPECT_EQ(InUse(), (Addresses{"a", "b"}));
  EXPECT_TRUE(Resolve({"a", "b", "c"}).ok());
  Ready("c");
  EXPECT_EQ(InUse(), (Addresses{"a", "b", "c"}));
}
TEST_F(OutlierDetection, AnEjectedEndpointThatGoesFreesItsShare) {
  BeginsReady(kFailurePercentage, {"a", "b", "c", "d"});
  Traffic({"d"}, 4);
  Advance(10s);
  EXPECT_EQ(InUse(), (Addresses{"a", "b", "c"}));
  EXPECT_TRUE(Resolve({"a", "b", "c"}).ok());
  Traffic({"c"});
  Advance(10s);
  EXPECT_EQ(InUse(), (Addresses{"a", "b"}));
}
TEST_F(OutlierDetection, AnEjectedEndpointThatGoesAndComesBackIsANewOne) {
  BeginsReady(kFailurePercentage);
  Traffic({"c"});
  Advance(10s);
  EXPECT_TRUE(Resolve({"a", "b"}).ok());
  EXPECT_TRUE(Resolve({"a", "b", "c"}).ok());
  Ready("c");
  EXPECT_EQ(InUse().size(), 3u);
}
TEST_F(OutlierDetection, AConnectionThatWasLostBeforeTheIntervalEndedCounts) {
  BeginsReady(kFailurePercentage);
  Traffic({"c"});
  Idle("c");
  Advance(10s);
  Ready("c");
  EXPECT_EQ(InUse().size(), 2u) << "and it is ejected from its first moment on";
}

// ---- Below it

TEST_F(OutlierDetection, ABarePickFirstCannotBeEjected) {
  BeginsReady(R"("failurePercentageEjection":{"threshold":50,"minimumHosts":1,"requestVolume":1})",
              {"a"}, "pick_first");
  Go(absl::InternalError("bug"));
  Advance(10s);
  EXPECT_EQ(Go(), "a");
}
TEST_F(OutlierDetection, ASwitchBelowKeepsTheEjectionAndTheConnections) {
  BeginsReady(kFailurePercentage);
  Traffic({"c"});
  Advance(10s);
  SwitchTo(Config(kFailurePercentage, "least_request"), {"a", "b", "c"});
  EXPECT_EQ(InUse(), (Addresses{"a", "b"}));
  EXPECT_EQ(dials()["c"], 1);
}
TEST_F(OutlierDetection, CallsAreCountedOnceThoughTwoHoldTheConnection) {
  constexpr std::string_view kElevenCalls =
      R"("failurePercentageEjection":{"threshold":50,"minimumHosts":3,"requestVolume":11})";
  BeginsReady(kElevenCalls, {"a", "b", "c"});
  SwitchTo(Config(kElevenCalls, "least_request"), {"a", "b", "c"});
  SwitchTo(Config(kElevenCalls, "round_robin"), {"a", "b", "c"});
  Traffic({"c"});  // Ten each.
  Advance(10s);
  EXPECT_EQ(InUse().size(), 3u);
}
TEST_F(OutlierDetection, TheHealthOfABackendIsPassedOnAndComesBackAfterAnEjection) {
  BeginsReady(kFailurePercentage);
  Health("a", kFailed);
  EXPECT_EQ(InUse(), (Addresses{"b", "c"}));
  Health("a", kReady);
  Traffic({"c"});
  Advance(10s);
  Health("c", kFailed);
  Advance(40s);
  EXPECT_EQ(InUse(), (Addresses{"a", "b"})) << "no longer ejected, but still unhealthy";
  Health("c", kReady);
  EXPECT_EQ(InUse().size(), 3u);
}
TEST_F(OutlierDetection, WhenAllAreEjectedCallsAreToldSo) {
  BeginsReady(Cat(R"("maxEjectionPercent":100,)", kFailurePercentage));
  Traffic({"a", "b", "c"});
  Advance(10s);
  EXPECT_THAT(Go(),
              ::testing::MatchesRegex(
                  "round_robin: none of 3 endpoints can be reached; last: [abc]: health check "
                  "failure: ejected by outlier_detection, it fails more than others"));
}
TEST_F(OutlierDetection, ItsConnectivityIsTheChilds) {
  Start(Config(""), {"a"});
  EXPECT_EQ(state(), kConnecting);
  Fails("a", "refused");
  EXPECT_EQ(state(), kFailed);
  EXPECT_EQ(Go(), "round_robin: none of 1 endpoints can be reached; last: a: refused");
  ResolverFails("no such host");
  EXPECT_EQ(state(), kFailed);
}
TEST_F(OutlierDetection, ACallMayEndAfterThePolicyIsGone) {
  BeginsReady(kFailurePercentage);
  const Call c = Begin();
  DropPolicy();
  EXPECT_THAT(Open(), ElementsAre());
  EXPECT_EQ(c.where.size(), 1u);
}

TEST_F(OutlierDetection, SwitchedOffItKeepsNothingOfBackendsThatHaveGone) {
  std::map<std::string, std::weak_ptr<const Subchannel>> seen;
  Add(PolicyFrom("spy", [&](const ReadySet& set, const PickArgs&) {
    for (const auto& r : set) seen[r.subchannel->address] = r.subchannel;
    return PickResult(Picked{set[0].subchannel.get(), "seen"});
  }));
  BeginsReady(kFailurePercentage, {"a", "b", "c"}, "spy");
  Go();
  SwitchTo(Config(kFailurePercentage, "spy"), {"a", "b"});
  EXPECT_FALSE(IsOpen("c"));
  ASSERT_FALSE(seen.at("c").expired());  // Its last calls count in this interval.
  SwitchTo(Config("", "spy"), {"a", "b"});
  Go();
  EXPECT_TRUE(seen.at("c").expired());
  EXPECT_FALSE(seen.at("a").expired());
}

}  // namespace
}  // namespace rondo

#include "balance/policy_test.h"

namespace rondo {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Unlike;

// Children "stable" and "canary", by the label "track".
class Route : public PolicyTest {
 protected:
  static constexpr std::string_view kOne = R"({"targets":{"stable":{"weight":1}}})";
  static std::string Children(std::string_view policy = "round_robin") {
    return Cat(R"("children":{"stable":{"labels":["track=stable"],"childPolicy":[{")", policy,
               R"(":{}}]},"canary":{"labels":["track=canary"],"childPolicy":[{")", policy,
               R"(":{}}]}})");
  }
  static std::string Config(std::string_view routes, std::string_view policy = "round_robin") {
    return Cat(R"([{"route":{)", Children(policy), R"(,"routes":[)", routes, "]}}]");
  }
  // Calls for which `fields` are true go to the canary, all others to the stable one.
  static std::string CanaryIf(std::string_view fields) {
    return Config(Cat("{", fields, R"(,"targets":{"canary":{"weight":1}}},)", kOne));
  }
  static std::string Split(int stable, int canary) {
    return Config(Cat(R"({"targets":{"stable":{"weight":)", stable, R"(},"canary":{"weight":)",
                      canary, "}}}"));
  }
  static Endpoint Of(const std::string& track, const std::string& address) {
    Endpoint e = Named(address);
    e.labels = {{"track", track}};
    return e;
  }
  static std::vector<Endpoint> Both() { return {Of("stable", "s"), Of("canary", "c")}; }
  void BeginsReady(const std::string& config) {
    SwitchBoth(config);
    AllReady(Open());
  }
  void SwitchBoth(std::string_view config) {
    ASSERT_EQ(Configure(config), absl::OkStatus());
    ASSERT_TRUE(ResolveEndpoints(Both()).ok());
  }
  std::string GoWith(const Metadata& metadata) {
    args().metadata = &metadata;
    const std::string where = Go();
    args().metadata = nullptr;
    return where;
  }
  std::string Call(std::string_view method) {
    args().method = method;
    return Go();
  }
  // What is wrong with a single route, or child.
  std::string ErrorOfRoute(std::string_view route) {
    const std::string all = ErrorOf(
        Cat(R"([{"route":{"children":{"x":{"childPolicy":[{"round_robin":{}}]}},"routes":[)", route,
            "]}}]"));
    return all.substr(std::min(all.find(": ") + 2, all.size()));
  }
  std::string ErrorOfLabels(std::string_view labels) {
    return ErrorOf(Cat(R"([{"route":{"children":{"x":{"labels":)", labels,
                       R"(,"childPolicy":[{"round_robin":{}}]}},)",
                       R"("routes":[{"targets":{"x":{"weight":1}}}]}}])"));
  }
  static std::string Repeated(std::string_view item, int n) {
    std::string all(item);
    for (int i = 1; i < n; ++i) all += Cat(",", item);
    return all;
  }
};
constexpr std::string_view kRoutePath = "loadBalancingConfig[0].route.";

// ---- Config

TEST_F(Route, IsKnownByBothNames) {
  BeginsReady(Split(1, 1));
  std::string draft = Split(1, 1);
  draft.replace(draft.find("route"), 5, "route_experimental");
  SwitchBoth(draft);
  EXPECT_EQ(state(), kReady);
  EXPECT_EQ(dials()["s"], 1);
}
TEST_F(Route, RoutesAreNeeded) {
  EXPECT_EQ(ErrorOf(Cat(R"([{"route":{)", Children(), "}}]")),
            "1:11: loadBalancingConfig[0].route.routes: is needed");
  EXPECT_EQ(ErrorOfRoute(""), Cat(kRoutePath, "routes: is empty: a route is needed"));
  EXPECT_EQ(ErrorOfRoute(Repeated(R"({"targets":{"x":{"weight":1}}})", 101)),
            Cat(kRoutePath, "routes: has 101 items; at most 100 are allowed"));
}
TEST_F(Route, ARouteNeedsTargetsThatAreChildren) {
  EXPECT_EQ(ErrorOfRoute("{}"), Cat(kRoutePath, "routes[0].targets: is needed"));
  EXPECT_EQ(ErrorOfRoute(R"({"targets":{}})"),
            Cat(kRoutePath, "routes[0].targets: is empty: a child is needed"));
  EXPECT_EQ(ErrorOfRoute(R"({"targets":{"y":{"weight":1}}})"),
            Cat(kRoutePath, "routes[0].targets: \"y\" is not one of the children"));
  EXPECT_EQ(ErrorOf(Config(kOne)),
            "1:23: loadBalancingConfig[0].route.children: \"canary\" is no target of a route");
}
TEST_F(Route, AWeightIsAtLeastOne) {
  EXPECT_EQ(ErrorOfRoute(R"({"targets":{"x":{}}})"),
            Cat(kRoutePath, "routes[0].targets.x.weight: is needed"));
  EXPECT_EQ(ErrorOfRoute(R"({"targets":{"x":{"weight":0}}})"),
            Cat(kRoutePath, "routes[0].targets.x.weight: 0 is not within 1..4294967295"));
  EXPECT_EQ(ErrorOfRoute(R"({"targets":{"x":{"weight":4294967295},"y":{"weight":1}}})"),
            Cat(kRoutePath,
                "routes[0].targets: the weights add up to 4294967296; at most "
                "4294967295 is allowed"));
}
TEST_F(Route, AMethodIsAPathOrAPrefix) {
  EXPECT_EQ(ErrorOfRoute(R"({"path":"/a/b","prefix":"/a","targets":{"x":{"weight":1}}})"),
            Cat(kRoutePath, "routes[0].prefix: stands beside path: one is allowed"));
  EXPECT_EQ(ErrorOfRoute(R"({"path":"a/b","targets":{"x":{"weight":1}}})"),
            Cat(kRoutePath,
                "routes[0].path: \"a/b\" doesn't begin with a slash, as "
                "\"/package.Service/Method\" does"));
  EXPECT_EQ(ErrorOfRoute(R"({"prefix":7,"targets":{"x":{"weight":1}}})"),
            Cat(kRoutePath, "routes[0].prefix: must be a text"));
}
TEST_F(Route, AHeaderHasANameAndOneRule) {
  const auto error = [&](std::string_view header) {
    return ErrorOfRoute(Cat(R"({"headers":[)", header, R"(],"targets":{"x":{"weight":1}}})"));
  };
  const std::string at = Cat(kRoutePath, "routes[0].headers[0]");
  EXPECT_EQ(error(R"({"exactMatch":"1"})"), Cat(at, ".name: is needed"));
  EXPECT_EQ(
      error(R"({"name":"a b","exactMatch":"1"})"),
      Cat(at, ".name: \"a b\" is not a header's name: letters, digits, '-', '_' and '.' are"));
  EXPECT_EQ(error(R"({"name":"a-bin","exactMatch":"1"})"),
            Cat(at,
                ".name: \"a-bin\" has values that aren't text: a name that doesn't end in -bin "
                "is needed"));
  EXPECT_EQ(error(R"({"name":"a"})"),
            Cat(at,
                ": has 0 of exactMatch, prefixMatch, suffixMatch and presentMatch; one is "
                "needed"));
  EXPECT_EQ(error(R"({"name":"a","exactMatch":"1","presentMatch":true})"),
            Cat(at,
                ": has 2 of exactMatch, prefixMatch, suffixMatch and presentMatch; one is "
                "needed"));
  EXPECT_EQ(error(R"({"name":"a","presentMatch":"yes"})"),
            Cat(at, ".presentMatch: must be true or false"));
  EXPECT_EQ(error(Repeated(R"({"name":"a","presentMatch":true})", 11)),
            Cat(kRoutePath, "routes[0].headers: has 11 items; at most 10 are allowed"));
}
TEST_F(Route, LabelsAreRulesOfKubernetesForm) {
  EXPECT_EQ(ErrorOfLabels(R"(["a=b","a!=b","a","!a","a="])"), "");
  for (const std::string_view bad : {"=b", "!=b", "!", ""}) {
    EXPECT_EQ(ErrorOfLabels(Cat("[\"", bad, "\"]")),
              Cat("1:38: loadBalancingConfig[0].route.children.x.labels: \"", bad,
                  "\" is not \"key=value\", \"key!=value\", \"key\" or \"!key\""));
  }
  EXPECT_EQ(ErrorOfLabels("[7]"),
            "1:39: loadBalancingConfig[0].route.children.x.labels[0]: must be a text");
}
TEST_F(Route, AChildNeedsAPolicy) {
  EXPECT_EQ(
      ErrorOf(R"([{"route":{"children":{"x":{}},"routes":[{"targets":{"x":{"weight":1}}}]}}])"),
      "1:28: loadBalancingConfig[0].route.children.x.childPolicy: is needed: a list of "
      "policies");
}

// ---- Which child takes a call

TEST_F(Route, CallsAreSplitByWeight) {
  BeginsReady(Split(95, 5));
  EXPECT_EQ(Unlike(Shares(20'000), {{"s", 0.95}, {"c", 0.05}}, 0.005), "");
}
TEST_F(Route, AMethodIsRoutedByItsPath) {
  BeginsReady(CanaryIf(R"("path":"/shop.Cart/Get")"));
  EXPECT_EQ(Call("/shop.Cart/Get"), "c");
  EXPECT_EQ(Call("/shop.Cart/GetAll"), "s");
  EXPECT_EQ(Call("/shop.cart/get"), "s");
}
TEST_F(Route, AServiceIsRoutedByItsPrefix) {
  BeginsReady(CanaryIf(R"("prefix":"/shop.Cart/")"));
  EXPECT_EQ(Call("/shop.Cart/Get"), "c");
  EXPECT_EQ(Call("/shop.Cart/Add"), "c");
  EXPECT_EQ(Call("/shop.Carts/Get"), "s");
}
TEST_F(Route, TheFirstRouteThatFitsCounts) {
  BeginsReady(Config(Cat(R"({"path":"/a/b","targets":{"canary":{"weight":1}}},)",
                         R"({"prefix":"/a/","targets":{"stable":{"weight":1}}},)",
                         R"({"targets":{"canary":{"weight":1}}})")));
  EXPECT_EQ(Call("/a/b"), "c");
  EXPECT_EQ(Call("/a/c"), "s");
  EXPECT_EQ(Call("/b/b"), "c");
}
TEST_F(Route, AHeaderIsComparedExactly) {
  BeginsReady(CanaryIf(R"("headers":[{"name":"X-Canary","exactMatch":"yes"}])"));
  EXPECT_EQ(GoWith(metadata("x-canary", "yes")), "c");
  EXPECT_EQ(GoWith(metadata("x-canary", "yes!")), "s");
  EXPECT_EQ(GoWith(metadata("other", "yes")), "s");
  EXPECT_EQ(Go(), "s");  // No metadata at all.
}
TEST_F(Route, AHeaderIsComparedByItsBeginningOrEnd) {
  BeginsReady(
      CanaryIf(R"("headers":[{"name":"a","prefixMatch":"be"},{"name":"b","suffixMatch":"nd"}])"));
  EXPECT_EQ(GoWith(metadata("a", "begin", "b", "end")), "c");
  EXPECT_EQ(GoWith(metadata("a", "begin", "b", "ending")), "s");
  EXPECT_EQ(GoWith(metadata("a", "the begin", "b", "end")), "s");
  EXPECT_EQ(GoWith(metadata("a", "begin")), "s");  // All must fit.
}
TEST_F(Route, AHeaderMayHaveToBeThereOrNot) {
  BeginsReady(CanaryIf(R"("headers":[{"name":"a","presentMatch":true}])"));
  EXPECT_EQ(GoWith(metadata("a", "")), "c");
  EXPECT_EQ(Go(), "s");
  for (const std::string_view absent :
       {R"("presentMatch":false)", R"("presentMatch":true,"invertMatch":true)"}) {
    BeginsReady(CanaryIf(Cat(R"("headers":[{"name":"a",)", absent, "}]")));
    EXPECT_EQ(GoWith(metadata("a", "1")), "s");
    EXPECT_EQ(Go(), "c");
  }
}
TEST_F(Route, AnInvertedRuleNeedsTheHeaderToo) {  // A41
  BeginsReady(CanaryIf(R"("headers":[{"name":"a","exactMatch":"1","invertMatch":true}])"));
  EXPECT_EQ(GoWith(metadata("a", "2")), "c");
  EXPECT_EQ(GoWith(metadata("a", "1")), "s");
  EXPECT_EQ(Go(), "s");
}
TEST_F(Route, ValuesOfOneHeaderAreJoinedByCommas) {  // A41
  BeginsReady(CanaryIf(R"("headers":[{"name":"a","exactMatch":"1,2,3"}])"));
  EXPECT_EQ(GoWith(metadata("a", "1", "b", "0", "a", "2", "a", "3")), "c");
  EXPECT_EQ(GoWith(metadata("a", "1", "a", "2")), "s");
}
TEST_F(Route, ACallThatNoRouteFitsIsDropped) {
  BeginsReady(Config(R"({"path":"/a/b","targets":{"stable":{"weight":1},"canary":{"weight":1}}})"));
  args().method = "/a/c";
  const PolicyHarness::Call call = Begin();
  EXPECT_EQ(call.where,
            "drop: route: no route fits the call; add one without path, prefix and headers for all "
            "others");
  EXPECT_EQ(call.result.status().code(), absl::StatusCode::kUnavailable);
}

// ---- Which endpoints a child has

TEST_F(Route, LabelsChooseTheEndpoints) {
  const auto open_with = [&](std::string_view labels) {
    DropPolicy();
    Start(Cat(R"([{"route":{"children":{"x":{"labels":[)", labels,
              R"(],"childPolicy":[{"round_robin":{}}]}},)",
              R"("routes":[{"targets":{"x":{"weight":1}}}]}}])"),
          {});
    Endpoint both = Of("stable", "both"), none = Named("none");
    both.labels["zone"] = "eu";
    ResolveEndpoints({both, Of("stable", "s"), Of("canary", "c"), none}).IgnoreError();
    return Open();
  };
  EXPECT_THAT(open_with(""), ElementsAre("both", "c", "none", "s"));
  EXPECT_THAT(open_with(R"("track=stable")"), ElementsAre("both", "s"));
  EXPECT_THAT(open_with(R"("track!=stable")"), ElementsAre("c", "none"));
  EXPECT_THAT(open_with(R"("track")"), ElementsAre("both", "c", "s"));
  EXPECT_THAT(open_with(R"("!track")"), ElementsAre("none"));
  EXPECT_THAT(open_with(R"("track=stable","!zone")"), ElementsAre("s"));
  EXPECT_THAT(open_with(R"("zone=us")"), IsEmpty());
}
TEST_F(Route, AChildWhoseLabelsNobodyHasSaysSo) {
  Start(Split(1, 1), {});
  EXPECT_TRUE(ResolveEndpoints({Of("stable", "s")}).ok());  // A canary may be absent.
  Ready("s");
  EXPECT_EQ(Unlike(Shares(100), {{"s", 1}}), "");
  Start(CanaryIf(R"("path":"/a/b")"), {});
  ResolveEndpoints({Of("stable", "s")}).IgnoreError();
  EXPECT_EQ(Call("/a/b"),
            "round_robin: the resolver returned no endpoints: route: none of 1 has the labels "
            "track=canary of the child canary");
}
TEST_F(Route, AListThatIsOfNoUseToAnyIsAnError) {
  Start(Split(1, 1), {});
  EXPECT_EQ(MessageOf(ResolveEndpoints({Named("x")})),
            "route: child canary: round_robin: the resolver returned no endpoints: route: none of "
            "1 has the labels track=canary of the child canary");
  EXPECT_EQ(state(), kFailed);
}

// ---- Children that are down

TEST_F(Route, AChildThatIsDownGivesItsShareToTheOthersOfTheRoute) {
  BeginsReady(Split(1, 9));
  Fails("c");
  EXPECT_EQ(Unlike(Shares(100), {{"s", 1}}), "");
}
TEST_F(Route, ARouteWithoutAnotherTargetFailsWithItsChild) {
  BeginsReady(CanaryIf(R"("path":"/a/b")"));
  Fails("c");
  EXPECT_EQ(Call("/a/b"), "round_robin: none of 1 endpoints can be reached; last: c: refused");
  EXPECT_EQ(Call("/a/c"), "s");
  EXPECT_EQ(state(), kReady);
}
TEST_F(Route, ACallToAnIdleChildWakesIt) {
  Start(Config(Cat(R"({"path":"/a/b","targets":{"canary":{"weight":1}}},)", kOne), "pick_first"),
        {});
  ASSERT_TRUE(ResolveEndpoints(Both()).ok());
  AllReady({"s", "c"});
  Idle("c");
  const int before = dials()["c"];
  EXPECT_EQ(Call("/a/c"), "s");
  EXPECT_EQ(dials()["c"], before);
  EXPECT_EQ(Call("/a/b"), "queue");
  EXPECT_EQ(dials()["c"], before + 1);
}

// ---- Changes

TEST_F(Route, OtherRoutesTouchNoConnection) {
  BeginsReady(Split(95, 5));
  const auto before = dials();
  SwitchBoth(Split(50, 50));
  EXPECT_EQ(dials(), before);
  EXPECT_EQ(Unlike(Shares(5000), {{"s", 0.5}, {"c", 0.5}}), "");
}
TEST_F(Route, AnEndpointThatChangesItsLabelMovesOver) {
  BeginsReady(CanaryIf(R"("path":"/a/b")"));
  ASSERT_TRUE(ResolveEndpoints({Of("canary", "s"), Of("stable", "c")}).ok());
  AllReady(Open());
  EXPECT_EQ(Call("/a/b"), "s");
  EXPECT_EQ(Call("/a/c"), "c");
}
TEST_F(Route, AChildThatLeavesTheConfigGoes) {
  BeginsReady(Split(1, 1));
  const PolicyHarness::Call flying = Begin();
  SwitchBoth(R"([{"route":{"children":{"stable":{"labels":["track=stable"],
        "childPolicy":[{"round_robin":{}}]}},"routes":[{"targets":{"stable":{"weight":1}}}]}}])");
  EXPECT_THAT(Open(), ElementsAre("s"));
  End(flying);
}
TEST_F(Route, OldPickersKeepTheirRules) {
  BeginsReady(CanaryIf(R"("path":"/a/b")"));
  const PickerRef old = picker();
  SwitchBoth(Split(1, 1));
  args().method = "/a/b";
  EXPECT_EQ(old->Pick(args()).subchannel()->address, "c");
}
TEST_F(Route, TheResolversTroubleIsPassedOn) {
  Start(Split(1, 1), {});
  ResolveEndpoints({}).IgnoreError();
  ResolverFails("no such host");
  EXPECT_EQ(Go(), "round_robin: name resolver error: no such host");
}
TEST_F(Route, AnEndpointThatGoesToAnotherChildKeepsItsConnection) {
  const auto config = [](std::string_view name) {
    return Cat(R"([{"route":{"children":{")", name,
               R"(":{"childPolicy":[{"round_robin":{}}]}},"routes":[{"targets":{")", name,
               R"(":{"weight":1}}}]}}])");
  };
  Start(config("old"), {"s"});
  Ready("s");
  Start(config("new"), {"s"});
  EXPECT_EQ(dials()["s"], 1);
  EXPECT_EQ(Go(), "s");
}

}  // namespace
}  // namespace rondo

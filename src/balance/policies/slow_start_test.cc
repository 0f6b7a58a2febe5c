#include <cmath>

#include "balance/policy_test.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using testing::Unlike;

class SlowStart : public PolicyTest {
 protected:
  static std::string Config(std::string_view fields, std::string_view child = "round_robin") {
    return Cat(R"([{"slow_start":{)", fields, R"(,"childPolicy":[{")", child, R"(":{}}]}}])");
  }
  static std::string Window(std::string_view window, std::string_view more = "") {
    return Config(Cat(R"("window":")", window, "\"", more));
  }
  // a and b are warm, c is new.
  void CIsNew(const std::string& config) {
    Start(config, {"a", "b"});
    AllReady({"a", "b"});
    ASSERT_TRUE(Resolve({"a", "b", "c"}).ok());
    Ready("c");
  }
  // Of the calls, if each of the two others has 1.
  std::string CHas(double factor) {
    const double all = 2 + factor;
    return Unlike(Shares(3000), {{"a", 1 / all}, {"b", 1 / all}, {"c", factor / all}}, 0.01);
  }
};

// ---- Config

TEST_F(SlowStart, IsKnownByBothNames) {
  Start(Window("10s"), {"a"});
  Ready("a");
  std::string draft = Window("10s");
  draft.replace(draft.find("slow_start"), 10, "slow_start_experimental");
  SwitchTo(draft, {"a"});
  EXPECT_EQ(Go(), "a");
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(SlowStart, AWindowIsNeeded) {
  EXPECT_EQ(ErrorOf(R"([{"slow_start":{"childPolicy":[{"round_robin":{}}]}}])"),
            "1:16: loadBalancingConfig[0].slow_start.window: is needed");
  for (const std::string_view window : {"0.999s", "86400.1s", "0s"}) {
    EXPECT_EQ(ErrorOf(Window(window)), Cat("1:26: loadBalancingConfig[0].slow_start.window: ",
                                           window, " is not within 1s..86400s"));
  }
  EXPECT_EQ(ErrorOf(Config(R"("window":10)")),
            "1:26: loadBalancingConfig[0].slow_start.window: must be a duration such as \"1.5s\"");
}
TEST_F(SlowStart, NumbersOutOfRangeAreErrors) {
  EXPECT_EQ(ErrorOf(Window("10s", R"(,"aggression":0)")),
            "1:45: loadBalancingConfig[0].slow_start.aggression: 0 is less than 0.01");
  EXPECT_EQ(ErrorOf(Window("10s", R"(,"aggression":101)")),
            "1:45: loadBalancingConfig[0].slow_start.aggression: 101 is more than 100");
  EXPECT_EQ(ErrorOf(Window("10s", R"(,"minWeightPercent":-1)")),
            "1:51: loadBalancingConfig[0].slow_start.minWeightPercent: -1 is less than 0");
  EXPECT_EQ(ErrorOf(Window("10s", R"(,"minWeightPercent":100.5)")),
            "1:51: loadBalancingConfig[0].slow_start.minWeightPercent: 100.5 is more than 100");
  EXPECT_EQ(ErrorOf(Window("10s", R"(,"aggression":"x")")),
            "1:45: loadBalancingConfig[0].slow_start.aggression: must be a number");
}
TEST_F(SlowStart, APolicyIsNeeded) {
  EXPECT_EQ(ErrorOf(R"([{"slow_start":{"window":"10s"}}])"),
            "1:16: loadBalancingConfig[0].slow_start.childPolicy: is needed: a list of policies");
}

// ---- The weight of one who is new

TEST_F(SlowStart, ANewBackendsWeightGrowsWithTimeUntilItIsWhole) {
  CIsNew(Window("60s"));
  EXPECT_EQ(CHas(0.1), "");
  Advance(6s);
  EXPECT_EQ(CHas(0.1), "");
  Advance(9s);
  EXPECT_EQ(CHas(0.25), "");
  Advance(15s);
  EXPECT_EQ(CHas(0.5), "");
  Advance(27s);
  EXPECT_EQ(CHas(0.95), "");
  Advance(3s);
  EXPECT_EQ(CHas(1), "");
  EXPECT_EQ(NextTimer(), std::nullopt);  // Nothing is left to be done.
}
TEST_F(SlowStart, AggressionBendsTheCurve) {
  CIsNew(Window("100s", R"(,"aggression":2)"));
  EXPECT_EQ(CHas(0.1), "");  // A second counts from the start: (1/100)^(1/2).
  Advance(25s);
  EXPECT_EQ(CHas(0.5), "");
  CIsNew(Window("100s", R"(,"aggression":0.5)"));
}
TEST_F(SlowStart, TheLeastShareIsConfigured) {
  CIsNew(Window("100s", R"(,"minWeightPercent":40)"));
  EXPECT_EQ(CHas(0.4), "");
  Advance(35s);
  EXPECT_EQ(CHas(0.4), "");
  Advance(15s);
  EXPECT_EQ(CHas(0.5), "");
}
TEST_F(SlowStart, WithoutALeastShareTheFirstSecondCounts) {
  CIsNew(Window("10s", R"(,"minWeightPercent":0)"));
  EXPECT_EQ(CHas(0.1), "");
}
TEST_F(SlowStart, ItMultipliesTheWeightThatTheResolverTells) {
  Start(Window("100s"), {"a", "b"});
  AllReady({"a", "b"});
  ASSERT_TRUE(ResolveEndpoints({Weighing("a", 1), Weighing("b", 0), Weighing("c", 10)}).ok());
  Ready("c");
  EXPECT_EQ(CHas(1), "");
  Advance(50s);
  EXPECT_EQ(CHas(5), "");
}
TEST_F(SlowStart, HugeWeightsStayInProportion) {
  Start(Window("100s"), {"a", "b"});
  AllReady({"a", "b"});
  constexpr uint32_t kMost = UINT32_MAX;
  ASSERT_TRUE(
      ResolveEndpoints({Weighing("a", kMost), Weighing("b", kMost), Weighing("c", kMost)}).ok());
  Ready("c");
  EXPECT_EQ(CHas(0.1), "");
}
TEST_F(SlowStart, WorksAboveEveryPolicyThatHonoursWeights) {
  for (const std::string_view child : {"least_request", "p2c_ewma", "weighted_round_robin"}) {
    DropPolicy();
    CIsNew(Config(R"("window":"100s")", child));
    Advance(50s);
    EXPECT_EQ(Unlike(Shares(5000, 20), {{"a", 0.4}, {"b", 0.4}, {"c", 0.2}}, 0.1), "") << child;
  }
}

// ---- Who is new

TEST_F(SlowStart, TheFirstListIsWarm) {  // The client is new, not its servers.
  Start(Window("60s"), {"a", "b", "c"});
  AllReady({"a", "b"});
  Advance(5s);
  Ready("c");
  EXPECT_EQ(CHas(1), "");
  EXPECT_EQ(NextTimer(), std::nullopt);
}
TEST_F(SlowStart, OneOfTheFirstListThatCannotBeReachedAtFirstIsCold) {
  Start(Window("60s"), {"a", "b", "c"});
  AllReady({"a", "b"});
  Fails("c");
  Advance(5s);
  Idle("c");
  Ready("c");
  EXPECT_EQ(CHas(0.1), "");
}
TEST_F(SlowStart, OneAddressOfTwoThatFailsIsNoSign) {
  Start(Window("60s"), {});
  ASSERT_TRUE(
      ResolveEndpoints({{.addresses = {"a"}}, {.addresses = {"b"}}, {.addresses = {"x", "c"}}})
          .ok());
  AllReady({"a", "b"});
  Fails("x");
  Ready("c");
  Advance(1s);
  EXPECT_EQ(CHas(1), "");
}
TEST_F(SlowStart, OneThatComesBackIsCold) {
  Start(Window("60s"), {"a", "b", "c"});
  AllReady({"a", "b", "c"});
  Advance(1s);
  Idle("c");
  Advance(0s);  // The next turn.
  Ready("c");
  EXPECT_EQ(CHas(0.1), "");
  Advance(30s);
  EXPECT_EQ(CHas(0.5), "");
  Advance(1s);
  Idle("c");
  Advance(0s);
  Ready("c");
  EXPECT_EQ(CHas(0.1), "");
}
TEST_F(SlowStart, OneWhoseHealthComesBackIsCold) {
  Start(Window("60s"), {"a", "b", "c"});
  AllReady({"a", "b", "c"});
  Health("c", kFailed);
  Advance(1s);
  Health("c", kReady);
  EXPECT_EQ(CHas(0.1), "");
}
TEST_F(SlowStart, AnUpdateDoesNotBeginAnew) {
  CIsNew(Window("60s"));
  Advance(30s);
  ASSERT_TRUE(Resolve({"a", "b", "c"}).ok());
  EXPECT_EQ(CHas(0.5), "");
  Start(Window("120s"), {"a", "b", "c"});
  EXPECT_EQ(CHas(0.25), "");
}
TEST_F(SlowStart, IfAllAreNewAllHaveTheSame) {
  Start(Window("60s"), {"x"});
  Ready("x");
  ASSERT_TRUE(Resolve({"a", "b", "c"}).ok());
  AllReady({"a", "b", "c"});
  EXPECT_EQ(CHas(1), "");
}
TEST_F(SlowStart, AListAfterAnEmptyOneIsAFirst) {
  Start(Window("60s"), {"a", "b"});
  AllReady({"a", "b"});
  (void)Resolve({});
  ASSERT_TRUE(Resolve({"a", "b", "c"}).ok());
  AllReady({"a", "b"});
  Advance(20s);
  Ready("c");
  EXPECT_EQ(CHas(1), "");
}
TEST_F(SlowStart, AnotherSetOfAddressesOfAServerThatWasReadyIsWarm) {
  Start(Window("60s"), {"a", "b", "c"});
  AllReady({"a", "b", "c"});
  ASSERT_TRUE(ResolveEndpoints({Named("a"), Named("b"), {.addresses = {"c", "c2"}}}).ok());
  Ready("c");
  EXPECT_EQ(CHas(1), "");
}
TEST_F(SlowStart, ALiveSwitchOfTheChildGoesOn) {
  CIsNew(Window("60s"));
  Advance(30s);
  SwitchTo(Config(R"("window":"60s")", "weighted_round_robin"), {"a", "b", "c"});
  EXPECT_EQ(CHas(0.5), "");
  EXPECT_EQ(dials()["c"], 1);
}

TEST_F(SlowStart, OneThatComesBackIsColdThoughTheChildHasTwoHandlesOnIt) {
  for (const std::string_view child :
       {R"({"prequal":{"probeRate":0}})",
        R"({"weighted_round_robin":{"enableOobLoadReport":true}})"}) {
    DropPolicy();
    Start(Cat(R"([{"slow_start":{"window":"60s","childPolicy":[)", child, "]}}]"), {"a", "b", "c"});
    AllReady({"a", "b", "c"});
    Advance(1s);
    Idle("c");
    Advance(0s);
    Ready("c");
    EXPECT_EQ(Unlike(Shares(6000), {{"a", 10. / 21}, {"b", 10. / 21}, {"c", 1. / 21}}), "")
        << child;
    Advance(60s);
    Health("c", kFailed);  // The second handle doesn't hear of it.
    Advance(1s);
    Health("c", kReady);
    EXPECT_EQ(Unlike(Shares(6000), {{"a", 10. / 21}, {"b", 10. / 21}, {"c", 1. / 21}}), "")
        << child;
  }
}
TEST_F(SlowStart, EndpointsThatShareAnAddressAreColdTogether) {
  Start(Window("60s"), {});
  ASSERT_TRUE(ResolveEndpoints({Named("a"), {.addresses = {"c"}}, {.addresses = {"c", "d"}}}).ok());
  AllReady({"a", "c"});
  EXPECT_EQ(Unlike(Shares(3000), {{"a", 1. / 3}, {"c", 2. / 3}}, 0.01), "");
  Advance(1s);
  Idle("c");
  Advance(0s);
  Ready("c");
  EXPECT_EQ(Unlike(Shares(3000), {{"a", 1 / 1.2}, {"c", 0.2 / 1.2}}, 0.01), "");
}
TEST_F(SlowStart, ProbesArePassedOn) {
  Start(Config(R"("window":"60s")", "prequal"), {"a", "b"});
  AllReady({"a", "b"});
  Go();
  EXPECT_EQ(probes(), (std::map<std::string, int>{{"a", 1}, {"b", 1}}));
}

// ---- Cost

TEST_F(SlowStart, WhoIsWarmCostsNothing) {
  Start(Window("60s"), {"a", "b"});
  AllReady({"a", "b"});
  EXPECT_EQ(NextTimer(), std::nullopt);
  const int before = published();
  Advance(1h);
  EXPECT_EQ(published(), before);
}
TEST_F(SlowStart, ManyThatFallColdOneAfterAnotherAreToldTogether) {
  Addresses all;
  for (int i = 0; i < 50; ++i) all.push_back(Cat("b", i));
  Start(Window("60s"), all);
  AllReady(all);
  Advance(1s);
  const auto asked = [&] { return published(); };
  int updates = 0;
  for (int i = 0; i < 50; ++i) {
    Idle(all[i]);
    const int before = asked();
    Advance(2ms);  // 100 ms in all.
    updates += asked() > before;
  }
  EXPECT_LE(updates, 2);
}
TEST_F(SlowStart, WeightsChangeInTwentySteps) {
  CIsNew(Window("100s"));
  const int before = published();
  Advance(200s);
  EXPECT_EQ(published() - before, 20);
}

// ---- Everything else is the child's

TEST_F(SlowStart, EverythingElseIsPassedOn) {
  Start(Window("10s"), {});
  EXPECT_EQ(Go(), "round_robin: the resolver returned no endpoints: a note");
  ResolverFails("no such host");
  EXPECT_EQ(Go(), "round_robin: name resolver error: no such host");
  Start(Config(R"("window":"10s")", "pick_first"), {"a"});
  Ready("a");
  Idle("a");
  EXPECT_EQ(state(), kIdle);
  ExitIdle();
  EXPECT_EQ(dials()["a"], 2);
}

}  // namespace
}  // namespace rondo

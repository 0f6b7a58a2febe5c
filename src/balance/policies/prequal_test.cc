#include <chrono>
#include <cmath>
#include <limits>

#include "balance/policy_test.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class Prequal : public PolicyTest {
 protected:
  static std::string Config(std::string_view config = "{}") {
    return Cat(R"([{"prequal":)", config, "}]");
  }
  void BeginsReady(const Addresses& all, const std::string& config = Config()) {
    Start(config, all);
    AllReady(all);
  }
  // Servers that say so many calls in flight, and so long for one.
  void Say(std::map<std::string, std::pair<double, double>> what) {
    AnswerProbes([w = std::move(what)](const std::string& a) -> std::optional<LoadReport> {
      const auto said = w.find(a);
      if (said == w.end()) return std::nullopt;
      return Saying(said->second.first, said->second.second);
    });
  }
  static LoadReport Saying(double in_flight, double latency) {
    return {.named = {{"named_metrics.rif", in_flight}, {"named_metrics.latency", latency}}};
  }
  int Probed() {
    int sum = 0;
    for (const auto& [_, n] : probes()) sum += n;
    return sum;
  }
};

TEST_F(Prequal, IsKnownByBothNames) {
  BeginsReady({"a"});
  SwitchTo(R"([{"prequal_experimental":{}}])", {"a"});
  EXPECT_EQ(Go(), "a");
}
TEST_F(Prequal, ItsFieldsHaveBounds) {
  const std::string path = ": loadBalancingConfig[0].prequal.";
  const auto told = [&](std::string_view field, std::string_view value) {
    const std::string error = ErrorOf(Config(Cat("{\"", field, "\":", value, "}")));
    return error.empty() ? error : error.substr(error.find(": "));
  };
  EXPECT_EQ(told("probeRate", "10.5"), path + "probeRate: 10.5 is more than 10");
  EXPECT_EQ(told("probeRate", "-1"), path + "probeRate: -1 is less than 0");
  EXPECT_EQ(told("removeRate", "11"), path + "removeRate: 11 is more than 10");
  EXPECT_EQ(told("reuseDelta", "101"), path + "reuseDelta: 101 is more than 100");
  EXPECT_EQ(told("hotQuantile", "1.5"), path + "hotQuantile: 1.5 is more than 1");
  EXPECT_EQ(told("poolSize", "1"), path + "poolSize: 1 is not within 2..64");
  EXPECT_EQ(told("poolSize", "65"), path + "poolSize: 65 is not within 2..64");
  EXPECT_EQ(told("poolSize", "\"x\""), path + "poolSize: must be a number");
  EXPECT_EQ(told("probeMaxAge", "\"0.001s\""),
            path + "probeMaxAge: 0.001s is not within 0.01s..60s");
  EXPECT_EQ(told("probeTimeout", "\"11s\""), path + "probeTimeout: 11s is not within 0.001s..10s");
  EXPECT_EQ(told("probeRate", "0"), "");
}
TEST_F(Prequal, WithoutProbesCallsGoAnywhereByWeight) {
  ASSERT_EQ(Configure(Config()), absl::OkStatus());
  ASSERT_TRUE(ResolveEndpoints({Weighing("a", 3), Weighing("b", 1)}).ok());
  AllReady({"a", "b"});
  EXPECT_EQ(testing::Unlike(Shares(4000), {{"a", .75}, {"b", .25}}, 0.04), "");
  EXPECT_EQ(Begin().result.reason(), "at random, for want of probes");
}
TEST_F(Prequal, EachCallSendsProbesToDifferentServers) {
  BeginsReady({"a", "b", "c", "d", "e"});
  Go();
  EXPECT_EQ(Probed(), 3);
  for (const auto& [a, n] : probes()) EXPECT_EQ(n, 1) << a;
}
TEST_F(Prequal, ARateMayBeAFraction) {
  BeginsReady({"a", "b", "c"}, Config(R"({"probeRate":0.5})"));
  for (int i = 0; i < 400; ++i) Go();
  EXPECT_NEAR(Probed(), 200, 40);
}
TEST_F(Prequal, ARateOfZeroSendsNone) {
  BeginsReady({"a", "b"}, Config(R"({"probeRate":0})"));
  for (int i = 0; i < 10; ++i) Go();
  Advance(10s);
  EXPECT_EQ(Probed(), 0);
  EXPECT_EQ(NextTimer(), std::nullopt);
}
TEST_F(Prequal, TheQuickerOfColdServersIsTaken) {
  Say({{"a", {1, 0.030}}, {"b", {1, 0.010}}, {"c", {1, 0.020}}});
  BeginsReady({"a", "b", "c"}, Config(R"({"removeRate":0})"));
  Go();
  const Call call = Begin();
  EXPECT_EQ(call.where, "b");
  EXPECT_EQ(call.result.reason(), "what its probe said");
}
TEST_F(Prequal, AHotServerIsLeftThoughItIsQuick) {
  Say({{"a", {50, 0.001}}, {"b", {1, 0.010}}, {"c", {2, 0.020}}});
  BeginsReady({"a", "b", "c"}, Config(R"({"hotQuantile":0.5})"));
  Go();
  auto spread = Shares(300);
  EXPECT_LT(spread["a"], 10) << testing::Picture(spread);
}
TEST_F(Prequal, AProbeIsForgottenWhenItIsOld) {
  Say({{"a", {1, 0.030}}, {"b", {1, 0.010}}});
  BeginsReady({"a", "b"}, Config(R"({"probeRate":2})"));
  Go();
  AnswerProbes({});
  Advance(1001ms);
  EXPECT_EQ(Begin().result.reason(), "at random, for want of probes");
}
TEST_F(Prequal, AfterAPauseThePoolIsWarmAndAfterAMinuteNobodyAsks) {
  Say({{"a", {1, 0.030}}, {"b", {1, 0.010}}});
  BeginsReady({"a", "b"});
  Go();
  for (int i = 0; i < 40; ++i) Advance(250ms);
  EXPECT_EQ(Begin().result.reason(), "what its probe said");
  for (int i = 0; i < 300; ++i) Advance(250ms);
  const int probed = Probed();
  EXPECT_EQ(NextTimer(), std::nullopt);
  Advance(60s);
  EXPECT_EQ(Probed(), probed);
}
TEST_F(Prequal, ABackendThatLeavesTakesItsProbesWithIt) {
  Say({{"a", {1, 0.030}}, {"b", {1, 0.010}}, {"c", {1, 0.020}}});
  BeginsReady({"a", "b", "c"}, Config(R"({"removeRate":0})"));
  Go();
  ASSERT_TRUE(Resolve({"c", "a"}).ok());
  EXPECT_EQ(Begin().where, "c") << "the others' are kept, by other numbers";
  Idle("c");
  EXPECT_EQ(Begin().where, "a");
  Ready("c");
  EXPECT_TRUE(Begin().result.picked());
}
TEST_F(Prequal, AnAnswerOfASuspectServerIsDropped) {
  Say({{"a", {1, 0.030}}, {"b", {1, 0.010}}, {"c", {1, 0.020}}});
  BeginsReady({"a", "b", "c"}, Config(R"({"removeRate":0})"));
  Go();
  Suspect("b", true);
  for (int i = 0; i < 20; ++i) EXPECT_NE(Begin().where, "b");
  Suspect("b", false);
  Go();
  EXPECT_EQ(Begin().where, "b");
}
TEST_F(Prequal, AnswersOfServersThatDoNotSayItAreIgnored) {
  const double bad[] = {-1, std::nan(""), std::numeric_limits<double>::infinity()};
  for (const double figure : {bad[0], bad[1]}) {
    AnswerProbes([&](const std::string&) { return Saying(figure, 0.01); });
    BeginsReady({"a", "b"});
    Go();
    EXPECT_EQ(Begin().result.reason(), "at random, for want of probes");
    AnswerProbes([&](const std::string&) { return Saying(1, figure); });
    Go();
    EXPECT_EQ(Begin().result.reason(), "at random, for want of probes");
    AnswerProbes([&](const std::string&) { return LoadReport{.cpu = 0.5}; });
    Go();
    EXPECT_EQ(Begin().result.reason(), "at random, for want of probes");
    DropPolicy();
  }
  AnswerProbes([&](const std::string&) { return Saying(bad[2], bad[2]); });
  BeginsReady({"a", "b"});
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Begin().result.picked());
}
TEST_F(Prequal, AWeightMakesAServersLoadSmaller) {
  Say({{"a", {4, 0.020}}, {"b", {4, 0.015}}});
  ASSERT_EQ(Configure(Config(R"({"removeRate":0,"hotQuantile":1})")), absl::OkStatus());
  ASSERT_TRUE(ResolveEndpoints({Weighing("a", 2), Weighing("b", 1)}).ok());
  AllReady({"a", "b"});
  Go();
  EXPECT_EQ(Begin().where, "a");
}
TEST_F(Prequal, ARetryGoesElsewhere) {
  Say({{"a", {1, 0.030}}, {"b", {1, 0.010}}, {"c", {1, 0.020}}});
  BeginsReady({"a", "b", "c"}, Config(R"({"removeRate":0})"));
  Go();
  const Subchannel* tried[] = {Begin().result.subchannel()};
  args().tried = tried;
  for (int i = 0; i < 20; ++i) EXPECT_NE(Begin().result.subchannel(), tried[0]);
}
TEST_F(Prequal, AnotherConfigKeepsThePool) {
  Say({{"a", {1, 0.030}}, {"b", {1, 0.010}}});
  BeginsReady({"a", "b"}, Config(R"({"removeRate":0})"));
  Go();
  AnswerProbes({});
  SwitchTo(Config(R"({"removeRate":0,"probeRate":1})"), {"a", "b"});
  EXPECT_EQ(Begin().where, "b");
}
TEST_F(Prequal, NothingIsLeftOfIt) {
  Say({{"a", {1, 0.030}}, {"b", {1, 0.010}}});
  BeginsReady({"a", "b"});
  const Call call = Begin();
  DropPolicy();
  End(call);
  EXPECT_EQ(Leaks(), "");
}
TEST_F(Prequal, WhoCannotSayHowLongACallTakesIsNotTheBest) {
  Say({{"a", {2, 0}}, {"b", {2, 0.010}}, {"c", {2, 0}}});
  BeginsReady({"a", "b", "c"}, Config(R"({"removeRate":0})"));
  Go();
  EXPECT_EQ(Begin().where, "b");
}

}  // namespace
}  // namespace rondo

#include "balance/policy_test.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using testing::Unlike;

class Panic : public PolicyTest {
 protected:
  static std::string Config(std::string_view fields, std::string_view child = "round_robin") {
    return Cat(R"([{"panic":{)", fields, fields.empty() ? "" : ",", R"("childPolicy":[{")", child,
               R"(":{}}]}}])");
  }
  void BeginsReady(std::string_view config, const Addresses& all = {"a", "b", "c", "d"}) {
    Start(config, all);
    AllReady(all);
  }
  void Ill(const Addresses& all) {
    for (const std::string& a : all) Health(a, kFailed);
    Advance(0s);
  }
  // All of these have the same.
  std::string NotEven(const Addresses& all) {
    std::map<std::string, double> expected;
    for (const std::string& a : all) expected[a] = 1.0 / static_cast<double>(all.size());
    return Unlike(Shares(1000), expected);
  }
  double Entered() { return metrics()["panic: rondo.lb.panic.entered"]; }
};

TEST_F(Panic, IsKnownByBothNames) {
  BeginsReady(Config(""), {"a"});
  std::string draft = Config("");
  draft.replace(draft.find("panic"), 5, "panic_experimental");
  SwitchTo(draft, {"a"});
  EXPECT_EQ(Go(), "a");
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(Panic, TheThresholdIsAPercentage) {
  EXPECT_EQ(ErrorOf(Config(R"("thresholdPercent":101)")),
            "1:31: loadBalancingConfig[0].panic.thresholdPercent: 101 is more than 100");
  EXPECT_EQ(ErrorOf(Config(R"("thresholdPercent":-1)")),
            "1:31: loadBalancingConfig[0].panic.thresholdPercent: -1 is less than 0");
  EXPECT_EQ(ErrorOf(Config(R"("thresholdPercent":"x")")),
            "1:31: loadBalancingConfig[0].panic.thresholdPercent: must be a number");
  EXPECT_EQ(ErrorOf(R"([{"panic":{}}])"),
            "1:11: loadBalancingConfig[0].panic.childPolicy: is needed: a list of policies");
}
TEST_F(Panic, HealthCountsWhileEnoughAreHealthy) {
  BeginsReady(Config(""));
  Ill({"a", "b"});  // Half are left: not less than 50 %.
  EXPECT_EQ(NotEven({"c", "d"}), "");
  EXPECT_EQ(Entered(), 0);
}
TEST_F(Panic, BelowTheThresholdAllThatAreConnectedGetCalls) {
  BeginsReady(Config(""));
  Ill({"a", "b", "c"});
  EXPECT_EQ(NotEven({"a", "b", "c", "d"}), "");
  EXPECT_EQ(Entered(), 1);
  Ill({"d"});
  EXPECT_EQ(NotEven({"a", "b", "c", "d"}), "");
}
TEST_F(Panic, ItEndsWhenEnoughAreHealthyAgain) {
  BeginsReady(Config(""));
  Ill({"a", "b", "c"});
  Health("a", kReady);
  Advance(0s);
  EXPECT_EQ(NotEven({"a", "d"}), "");
  EXPECT_EQ(Entered(), 1);
}
TEST_F(Panic, WhoIsNotConnectedCountsAsUnhealthyAndGetsNoCalls) {
  BeginsReady(Config(""));
  Fails("a");
  Fails("b");
  EXPECT_EQ(NotEven({"c", "d"}), "");
  Ill({"c"});
  EXPECT_EQ(NotEven({"c", "d"}), "");
  Idle("a");
  Ready("a");
  Advance(0s);
  EXPECT_EQ(NotEven({"a", "d"}), "");
}
TEST_F(Panic, ThresholdsAreExact) {
  BeginsReady(Config(R"("thresholdPercent":75.5)"));
  Ill({"a"});
  EXPECT_EQ(NotEven({"a", "b", "c", "d"}), "");
  Start(Config(R"("thresholdPercent":75)"), {"a", "b", "c", "d"});
  Advance(0s);
  EXPECT_EQ(NotEven({"b", "c", "d"}), "");
  Start(Config(R"("thresholdPercent":0)"), {"a", "b", "c", "d"});
  Ill({"b", "c", "d"});
  EXPECT_EQ(state(), kFailed);  // 0: never.
}
TEST_F(Panic, StandsBetweenAnEjectorAndWhoSpreads) {
  Start(R"([{"outlier_detection":{"interval":"1s","maxEjectionPercent":100,
      "failurePercentageEjection":{"threshold":50,"minimumHosts":1,"requestVolume":1},
      "childPolicy":[{"panic":{"childPolicy":[{"round_robin":{}}]}}]}}])",
        {"a", "b"});
  AllReady({"a", "b"});
  for (int i = 0; i < 20; ++i) {
    const Call call = Begin();
    End(call, call.where == "a" ? absl::InternalError("bug") : absl::OkStatus());
  }
  Advance(1s);
  Advance(0s);
  EXPECT_EQ(NotEven({"b"}), "");  // Half are left.
  Advance(1s);                    // Those calls are judged.
  for (int i = 0; i < 20; ++i) End(Begin(), absl::InternalError("bug"));
  Advance(1s);
  Advance(0s);
  EXPECT_EQ(NotEven({"a", "b"}), "");
}
TEST_F(Panic, ALonePickFirstHeedsNoHealthAndIsPassedOn) {
  Start(Config("", "pick_first"), {"a"});
  Ready("a");
  Idle("a");
  EXPECT_EQ(state(), kIdle);
  ExitIdle();
  EXPECT_EQ(dials()["a"], 2);
  ResolverFails("no such host");
}

// ---- Children that leave some alone, or hold more

TEST_F(Panic, WhomTheChildDoesNotConnectToIsNoSign) {
  Addresses all;
  for (int i = 0; i < 20; ++i) all.push_back(Cat("b", i));
  Start(R"([{"panic":{"childPolicy":[{"random_subsetting":{"subsetSize":4,
        "childPolicy":[{"round_robin":{}}]}}]}}])",
        all);
  const Addresses subset = Open();
  ASSERT_EQ(subset.size(), 4u);
  AllReady(subset);
  Ill({subset[0]});
  EXPECT_EQ(Entered(), 0);
  EXPECT_EQ(NotEven({subset[1], subset[2], subset[3]}), "");
  Ill({subset[1], subset[2]});
  EXPECT_EQ(Entered(), 1);
  EXPECT_EQ(NotEven(subset), "");
}
TEST_F(Panic, ASecondHandleDoesNotCount) {
  BeginsReady(R"([{"panic":{"thresholdPercent":60,"childPolicy":[{"weighted_round_robin":{
        "enableOobLoadReport":true}}]}}])",
              {"a", "b"});
  Ill({"a"});
  EXPECT_EQ(Entered(), 1);
  EXPECT_EQ(NotEven({"a", "b"}), "");
}
TEST_F(Panic, ProbesArePassedOn) {
  BeginsReady(Config("", "prequal"));
  Go();
  int sum = 0;
  for (const auto& [_, n] : probes()) sum += n;
  EXPECT_EQ(sum, 3);
}

}  // namespace
}  // namespace rondo

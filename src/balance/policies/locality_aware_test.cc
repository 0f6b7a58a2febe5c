#include <chrono>

#include "balance/policy_test.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;

class LocalityAware : public PolicyTest {
 protected:
  static std::string Config(std::string_view config = "{}") {
    return Cat(R"([{"locality_aware":)", config, "}]");
  }
  void BeginsReady(const Addresses& all, const std::string& config = Config()) {
    Start(config, all);
    AllReady(all);
  }
  // One call after the other, a millisecond apart; each takes as long as its backend does.
  testing::Spread Calls(int n) {
    testing::Spread spread;
    for (int i = 0; i < n; ++i) {
      const Call call = Begin();
      ++spread[call.where];
      Advance(1ms);
      const auto takes = latency.find(call.where);
      End(call, failing.contains(call.where) ? absl::UnavailableError("broken") : absl::Status(),
          nullptr, takes == latency.end() ? 1ms : takes->second);
    }
    return spread;
  }
  std::map<std::string, Duration> latency;
  std::map<std::string, bool> failing;
};

TEST_F(LocalityAware, IsKnownByBothNames) {
  BeginsReady({"a"});
  SwitchTo(R"([{"locality_aware_experimental":{}}])", {"a"});
  EXPECT_EQ(Go(), "a");
}
TEST_F(LocalityAware, ItsFieldsHaveBounds) {
  const std::string path = ": loadBalancingConfig[0].locality_aware.";
  EXPECT_EQ(ErrorOf(Config(R"({"minShare":1.5})")), "1:32" + path + "minShare: 1.5 is more than 1");
  EXPECT_EQ(ErrorOf(Config(R"({"minShare":"x"})")), "1:32" + path + "minShare: must be a number");
  EXPECT_EQ(ErrorOf(Config(R"({"failurePenalty":"31s"})")),
            "1:38" + path + "failurePenalty: 31s is not within 0s..30s");
  EXPECT_EQ(ErrorOf(Config(R"({"updatePeriod":"0.001s"})")),
            "1:36" + path + "updatePeriod: 0.001s is not within 0.01s..60s");
  EXPECT_EQ(ErrorOf(Config(R"({"updatePeriod":"61s"})")),
            "1:36" + path + "updatePeriod: 61s is not within 0.01s..60s");
  EXPECT_EQ(ErrorOf(Config(R"({"minShare":0,"failurePenalty":"0s","updatePeriod":"60s"})")), "");
}
TEST_F(LocalityAware, AtFirstAllAreAlike) {
  BeginsReady({"a", "b", "c", "d"});
  EXPECT_EQ(testing::Unlike(Shares(4000), {{"a", .25}, {"b", .25}, {"c", .25}, {"d", .25}}, 0.04),
            "");
  EXPECT_EQ(Begin().result.reason(), "quick answers");
}
TEST_F(LocalityAware, AtFirstByWeight) {
  ASSERT_EQ(Configure(Config()), absl::OkStatus());
  ASSERT_TRUE(ResolveEndpoints({Weighing("a", 3), Weighing("b", 0)}).ok());
  AllReady({"a", "b"});
  EXPECT_EQ(testing::Unlike(Shares(4000), {{"a", .75}, {"b", .25}}, 0.04), "");
}
// docs/cn/lalb.md: of servers of 1, 2 and 3 ms the first gets nearly all.
TEST_F(LocalityAware, TheQuickestGetsNearlyAllAndTheOthersEnoughToBeWatched) {
  latency = {{"b", 2ms}, {"c", 3ms}};
  BeginsReady({"a", "b", "c"});
  Calls(5000);
  testing::Spread spread = Calls(5000);
  EXPECT_GT(spread["a"], 4500);
  EXPECT_GT(spread["b"], 5) << "1 % of the mean";
  EXPECT_GT(spread["c"], 5);
}
TEST_F(LocalityAware, CallsMoveWhenTheQuickestIsSlowAndBack) {
  latency = {{"b", 5ms}};
  BeginsReady({"a", "b"}, Config(R"({"minShare":0.1})"));
  Calls(4000);
  latency = {{"a", 50ms}, {"b", 5ms}};
  Calls(8000);
  EXPECT_GT(Calls(2000)["b"], 1700);
  latency = {{"a", 1ms}, {"b", 5ms}};
  Calls(16000);
  EXPECT_GT(Calls(2000)["a"], 1700);
}
TEST_F(LocalityAware, FailingQuicklyDrawsNoCalls) {
  latency = {{"a", 100us}, {"b", 5ms}, {"c", 5ms}};
  failing["a"] = true;
  BeginsReady({"a", "b", "c"});
  Calls(1000);
  EXPECT_LT(Calls(2000)["a"], 40);
  failing.clear();
  latency["a"] = 5ms;
  Calls(60000);
  EXPECT_GT(Calls(2000)["a"], 5) << "forgiven";
}
TEST_F(LocalityAware, WhoAnswersNothingLosesCallsBeforeItsFirstAnswerIsDue) {
  BeginsReady({"a", "b"}, Config(R"({"minShare":0.5})"));
  Calls(1000);
  std::vector<Call> stuck;
  while (stuck.size() < 3) {
    Call call = Begin();
    if (call.where == "a") {
      stuck.push_back(call);
    } else {
      End(call);
    }
  }
  // 1 ms is its latency; it has been silent for 150 ms.
  Advance(150ms);
  for (int i = 0; i < 1000; ++i) {
    Call call = Begin();
    Advance(1ms);
    if (call.where == "a") {
      stuck.push_back(call);
    } else {
      End(call);
    }
  }
  EXPECT_LT(stuck.size(), 20u);
  for (const Call& call : stuck) End(call);
  EXPECT_GT(Calls(100)["a"], 10);
}
TEST_F(LocalityAware, IdleTimeIsNoSilence) {
  BeginsReady({"a", "b"}, Config(R"({"minShare":1})"));
  Calls(500);
  Advance(60s);
  std::vector<Call> held;
  for (int i = 0; i < 400; ++i) held.push_back(Begin());
  EXPECT_NEAR(Load("a").in_flight(), 200, 40);
  for (const Call& call : held) End(call);
}
TEST_F(LocalityAware, ABackendThatReconnectsIsNotSilentForAnOldStream) {
  BeginsReady({"a", "b"}, Config(R"({"minShare":1})"));
  Calls(500);
  Call stream = Begin();
  while (stream.where != "a") {
    End(stream);
    stream = Begin();
  }
  Idle("a");
  Advance(0s);
  Ready("a");
  EXPECT_GT(Calls(200)["a"], 50);
  End(stream);
}
TEST_F(LocalityAware, ANewBackendBeginsWithTheMean) {
  latency = {{"b", 1ms}};
  BeginsReady({"a", "b"}, Config(R"({"minShare":1})"));
  Calls(1000);
  ASSERT_TRUE(Resolve({"a", "b", "c"}).ok());
  Ready("c");
  EXPECT_NEAR(Shares(3000)["c"], 1000, 150);
}
TEST_F(LocalityAware, WhoReconnectsBeginsAnew) {
  latency = {{"b", 50ms}};
  BeginsReady({"a", "b"});
  Calls(3000);
  EXPECT_LT(Calls(1000)["b"], 50);
  Idle("b");
  Ready("b");
  EXPECT_NEAR(Shares(1000)["b"], 500, 80);
}
TEST_F(LocalityAware, ACallGivenUpEarlySaysNothingAndLateThatItIsSlow) {
  BeginsReady({"a", "b"});
  for (int i = 0; i < 500; ++i) {
    const Call call = Begin();
    Advance(1ms);
    if (call.where == "b") {
      End(call, absl::CancelledError(""), nullptr, 100us);
    } else {
      End(call);
    }
  }
  EXPECT_GT(Calls(200)["b"], 20) << "b is still unknown";
  for (int i = 0; i < 2000; ++i) {
    const Call call = Begin();
    Advance(1ms);
    if (call.where == "b") {
      End(call, absl::CancelledError(""), nullptr, 300ms);
    } else {
      End(call);
    }
  }
  EXPECT_LT(Calls(1000)["b"], 100);
}
TEST_F(LocalityAware, ARetryGoesElsewhere) {
  BeginsReady({"a", "b"});
  const Subchannel* tried[] = {Begin().result.subchannel()};
  args().tried = tried;
  for (int i = 0; i < 50; ++i) EXPECT_NE(Begin().result.subchannel(), tried[0]);
}
TEST_F(LocalityAware, CallsEndAfterTheirPolicy) {
  BeginsReady({"a", "b"});
  std::vector<Call> held;
  for (int i = 0; i < 10; ++i) held.push_back(Begin());
  DropPolicy();
  for (const Call& call : held) End(call);
  EXPECT_EQ(Leaks(), "");
}

}  // namespace
}  // namespace rondo

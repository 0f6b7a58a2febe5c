#include "balance/policy_test.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Pair;

class P2cEwma : public PolicyTest {
 protected:
  static std::string Config(std::string_view config = "{}") {
    return Cat(R"([{"p2c_ewma":)", config, "}]");
  }
  void BeginsReady(const Addresses& all, std::string_view config = "{}") {
    Start(Config(config), all);
    AllReady(all);
    args().now = now();
  }
  void Pass(Duration d) {
    Advance(d);
    args().now = now();
  }
  // The call ends after `took`; the clock stands.
  void EndAfter(const Call& c, Duration took, absl::Status status = {}) {
    const CallEnd end{.status = status, .latency = took, .now = now()};
    const_cast<Subchannel*>(c.result.subchannel())->load.End(end);
    for (const auto& w : c.result.watches()) w.picker->OnDone(w.token, end);
  }
  // Calls one after the other, each as slow as `latency` says of its backend.
  std::map<std::string, int> Serve(int n, const std::map<std::string, Duration>& latency,
                                   Duration between = 10ms) {
    std::map<std::string, int> out;
    for (int i = 0; i < n; ++i) {
      const Call c = Begin();
      ++out[c.where];
      EndAfter(c, latency.at(c.where));
      Pass(between);
    }
    return out;
  }
};

TEST_F(P2cEwma, TheWorstOfManyIsNeverComparedWithItself) {
  Addresses all;
  std::map<std::string, Duration> latency;
  for (char c = 'a'; c <= 'k'; ++c) {
    all.emplace_back(1, c);
    latency[all.back()] = c == 'c' ? 2s : 10ms;
  }
  BeginsReady(all);
  Serve(100, latency, 0ms);  // All are known.
  EXPECT_EQ(Serve(2000, latency, 0ms)["c"], 0);
}

// ---- Config

TEST_F(P2cEwma, IsKnownByBothNames) {
  BeginsReady({"a"});
  SwitchTo(R"([{"p2c_ewma_experimental":{}}])", {"a"});
  EXPECT_EQ(Go(), "a");
}
TEST_F(P2cEwma, EachFieldsBadValueIsAnError) {
  const std::string at = "1:29: loadBalancingConfig[0].p2c_ewma.";
  EXPECT_EQ(ErrorOf(Config(R"({"choiceCount":1})")),
            at + "choiceCount: 1 is not within 2..4294967295");
  EXPECT_EQ(ErrorOf(Config(R"({"decayTime":"0s"})")),
            "1:27: loadBalancingConfig[0].p2c_ewma.decayTime: 0s is not within 0.001s..3600s");
  EXPECT_EQ(ErrorOf(Config(R"({"decayTime":"3601s"})")),
            "1:27: loadBalancingConfig[0].p2c_ewma.decayTime: 3601s is not within 0.001s..3600s");
  EXPECT_EQ(ErrorOf(Config(R"({"decayTime":10})")),
            "1:27: loadBalancingConfig[0].p2c_ewma.decayTime: must be a duration such as \"1.5s\"");
  EXPECT_EQ(ErrorOf(Config(R"({"failurePenalty":"31s"})")),
            "1:32: loadBalancingConfig[0].p2c_ewma.failurePenalty: 31s is not within 0s..30s");
  EXPECT_EQ(ErrorOf(Config(R"({"failurePenalty":"-1s"})")),
            "1:32: loadBalancingConfig[0].p2c_ewma.failurePenalty: \"-1s\" is negative");
}

// ---- Who is picked

TEST_F(P2cEwma, ASlowBackendIsAvoided) {
  BeginsReady({"a", "b"});
  const auto n = Serve(1000, {{"a", 2s}, {"b", 5ms}});
  EXPECT_LT(n.at("a"), 10);
}
TEST_F(P2cEwma, ABackendThatBecomesSlowIsAvoidedAfterOneCallAndTriedAgainLater) {
  BeginsReady({"a", "b"});
  Serve(100, {{"a", 5ms}, {"b", 5ms}});
  const auto slow = Serve(1000, {{"a", 1s}, {"b", 5ms}});
  EXPECT_LE(slow.at("a"), 2);
  Pass(10min);
  EXPECT_GT(Serve(200, {{"a", 5ms}, {"b", 5ms}})["a"], 20);
}
TEST_F(P2cEwma, CallsInFlightCount) {
  BeginsReady({"a", "b"});
  Serve(100, {{"a", 10ms}, {"b", 10ms}});
  std::vector<Call> open;
  for (int i = 0; i < 20; ++i) open.push_back(Begin());
  EXPECT_NEAR(Load("a").in_flight(), 10, 1);
  for (const Call& c : open) EndAfter(c, 10ms);
}
TEST_F(P2cEwma, ANewBackendGetsOneCallUntilItHasAnswered) {
  BeginsReady({"a", "b"});
  Serve(50, {{"a", 10ms}, {"b", 10ms}});
  EXPECT_TRUE(Resolve({"a", "b", "c"}).ok());
  Ready("c");
  const Call first = Begin();
  EXPECT_EQ(first.where, "c");
  for (int i = 0; i < 20; ++i) {
    const Call other = Begin();
    EXPECT_NE(other.where, "c");
    EndAfter(other, 10ms);
  }
  EndAfter(first, 1ms);
  EXPECT_EQ(Go(), "c");
}
TEST_F(P2cEwma, NewBackendsShare) {
  int first = 0;
  for (int i = 0; i < 200; ++i) {
    DropPolicy();
    BeginsReady({"a", "b"});
    first += Go() == "a";
  }
  EXPECT_NEAR(first, 100, 35);
}
TEST_F(P2cEwma, QuickFailuresCountAsSlowAnswers) {
  BeginsReady({"a", "b"});
  std::map<std::string, int> n;
  for (int i = 0; i < 1000; ++i) {
    const Call c = Begin();
    ++n[c.where];
    if (c.where == "a") {
      EndAfter(c, 1ms, absl::UnavailableError("overloaded"));
    } else {
      EndAfter(c, 50ms);
    }
    Pass(10ms);
  }
  EXPECT_LT(n["a"], 10);
}
TEST_F(P2cEwma, WhatTheCallerDidWrongIsNoFailure) {
  BeginsReady({"a", "b"});
  std::map<std::string, int> n;
  for (int i = 0; i < 100; ++i) {
    const Call c = Begin();
    ++n[c.where];
    EndAfter(c, c.where == "a" ? 1ms : 50ms, absl::NotFoundError("no such thing"));
    Pass(10ms);
  }
  EXPECT_GT(n["a"], 90);
}
TEST_F(P2cEwma, ACallThatWasGivenUpEarlySaysNothing) {
  BeginsReady({"a", "b"});
  Serve(50, {{"a", 100ms}, {"b", 90ms}});
  const Call given_up = Begin();
  ASSERT_EQ(given_up.where, "b");
  EndAfter(given_up, 1ms, absl::CancelledError());
  const Call late = Begin();
  EndAfter(late, 3s, absl::CancelledError());
  EXPECT_NE(Go(), late.where) << "one that took longer than any other did";
}
TEST_F(P2cEwma, OfManyOnlyAFewAreCompared) {
  Addresses all;
  std::map<std::string, Duration> latency;
  for (int i = 0; i < 20; ++i) {
    all.push_back(Cat("b", i));
    latency[all.back()] = i == 0 ? 1s : 10ms;
  }
  BeginsReady(all);
  const auto n = Serve(4000, latency);
  EXPECT_LT(n.at("b0"), 40);
  EXPECT_EQ(n.size(), 20u);
}
TEST_F(P2cEwma, WeightsDivideTheCost) {
  ASSERT_EQ(Configure(Config()), absl::OkStatus());
  EXPECT_TRUE(ResolveEndpoints({Weighing("a", 3), Weighing("b", 1)}).ok());
  AllReady({"a", "b"});
  args().now = now();
  Serve(50, {{"a", 10ms}, {"b", 10ms}});
  std::vector<Call> open;
  for (int i = 0; i < 40; ++i) open.push_back(Begin());
  EXPECT_NEAR(Load("a").in_flight(), 30, 2);
  for (const Call& c : open) EndAfter(c, 10ms);
}
TEST_F(P2cEwma, WhatIsKnownOutlivesAPicker) {
  BeginsReady({"a", "b"});
  Serve(50, {{"a", 1s}, {"b", 5ms}});
  EXPECT_TRUE(Resolve({"b", "a"}).ok());
  EXPECT_THAT(Serve(20, {{"a", 1s}, {"b", 5ms}}), ElementsAre(Pair("b", 20)));
}
TEST_F(P2cEwma, ACallMayEndAfterThePolicyIsGone) {
  BeginsReady({"a"});
  const Call c = Begin();
  DropPolicy();
  c.result.watches()[0].picker->OnDone(c.result.watches()[0].token,
                                       {.status = absl::OkStatus(), .latency = 1ms, .now = now()});
}
TEST_F(P2cEwma, ARetryAvoidsTheBackendsItTried) {
  BeginsReady({"a", "b", "c"});
  const Call first = Begin();
  EndAfter(first, 1ms);
  const Subchannel* tried[] = {first.result.subchannel()};
  args().tried = tried;
  for (int i = 0; i < 10; ++i) EXPECT_NE(Go(), first.where);
}
TEST_F(P2cEwma, WhenAllAreDownTheReasonIsTold) {
  Start(Config(), {"a"});
  Fails("a", "refused");
  EXPECT_EQ(Go(), "p2c_ewma: none of 1 endpoints can be reached; last: a: refused");
}

}  // namespace
}  // namespace rondo

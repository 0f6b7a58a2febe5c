#include "balance/policy_test.h"

namespace rondo {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class LeastRequest : public PolicyTest {
 protected:
  static std::string Config(std::string_view config = "{}") {
    return Cat(R"([{"least_request":)", config, "}]");
  }
  // Enough choices for two or three backends to compare nearly always all of them.
  void BeginsReady(const Addresses& all, std::string_view config = R"({"choiceCount":10})") {
    Start(Config(config), all);
    AllReady(all);
  }
  void BeginsWeighing(const std::map<std::string, uint32_t>& weights, std::string_view config) {
    ASSERT_EQ(Configure(Config(config)), absl::OkStatus());
    std::vector<Endpoint> endpoints;
    for (const auto& [address, weight] : weights) endpoints.push_back(Weighing(address, weight));
    EXPECT_TRUE(ResolveEndpoints(endpoints).ok());
    for (const auto& [address, _] : weights) Ready(address);
  }
};

// ---- Config

TEST_F(LeastRequest, IsKnownByBothNames) {
  BeginsReady({"a"});
  SwitchTo(R"([{"least_request_experimental":{}}])", {"a"});
  EXPECT_EQ(Go(), "a");
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(LeastRequest, FewerThanTwoChoicesAreAnErrorAndMoreThanTenAreTen) {
  EXPECT_TRUE(Configure(Config(R"({"choiceCount":3})")).ok());
  EXPECT_TRUE(Configure(Config(R"({"choiceCount":11})")).ok());
  EXPECT_EQ(
      ErrorOf(Config(R"({"choiceCount":1})")),
      "1:34: loadBalancingConfig[0].least_request.choiceCount: 1 is not within 2..4294967295");
  EXPECT_EQ(ErrorOf(Config(R"({"choiceCount":-5})")),
            "1:34: loadBalancingConfig[0].least_request.choiceCount: -5 is not within "
            "2..4294967295");
  EXPECT_EQ(ErrorOf(Config(R"({"choiceCount":{}})")),
            "1:34: loadBalancingConfig[0].least_request.choiceCount: must be a number");
  EXPECT_EQ(ErrorOf(Config("[]")), "1:19: loadBalancingConfig[0].least_request: must be an object");
}

// ---- Who is picked

TEST_F(LeastRequest, TheBackendWithFewerCallsGetsTheNextOne) {
  BeginsReady({"a", "b"});
  std::vector<Call> open;
  std::map<std::string, int> n;
  for (int i = 0; i < 100; ++i) {
    open.push_back(Begin());
    ++n[open.back().where];
  }
  EXPECT_NEAR(n["a"], 50, 2);
  for (const Call& c : open) End(c);
  EXPECT_EQ(Load("a").in_flight(), 0);
  EXPECT_EQ(Load("b").in_flight(), 0);
}
TEST_F(LeastRequest, TwoChoicesAvoidABusyBackendMostly) {
  BeginsReady({"a", "b"}, "{}");
  std::vector<Call> busy;
  while (busy.empty() || busy.back().where != "a") busy.push_back(Begin());
  while (Load("a").in_flight() <= Load("b").in_flight()) busy.push_back(Begin());
  // Draws with replacement: both are a in a quarter of the picks.
  EXPECT_NEAR(Shares(2000)["a"], 500, 100);
  for (const Call& c : busy) End(c);
}
TEST_F(LeastRequest, IdleBackendsAreDrawnAlike) {
  BeginsReady({"a", "b", "c"}, "{}");
  for (const auto& [where, n] : Shares(3000)) EXPECT_NEAR(n, 1000, 120) << where;
}
TEST_F(LeastRequest, CountsOutliveThePicker) {
  BeginsReady({"a", "b"});
  const Call first = Begin();
  EXPECT_TRUE(Resolve({"a", "b", "c"}).ok());
  Fails("c");
  EXPECT_NE(Go(), first.where);
  Idle(first.where);
  Ready(first.where);  // It reconnected; the call is still there, as far as we know.
  EXPECT_NE(Go(), first.where);
  End(first);
}
TEST_F(LeastRequest, OnlyReadyBackendsAreDrawn) {
  Start(Config(), {"a", "b", "c"});
  EXPECT_EQ(Go(), "queue");
  Ready("b");
  Fails("c");
  EXPECT_THAT(Shares(20), ElementsAre(Pair("b", 20)));
}
TEST_F(LeastRequest, AnEndpointWithTwoAddressesCountsOnce) {
  ASSERT_TRUE(Configure(Config()).ok());
  Endpoint both = Named("a");
  both.addresses.push_back("b");
  EXPECT_TRUE(ResolveEndpoints({both, Named("c")}).ok());
  Fails("a");
  AllReady({"b", "c"});
  const auto shares = Shares(2000);
  EXPECT_EQ(shares.size(), 2u);
  EXPECT_NEAR(shares.at("b"), 1000, 100);
}
TEST_F(LeastRequest, ARetryAvoidsTheBackendsItTried) {
  BeginsReady({"a", "b", "c"}, "{}");
  const Subchannel* tried[2];
  for (int i = 0; i < 2; ++i) {
    const Call c = Begin();
    End(c);
    tried[i] = c.result.subchannel();
    args().tried = std::span<const Subchannel* const>(tried, static_cast<size_t>(i) + 1);
  }
  EXPECT_NE(tried[0], tried[1]);
  const auto rest = Shares(30);
  EXPECT_EQ(rest.size(), 1u);
  EXPECT_NE(rest.begin()->first, tried[0]->address);
  EXPECT_NE(rest.begin()->first, tried[1]->address);
}

// ---- Weights

TEST_F(LeastRequest, IdleBackendsShareByWeight) {
  BeginsWeighing({{"a", 3}, {"b", 1}}, "{}");
  EXPECT_NEAR(Shares(4000)["a"], 3000, 150);
}
TEST_F(LeastRequest, AHeavyBackendHoldsAsManyMoreCalls) {
  BeginsWeighing({{"a", 3}, {"b", 1}}, R"({"choiceCount":10})");
  std::vector<Call> open;
  for (int i = 0; i < 80; ++i) open.push_back(Begin());
  EXPECT_NEAR(Load("a").in_flight(), 60, 4);
  for (const Call& c : open) End(c);
}
TEST_F(LeastRequest, AWeightChangesWithTheNextUpdate) {
  BeginsWeighing({{"a", 3}, {"b", 1}}, "{}");
  BeginsWeighing({{"a", 1}, {"b", 1}}, "{}");
  EXPECT_NEAR(Shares(4000)["a"], 2000, 200);
  EXPECT_EQ(dials()["a"], 1);
}

// ---- Trouble

TEST_F(LeastRequest, AResolverErrorChangesNothingWhileItServes) {
  BeginsReady({"a"});
  ResolverFails("no such host");
  EXPECT_EQ(Go(), "a");
}
TEST_F(LeastRequest, WhenNothingWorksTheReasonIsTold) {
  Start(Config(), {"a"});
  Fails("a", "refused");
  EXPECT_EQ(Go(), "least_request: none of 1 endpoints can be reached; last: a: refused");
  SwitchTo(Config(), {});
  EXPECT_EQ(Go(), "least_request: the resolver returned no endpoints: a note");
}
TEST_F(LeastRequest, ALostBackendIsReconnectedAtOnce) {
  BeginsReady({"a", "b"});
  Idle("a");
  EXPECT_EQ(dials()["a"], 2);
  EXPECT_THAT(Shares(5), UnorderedElementsAre(Pair("b", 5)));
}

}  // namespace
}  // namespace rondo

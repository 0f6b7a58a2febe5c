#include "balance/policy_test.h"

namespace rondo {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class CircuitBreaking : public PolicyTest {
 protected:
  static std::string Config(std::string_view fields, std::string_view child = "round_robin") {
    return Cat(R"([{"circuit_breaking":{)", fields, fields.empty() ? "" : ",",
               R"("childPolicy":[{")", child, R"(":{}}]}}])");
  }
  static std::string Most(int64_t n) { return Config(Cat(R"("maxConcurrentRequests":)", n)); }
  static std::string Category(std::string_view name, int64_t per_million) {
    return Cat(R"({"category":")", name, R"(","requestsPerMillion":)", per_million, "}");
  }
  static std::string Drops(std::string_view categories) {
    return Config(Cat(R"("dropCategories":[)", categories, "]"));
  }
  static std::string TooMany(int n) {
    return Cat("drop: circuit_breaking: the call is dropped, for ", n,
               " are in flight, the most that maxConcurrentRequests allows; allow more, or send "
               "fewer at once");
  }
  static std::string DroppedBy(std::string_view category, int per_million) {
    return Cat("drop: circuit_breaking: the call is dropped by category ", category, ", as ",
               per_million, " of a million are");
  }
  void BeginsReady(std::string_view config, const Addresses& all = {"a"}) {
    Start(config, all);
    AllReady(all);
  }
  double Dropped() { return metrics()["circuit_breaking: rondo.lb.circuit_breaking.drops"]; }
};

// ---- Config

TEST_F(CircuitBreaking, IsKnownByBothNames) {
  BeginsReady(Config(""));
  std::string draft = Config("");
  draft.replace(draft.find("circuit_breaking"), 16, "circuit_breaking_experimental");
  SwitchTo(draft, {"a"});
  EXPECT_EQ(Go(), "a");
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(CircuitBreaking, NumbersOutOfRangeAreErrors) {
  EXPECT_EQ(ErrorOf(Most(-1)),
            "1:47: loadBalancingConfig[0].circuit_breaking.maxConcurrentRequests: -1 is not within "
            "0..4294967295");
  EXPECT_EQ(ErrorOf(Config(R"("maxConcurrentRequests":1.5)")),
            "1:47: loadBalancingConfig[0].circuit_breaking.maxConcurrentRequests: must be a whole "
            "number");
  EXPECT_EQ(ErrorOf(Drops(Category("lb", 1000001))),
            "1:79: loadBalancingConfig[0].circuit_breaking.dropCategories[0].requestsPerMillion: "
            "1000001 is not within 0..1000000");
}
TEST_F(CircuitBreaking, ACategoryNeedsNameAndShare) {
  EXPECT_EQ(ErrorOf(Drops(R"({"requestsPerMillion":1})")),
            "1:41: loadBalancingConfig[0].circuit_breaking.dropCategories[0].category: is needed");
  EXPECT_EQ(ErrorOf(Drops(R"({"category":"lb"})")),
            "1:41: loadBalancingConfig[0].circuit_breaking.dropCategories[0].requestsPerMillion: "
            "is needed");
  EXPECT_EQ(ErrorOf(Drops("7")),
            "1:41: loadBalancingConfig[0].circuit_breaking.dropCategories[0]: must be an object");
}
TEST_F(CircuitBreaking, CategoriesAreAHundredAtMost) {
  std::string all = Category("c", 1);
  for (int i = 1; i < 100; ++i) all += Cat(",", Category("c", 1));
  EXPECT_EQ(ErrorOf(Drops(all)), "");
  EXPECT_EQ(ErrorOf(Drops(Cat(all, ",", Category("c", 1)))),
            "1:40: loadBalancingConfig[0].circuit_breaking.dropCategories: has 101 categories; at "
            "most 100 are allowed");
}
TEST_F(CircuitBreaking, APolicyIsNeeded) {
  EXPECT_EQ(ErrorOf(R"([{"circuit_breaking":{}}])"),
            "1:22: loadBalancingConfig[0].circuit_breaking.childPolicy: is needed: a list of "
            "policies");
}

// ---- Calls in flight

TEST_F(CircuitBreaking, OneMoreThanTheMostIsDropped) {
  BeginsReady(Most(3), {"a", "b"});
  std::vector<Call> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(Begin());
  const Call fourth = Begin();
  EXPECT_EQ(fourth.where, TooMany(3));
  EXPECT_EQ(fourth.result.kind(), PickResult::Kind::kDrop);  // Never retried, never waits.
  EXPECT_EQ(fourth.result.status().code(), absl::StatusCode::kUnavailable);
  End(calls[0]);
  EXPECT_TRUE(Begin().result.picked());
  EXPECT_EQ(Begin().where, TooMany(3));
}
TEST_F(CircuitBreaking, TheMostIs1024) {
  BeginsReady(Config(""));
  for (int i = 0; i < 1024; ++i) EXPECT_EQ(Begin().where, "a");
  EXPECT_EQ(Begin().where, TooMany(1024));
}
TEST_F(CircuitBreaking, NoneMayBeAllowed) {
  BeginsReady(Most(0));
  EXPECT_EQ(Go(), TooMany(0));
}
TEST_F(CircuitBreaking, CallsThatEndHoweverMakeRoom) {
  BeginsReady(Most(1));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Go(absl::InternalError("bug")), "a");
}
TEST_F(CircuitBreaking, CallsThatWaitOrFailTakeNoPlace) {
  Start(Most(1), {"a"});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Begin().where, "queue");
  Ready("a");
  EXPECT_EQ(Go(), "a");
  Fails("a");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Begin().where, "round_robin: none of 1 endpoints can be reached; last: a: refused");
  }
  Idle("a");
  Ready("a");
  EXPECT_EQ(Go(), "a");
}
TEST_F(CircuitBreaking, CallsBeyondTheMostAreDroppedInEveryState) {
  BeginsReady(Most(1));
  const Call call = Begin();
  Idle("a");
  EXPECT_EQ(Begin().where, TooMany(1));
  End(call);
  EXPECT_EQ(Begin().where, "queue");
}
TEST_F(CircuitBreaking, CallsAreCountedAcrossPickersAndConfigs) {
  BeginsReady(Most(2));
  const Call first = Begin();
  ASSERT_TRUE(Resolve({"a", "b"}).ok());
  Ready("b");
  (void)Begin();
  EXPECT_EQ(Begin().where, TooMany(2));
  Start(Most(3), {"a", "b"});
  EXPECT_TRUE(Begin().result.picked());
  EXPECT_EQ(Begin().where, TooMany(3));
  End(first);  // It leaves where it entered.
  EXPECT_TRUE(Begin().result.picked());
  EXPECT_EQ(Begin().where, TooMany(3));
}
TEST_F(CircuitBreaking, ANewLimitCountsThoughTheChildHasNoNews) {
  BeginsReady(Config(R"("maxConcurrentRequests":5)", "pick_first"));
  SwitchTo(Config(R"("maxConcurrentRequests":0)", "pick_first"), {"a"});
  EXPECT_EQ(Go(), TooMany(0));
}
TEST_F(CircuitBreaking, PoliciesOfOneClusterCountTogether) {
  BeginsReady(Config(R"("cluster":"x","maxConcurrentRequests":1)"));
  const Call held = Begin();
  // Another policy of this runtime: a switch by way of another makes it anew.
  SwitchTo(R"([{"round_robin":{}}])", {"a"});
  SwitchTo(Config(R"("cluster":"x","maxConcurrentRequests":1)"), {"a"});
  EXPECT_EQ(Begin().where, TooMany(1));
  SwitchTo(Config(R"("cluster":"y","maxConcurrentRequests":1)"), {"a"});
  EXPECT_EQ(Begin().where, "a");
  End(held);
  SwitchTo(Config(R"("cluster":"x","maxConcurrentRequests":1)"), {"a"});
  EXPECT_EQ(Begin().where, "a");
}
TEST_F(CircuitBreaking, PoliciesWithoutAClusterCountForThemselves) {
  BeginsReady(Most(1));
  (void)Begin();
  SwitchTo(R"([{"round_robin":{}}])", {"a"});
  SwitchTo(Most(1), {"a"});
  EXPECT_EQ(Begin().where, "a");
}

// ---- Drops

TEST_F(CircuitBreaking, SharesAreDropped) {  // gRPC's DropRequestsPerMillion.
  for (const int per_million : {0, 4295, 10'000, 50'000, 500'000, 1'000'000}) {
    BeginsReady(Drops(Category("lb", per_million)));
    constexpr int kCalls = 100'000;
    const testing::Spread spread = Shares(kCalls);
    const auto it = spread.find(DroppedBy("lb", per_million));
    const double share = it == spread.end() ? 0 : it->second / double{kCalls};
    EXPECT_NEAR(share, per_million / 1e6, per_million % 1'000'000 == 0 ? 0 : 0.005);
  }
}
TEST_F(CircuitBreaking, EachCategoryDrawsFromWhatTheOnesBeforeItLeft) {
  BeginsReady(
      Drops(Cat(Category("x", 500'000), ",", Category("none", 0), ",", Category("y", 500'000))));
  EXPECT_EQ(testing::Unlike(
                Shares(20'000),
                {{DroppedBy("x", 500'000), 0.5}, {DroppedBy("y", 500'000), 0.25}, {"a", 0.25}}),
            "");
}
TEST_F(CircuitBreaking, NothingIsDroppedByCategoryUntilThereIsSomebodyToCall) {
  Start(Drops(Category("all", 1'000'000)), {"a"});
  EXPECT_EQ(Go(), "queue");
  Ready("a");
  EXPECT_EQ(Go(), DroppedBy("all", 1'000'000));
  Fails("a");
  EXPECT_EQ(Go(), "round_robin: none of 1 endpoints can be reached; last: a: refused");
}
TEST_F(CircuitBreaking, ADroppedCallTakesNoPlace) {
  BeginsReady(Config(
      Cat(R"("maxConcurrentRequests":1,"dropCategories":[)", Category("half", 500'000), "]")));
  for (const auto& [where, _] : Shares(1000)) EXPECT_NE(where, TooMany(1));
}
TEST_F(CircuitBreaking, DropsAreCounted) {
  BeginsReady(Drops(Category("all", 1'000'000)));
  for (int i = 0; i < 5; ++i) (void)Go();
  EXPECT_EQ(Dropped(), 5);
  Start(Most(0), {"a"});
  (void)picker()->Pick(args());  // Not yet told when the config changes.
  (void)picker()->Pick(args());
  Start(Most(1), {"a"});
  EXPECT_EQ(Dropped(), 7);
}

// ---- Everything else is the child's

TEST_F(CircuitBreaking, EverythingElseIsPassedOn) {
  Start(Config(""), {});
  EXPECT_EQ(Go(), "round_robin: the resolver returned no endpoints: a note");
  ResolverFails("no such host");
  EXPECT_EQ(Go(), "round_robin: name resolver error: no such host");
  BeginsReady(Config("", "pick_first"));
  Idle("a");
  EXPECT_EQ(state(), kIdle);
  ExitIdle();
  EXPECT_EQ(dials()["a"], 2);
}
TEST_F(CircuitBreaking, WhatItsCallsHeldIsFreedAfterIt) {
  BeginsReady(Most(1));
  const Call call = Begin();
  const PickerRef last = DropPolicy();
  EXPECT_EQ(Leaks(), "");
  End(call);
  EXPECT_TRUE(last->Pick(args()).picked());
}

}  // namespace
}  // namespace rondo

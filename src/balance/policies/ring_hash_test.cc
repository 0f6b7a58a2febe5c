#include "balance/policy_test.h"

namespace rondo {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class RingHash : public PolicyTest {
 protected:
  static std::string Config(std::string_view config = R"({"requestHashHeader":"x-key"})") {
    return Cat(R"([{"ring_hash":)", config, "}]");
  }
  void Begins(const Addresses& all) { Start(Config(), all); }
  void BeginsReady(const Addresses& all) {
    Begins(all);
    ConnectAll(all);
  }
  void ConnectAll(const Addresses& all) {
    for (uint64_t key = 0; Open().size() < all.size(); ++key) GoWith(key);
    AllReady(all);
  }
  std::string GoWith(uint64_t key) {
    args().affinity = key;
    std::string where = Go();
    args().affinity.reset();
    return where;
  }
  // A key that belongs to the backend while it works; found by asking a fresh policy.
  uint64_t KeyOf(const std::string& backend, const Addresses& all) {
    for (uint64_t key = 0;; ++key) {
      DropPolicy();
      dials().clear();
      Begins(all);
      GoWith(key);
      if (dials().contains(backend)) {
        DropPolicy();
        dials().clear();
        return key;
      }
    }
  }
};

// ---- Config

TEST_F(RingHash, IsKnownByBothNames) {
  BeginsReady({"a"});
  SwitchTo(R"([{"ring_hash_experimental":{}}])", {"a"});
  EXPECT_EQ(GoWith(1), "a");
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(RingHash, SizesAreWithinEightMillion) {
  EXPECT_TRUE(Configure(Config(R"({"minRingSize":1,"maxRingSize":2})")).ok());
  EXPECT_TRUE(Configure(Config(R"({"minRingSize":8388608,"maxRingSize":8388608})")).ok());
  EXPECT_EQ(ErrorOf(Config(R"({"minRingSize":8388610})")),
            "1:30: loadBalancingConfig[0].ring_hash.minRingSize: 8388610 is not within 0..8388608");
  EXPECT_EQ(ErrorOf(Config(R"({"maxRingSize":8388610})")),
            "1:30: loadBalancingConfig[0].ring_hash.maxRingSize: 8388610 is not within 0..8388608");
  EXPECT_EQ(ErrorOf(Config(R"({"maxRingSize":-1})")),
            "1:30: loadBalancingConfig[0].ring_hash.maxRingSize: -1 is not within 0..8388608");
  EXPECT_EQ(ErrorOf(Config(R"({"maxRingSize":true})")),
            "1:30: loadBalancingConfig[0].ring_hash.maxRingSize: must be a number");
}
TEST_F(RingHash, TheSmallestSizeIsNotAboveTheLargest) {
  EXPECT_EQ(
      ErrorOf(Config(R"({"minRingSize":10,"maxRingSize":2})")),
      "1:30: loadBalancingConfig[0].ring_hash.minRingSize: 10 is more than maxRingSize, which "
      "is 2");
  EXPECT_FALSE(Configure(Config(R"({"minRingSize":6000,"maxRingSize":5000})")).ok());
  EXPECT_FALSE(Configure(Config(R"({"minRingSize":6000})")).ok()) << "the default is 4096";
}
TEST_F(RingHash, ASizeOfZeroIsTheDefault) {
  EXPECT_TRUE(Configure(Config(R"({"minRingSize":0,"maxRingSize":2000})")).ok());
  EXPECT_TRUE(Configure(Config(R"({"minRingSize":2000,"maxRingSize":0})")).ok());
  EXPECT_FALSE(Configure(Config(R"({"minRingSize":0,"maxRingSize":1000})")).ok()) << "1024 is more";
}
TEST_F(RingHash, AHeadersNameIsCheckedAndItsCaseDoesNotCount) {
  EXPECT_EQ(
      ErrorOf(Config(R"({"requestHashHeader":"!invalid"})")),
      "1:36: loadBalancingConfig[0].ring_hash.requestHashHeader: \"!invalid\" is not a header's "
      "name: letters, digits, '-', '_' and '.' are");
  EXPECT_EQ(ErrorOf(Config(R"({"requestHashHeader":"X-bin"})")),
            "1:36: loadBalancingConfig[0].ring_hash.requestHashHeader: \"X-bin\" has values that "
            "aren't text: a name that doesn't end in -bin is needed");
  EXPECT_EQ(ErrorOf(Config(R"({"requestHashHeader":7})")),
            "1:36: loadBalancingConfig[0].ring_hash.requestHashHeader: must be a text");
  Start(Config(R"({"requestHashHeader":"X-FOO"})"), {"a", "b", "c"});
  ConnectAll({"a", "b", "c"});
  const Metadata headers = metadata("x-foo", "1");
  args().metadata = &headers;
  EXPECT_EQ(Shares(20).size(), 1u);
}
TEST_F(RingHash, TheChannelCapsTheRing) {
  // With a ring of two entries a third backend has no place.
  RingSizeCap cap;
  cap.value = 2;
  settings().Set(cap);
  Begins({"a", "b", "c"});
  for (uint64_t key = 0; key < 100; ++key) GoWith(key);
  EXPECT_EQ(Open().size(), 2u);
}

// ---- Where a call goes

TEST_F(RingHash, ConnectsOnlyWhatACallHashesTo) {
  Begins({"a", "b", "c"});
  EXPECT_EQ(state(), kIdle);
  EXPECT_THAT(Open(), ElementsAre());
  EXPECT_EQ(GoWith(42), "queue");
  ASSERT_EQ(Open().size(), 1u);
  const std::string owner = Open()[0];
  EXPECT_EQ(GoWith(42), "queue");
  Ready(owner);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(GoWith(42), owner);
  EXPECT_THAT(Open(), ElementsAre(owner));
}
TEST_F(RingHash, AKeyStaysWithItsBackend) {
  BeginsReady({"a", "b", "c"});
  std::map<std::string, int> n;
  for (uint64_t key = 0; key < 300; ++key) {
    const std::string where = GoWith(key);
    EXPECT_EQ(GoWith(key), where);
    ++n[where];
  }
  for (const auto& [where, count] : n) EXPECT_NEAR(count, 100, 40) << where;
}
TEST_F(RingHash, AHeadersValueIsTheKey) {
  BeginsReady({"a", "b", "c"});
  std::map<std::string, int> all;
  for (int i = 0; i < 30; ++i) {
    const Metadata headers = metadata("x-key", Cat("session-", i));
    args().metadata = &headers;
    const auto shares = Shares(5);
    EXPECT_EQ(shares.size(), 1u);
    ++all[shares.begin()->first];
  }
  EXPECT_EQ(all.size(), 3u);
}
TEST_F(RingHash, ACallWithoutAHashIsDroppedWhereNoneIsOptional) {
  Start(Config("{}"), {"a"});
  EXPECT_EQ(Go(),
            "drop: ring_hash: the call has no hash; give it an affinity key, or name a "
            "requestHashHeader in the config");
  EXPECT_EQ(Begin().result.status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(GoWith(1), "queue");
}
TEST_F(RingHash, AFailedBackendsKeysGoToTheNextOnTheRingAndComeBack) {
  const Addresses all = {"a", "b", "c"};
  const uint64_t key = KeyOf("b", all);
  BeginsReady(all);
  EXPECT_EQ(GoWith(key), "b");
  Idle("b");
  EXPECT_EQ(GoWith(key), "queue");
  Fails("b");
  const std::string next = GoWith(key);
  EXPECT_THAT(next, AnyOf("a", "c"));
  EXPECT_EQ(GoWith(key), next);
  Ready("b");
  EXPECT_EQ(GoWith(key), "b");
}
TEST_F(RingHash, AFailedBackendIsPassedForOneThatIsReadyOrConnectingOrIdle) {
  const Addresses all = {"a", "b"};
  const uint64_t key = KeyOf("a", all);
  Begins(all);
  GoWith(key);
  Fails("a");  // Nobody connects: b is woken, so that the policy recovers by itself.
  EXPECT_EQ(dials()["b"], 1);
  EXPECT_EQ(GoWith(key), "queue");
  Ready("b");
  EXPECT_EQ(GoWith(key), "b");
  Idle("b");
  EXPECT_EQ(dials()["b"], 2) << "one failed, none connecting: it is woken again";
}
TEST_F(RingHash, WhenAllHaveFailedTheErrorOfTheKeysBackendIsTold) {
  const Addresses all = {"a", "b"};
  const uint64_t of_a = KeyOf("a", all), of_b = KeyOf("b", all);
  Begins(all);
  GoWith(of_a);
  Fails("a", "no route");
  Fails("b", "refused");
  EXPECT_EQ(state(), kFailed);
  EXPECT_EQ(GoWith(of_a), "a: no route");
  EXPECT_EQ(GoWith(of_b), "b: refused");
}
TEST_F(RingHash, ARetryGoesToTheNextOnTheRing) {
  BeginsReady({"a", "b", "c"});
  args().affinity = 7;
  const Call first = Begin();
  End(first);
  const Subchannel* tried[] = {first.result.subchannel()};
  args().tried = tried;
  const std::string second = Go();
  EXPECT_NE(second, first.where);
  EXPECT_EQ(Go(), second);
  BeginsReady({"a"});
  EXPECT_EQ(Go(), "a") << "there is no other";
}

// ---- Random hashes

TEST_F(RingHash, WithoutTheHeaderACallGoesAnywhere) {
  BeginsReady({"a", "b", "c"});
  const auto shares = Shares(3000);
  EXPECT_EQ(shares.size(), 3u);
  for (const auto& [where, n] : shares) EXPECT_NEAR(n, 1000, 350) << where;
}
TEST_F(RingHash, ARandomHashWakesAnIdleBackendAndUsesAReadyOne) {
  Begins({"a", "b", "c"});
  EXPECT_EQ(Go(), "queue");
  ASSERT_EQ(Open().size(), 1u);
  const std::string first = Open()[0];
  Ready(first);
  for (int i = 0; i < 20 && Open().size() == 1; ++i) EXPECT_EQ(Go(), first);
  EXPECT_EQ(Open().size(), 2u) << "a pick that went to one backend woke another";
}
TEST_F(RingHash, RandomHashesConnectOneBackendAtATime) {
  Begins({"a", "b", "c"});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Go(), "queue");
  EXPECT_EQ(dialled().size(), 1u);
  Ready(dialled()[0]);
  for (int i = 0; i < 20; ++i) Go();
  EXPECT_EQ(dialled().size(), 2u);
}
TEST_F(RingHash, ARandomHashPassesAFailedBackendAndWakesTheIdleOne) {
  Begins({"a", "b"});
  Go();
  const std::string first = dialled()[0];
  Fails(first);
  EXPECT_EQ(dialled().size(), 2u);
  EXPECT_EQ(Go(), "queue");
  Ready(dialled()[1]);
  EXPECT_EQ(Go(), dialled()[1]);
}
TEST_F(RingHash, WhenAllHaveFailedARandomHashIsToldOneOfTheirErrors) {
  Begins({"a", "b"});
  Go();
  Fails(dialled()[0], "no route");
  Fails(dialled()[1], "no route");
  EXPECT_THAT(Go(), AnyOf("a: no route", "b: no route"));
}

// ---- The ring

TEST_F(RingHash, WeightsAreHonoured) {
  ASSERT_EQ(Configure(Config()), absl::OkStatus());
  EXPECT_TRUE(ResolveEndpoints({Weighing("a", 1), Weighing("b", 2), Weighing("c", 1)}).ok());
  ConnectAll({"a", "b", "c"});
  const auto shares = Shares(4000);
  EXPECT_NEAR(shares.at("a"), 1000, 200);
  EXPECT_NEAR(shares.at("b"), 2000, 200);
}
TEST_F(RingHash, AnotherWeightMovesKeysAndKeepsConnections) {
  BeginsReady({"a", "b"});
  EXPECT_TRUE(ResolveEndpoints({Weighing("a", 9), Weighing("b", 1)}).ok());
  EXPECT_NEAR(Shares(2000)["a"], 1800, 150);
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(RingHash, AnotherSizeMovesKeysAndKeepsConnections) {
  BeginsReady({"a", "b", "c"});
  std::map<uint64_t, std::string> before;
  for (uint64_t key = 0; key < 200; ++key) before[key] = GoWith(key);
  SwitchTo(Config(R"({"minRingSize":3,"maxRingSize":3,"requestHashHeader":"x-key"})"),
           {"a", "b", "c"});
  int moved = 0;
  for (const auto& [key, where] : before) moved += GoWith(key) != where;
  EXPECT_GT(moved, 20);
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(RingHash, AHashKeyIsABackendsNameOnTheRingWhateverItsAddress) {
  const auto named = [](const std::string& address, const std::string& key) {
    Endpoint e = Named(address);
    e.hash_key = key;
    return e;
  };
  ASSERT_EQ(Configure(Config()), absl::OkStatus());
  EXPECT_TRUE(ResolveEndpoints({named("a", "one"), named("b", "two")}).ok());
  ConnectAll({"a", "b"});
  std::map<uint64_t, std::string> before;
  for (uint64_t key = 0; key < 50; ++key) before[key] = GoWith(key);
  EXPECT_TRUE(ResolveEndpoints({named("c", "one"), named("b", "two")}).ok());
  for (const auto& [key, where] : before) {
    if (where == "a") {
      GoWith(key);
      break;
    }
  }
  Ready("c");
  for (const auto& [key, where] : before) EXPECT_EQ(GoWith(key), where == "a" ? "c" : where);
}
TEST_F(RingHash, TheOrderOfTheListAndOfFurtherAddressesDoesNotMatter) {
  const auto two = [](const std::string& first, const std::string& second) {
    Endpoint e = Named(first);
    e.addresses.push_back(second);
    return e;
  };
  ASSERT_EQ(Configure(Config()), absl::OkStatus());
  EXPECT_TRUE(ResolveEndpoints({two("a", "a2"), two("b", "b2"), Named("c")}).ok());
  for (uint64_t key = 0; Open().size() < 3; ++key) GoWith(key);
  AllReady({"a", "b", "c"});
  std::map<uint64_t, std::string> before;
  for (uint64_t key = 0; key < 50; ++key) before[key] = GoWith(key);
  EXPECT_TRUE(ResolveEndpoints({Named("c"), two("b", "b2"), two("a", "a2")}).ok());
  for (const auto& [key, where] : before) EXPECT_EQ(GoWith(key), where);
}
TEST_F(RingHash, AnEndpointFallsBackToItsSecondAddress) {
  ASSERT_EQ(Configure(Config()), absl::OkStatus());
  Endpoint e = Named("a");
  e.addresses.push_back("b");
  EXPECT_TRUE(ResolveEndpoints({e}).ok());
  GoWith(1);
  Fails("a");
  Ready("b");
  EXPECT_EQ(GoWith(1), "b");
}
TEST_F(RingHash, AnEndpointWithoutAddressesIsLeftOut) {
  ASSERT_EQ(Configure(Config()), absl::OkStatus());
  Endpoint none;
  none.hash_key = "none";
  EXPECT_TRUE(ResolveEndpoints({none, Named("a")}).ok());
  for (uint64_t key = 0; key < 20; ++key) EXPECT_EQ(GoWith(key), "queue");
  EXPECT_THAT(Open(), ElementsAre("a"));
}
TEST_F(RingHash, WithoutEndpointsCallsFail) {
  Begins({});
  EXPECT_EQ(state(), kFailed);
  EXPECT_EQ(GoWith(1), "ring_hash: the resolver returned no endpoints: a note");
}

// ---- States

TEST_F(RingHash, OneReadyMakesItReady) {
  BeginsReady({"a", "b"});
  Idle("a");
  EXPECT_EQ(state(), kReady);
}
TEST_F(RingHash, OneFailureAmongOthersIsConnectingAndTwoAreAFailure) {
  Begins({"a", "b", "c", "d"});
  Go();
  EXPECT_EQ(state(), kConnecting);
  Fails(dialled()[0]);
  EXPECT_EQ(state(), kConnecting);
  Fails(dialled()[1]);
  EXPECT_EQ(state(), kFailed);
  Ready(dialled()[2]);
  EXPECT_EQ(state(), kReady);
}
TEST_F(RingHash, TheFailureOfTheOnlyOneIsAFailure) {
  Begins({"a"});
  Go();
  Fails("a");
  EXPECT_EQ(state(), kFailed);
}
TEST_F(RingHash, WhileItDoesNotWorkSomebodyIsAlwaysConnectingWithoutCalls) {
  Begins({"a", "b", "c", "d"});
  Go();
  for (size_t i = 0; i < 4; ++i) {
    ASSERT_EQ(dialled().size(), i + 1);
    Fails(dialled()[i]);
  }
  EXPECT_EQ(state(), kFailed);
}
TEST_F(RingHash, RecoversWhenTheResolverRemovesTheOneThatWasConnecting) {
  const Addresses all = {"a", "b"};
  const uint64_t key = KeyOf("a", all);
  Begins({"a", "b", "c"});
  Begins(all);
  GoWith(key);
  Fails("a");
  EXPECT_EQ(dials()["b"], 1);
  Begins({"a", "c"});
  EXPECT_EQ(dials()["c"], 1);
}
TEST_F(RingHash, ABackendWhoseBackoffIsOverTriesAgainWithoutCalls) {
  Begins({"a"});
  Go();
  Fails("a");
  Idle("a");
  EXPECT_EQ(dials()["a"], 2);
  Ready("a");
  EXPECT_EQ(state(), kReady);
}
TEST_F(RingHash, ALostBackendIsIdleUntilACallComesForIt) {
  Begins({"a"});
  GoWith(1);
  Ready("a");
  Idle("a");
  EXPECT_EQ(state(), kIdle);
  EXPECT_EQ(dials()["a"], 1);
  EXPECT_EQ(GoWith(1), "queue");
  EXPECT_EQ(dials()["a"], 2);
}
TEST_F(RingHash, IsNotWokenByAWishToConnect) {
  Begins({"a", "b"});
  ExitIdle();
  EXPECT_THAT(Open(), ElementsAre());
}
TEST_F(RingHash, AttributesForPoliciesChangeWithoutARebuild) {
  BeginsReady({"a", "b"});
  Endpoint tagged = Named("a");
  tagged.attributes.Set(Tag{"x"});
  EXPECT_TRUE(ResolveEndpoints({tagged, Named("b")}).ok());
  EXPECT_EQ(Shares(200).size(), 2u);
  EXPECT_EQ(dials()["a"], 1);
}
TEST_F(RingHash, AMemberWithBadHealthIsPassed) {
  const Addresses all = {"a", "b"};
  const uint64_t key = KeyOf("a", all);
  BeginsReady(all);
  EXPECT_EQ(GoWith(key), "a");
  Health("a", kFailed);
  EXPECT_EQ(GoWith(key), "b");
}
TEST_F(RingHash, APriorityBelowTakesOverAndGivesBack) {
  ASSERT_EQ(Configure(R"([{"priority":{"priorities":["p0","p1"],"children":{
      "p0":{"config":[{"ring_hash":{}}]},"p1":{"config":[{"ring_hash":{}}]}}}}])"),
            absl::OkStatus());
  EXPECT_TRUE(ResolveEndpoints(In({{"p0", {"a", "b"}}, {"p1", {"c"}}})).ok());
  GoWith(1);
  Fails(dialled()[0]);
  Fails(dialled()[1]);
  EXPECT_EQ(GoWith(1), "queue") << "p1 is idle: the call wakes it";
  Ready("c");
  EXPECT_EQ(GoWith(1), "c");
  Ready("a");
  EXPECT_EQ(GoWith(1), "a");
}

}  // namespace
}  // namespace rondo

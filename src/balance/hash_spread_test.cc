// What bounds loads in ring_hash and maglev. Everything else of theirs: policies/ring_hash_test.cc.
#include <algorithm>

#include "balance/policy_test.h"

namespace rondo {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::Ge;
using ::testing::Le;
using ::testing::Pair;
using ::testing::SizeIs;

class BoundedHash : public PolicyTest, public ::testing::WithParamInterface<const char*> {
 protected:
  static std::string Config(int percent) {
    return Cat("[{\"", GetParam(), R"(":{"requestHashHeader":"x-key","hashBalanceFactor":)",
               percent, "}}]");
  }
  static std::string Unbounded() { return Cat("[{\"", GetParam(), "\":{}}]"); }
  void BeginsReady(const std::string& config, const Addresses& all) {
    Start(config, all);
    ConnectAll(all);
  }
  void ConnectAll(const Addresses& all) {
    for (uint64_t key = 0; Open().size() < all.size(); ++key) {
      args().affinity = key;
      Go();
    }
    AllReady(all);
    args().affinity.reset();
  }
  Call BeginWith(uint64_t key) {
    args().affinity = key;
    Call call = Begin();
    args().affinity.reset();
    return call;
  }
  std::map<std::string, int> Hold(uint64_t key, int n) {
    std::map<std::string, int> where;
    for (int i = 0; i < n; ++i) {
      held_.push_back(BeginWith(key));
      ++where[held_.back().where];
    }
    return where;
  }
  void EndAll() {
    for (const Call& call : held_) End(call);
    held_.clear();
  }
  std::vector<Call> held_;
};
INSTANTIATE_TEST_SUITE_P(, BoundedHash, ::testing::Values("ring_hash", "maglev"),
                         [](const auto& p) { return std::string(p.param); });

TEST_P(BoundedHash, TheFactorIsAtLeastTheMean) {
  const auto with = [](std::string_view value) {
    return Cat("[{\"", GetParam(), R"(":{"hashBalanceFactor":)", value, "}}]");
  };
  const std::string path = Cat(": loadBalancingConfig[0].", GetParam(), ".hashBalanceFactor: ");
  const auto told = [&](std::string_view value) {
    const std::string error = ErrorOf(with(value));
    return error.substr(std::min(error.find(": load"), error.size()));
  };
  EXPECT_EQ(told("0"), "");
  EXPECT_EQ(told("100"), "");
  EXPECT_EQ(told("10000"), "");
  EXPECT_EQ(told("99"), path + "99 is not within 100..10000; 0: no bound");
  EXPECT_EQ(told("10001"), path + "10001 is not within 0..10000");
  EXPECT_EQ(told("-1"), path + "-1 is not within 0..10000");
  EXPECT_EQ(told("true"), path + "must be a number");
}
TEST_P(BoundedHash, ByDefaultThereIsNoBound) {
  BeginsReady(Unbounded(), {"a", "b", "c", "d"});
  EXPECT_THAT(Hold(1, 40), SizeIs(1));
  EXPECT_EQ(held_[0].result.watches().size(), 0u);
}
TEST_P(BoundedHash, OneKeyFillsItsBackendUpToTheBoundAndThenOthers) {
  BeginsReady(Config(125), {"a", "b", "c", "d"});
  const auto where = Hold(1, 40);
  EXPECT_THAT(where, Each(Pair(::testing::_, AllOf(Ge(1), Le(13))))) << "1.25 * 40 / 4, rounded up";
  const std::string home = held_[0].where;
  EXPECT_EQ(where.at(home), 13);
  EXPECT_EQ(held_[0].result.reason(), "its hash");
  EXPECT_EQ(held_[1].where == home, held_[1].result.reason() == "its hash");
  const bool moved = std::any_of(held_.begin(), held_.end(), [](const Call& c) {
    return c.result.reason() == "its hash, others being full";
  });
  EXPECT_TRUE(moved);
}
TEST_P(BoundedHash, OneCallIsAlwaysAllowed) {
  BeginsReady(Config(100), {"a", "b", "c", "d"});
  for (uint64_t key = 0; key < 50; ++key) {
    args().affinity = key;
    const std::string where = Go();
    EXPECT_EQ(Go(), where);
  }
}
TEST_P(BoundedHash, AKeyComesHomeWhenThereIsRoomAgain) {
  BeginsReady(Config(125), {"a", "b", "c", "d"});
  Hold(1, 40);
  const std::string home = held_[0].where;
  EndAll();
  EXPECT_EQ(BeginWith(1).where, home);
}
TEST_P(BoundedHash, AKeysWayFromAFullBackendIsAlwaysTheSame) {
  BeginsReady(Config(125), {"a", "b", "c", "d", "e", "f", "g"});
  Hold(1, 14);
  std::vector<std::string> first;
  for (const Call& call : held_) first.push_back(call.where);
  EndAll();
  Hold(1, 14);
  for (size_t i = 0; i < first.size(); ++i) EXPECT_EQ(held_[i].where, first[i]);
}
TEST_P(BoundedHash, ABoundIsInProportionToTheWeight) {
  ASSERT_EQ(Configure(Config(100)), absl::OkStatus());
  ASSERT_TRUE(ResolveEndpoints({Weighing("a", 3), Weighing("b", 1)}).ok());
  ConnectAll({"a", "b"});
  const auto where = Hold(1, 80);
  EXPECT_NEAR(where.at("a"), 60, 1);
  EXPECT_NEAR(where.at("b"), 20, 1);
}
TEST_P(BoundedHash, DrawnKeysAreBoundToo) {
  BeginsReady(Config(110), {"a", "b", "c", "d"});
  Hold(1, 40);
  testing::Spread spread;
  for (int i = 0; i < 40; ++i) {
    held_.push_back(Begin());
    ++spread[held_.back().where];
  }
  for (const std::string a : {"a", "b", "c", "d"}) {
    EXPECT_LE(Load(a).in_flight(), 22) << "1.1 * 80 / 4; " << testing::Picture(spread);
  }
}
TEST_P(BoundedHash, WhoHasFailedIsNoPartOfTheMean) {
  BeginsReady(Config(100), {"a", "b", "c"});
  Idle("a");
  for (uint64_t key = 0; StateOf("a") != kConnecting; ++key) End(BeginWith(key));
  Fails("a");
  const auto where = Hold(1, 40);
  EXPECT_EQ(where.at("b"), 20);
  EXPECT_EQ(where.at("c"), 20);
}
TEST_P(BoundedHash, ARetryGoesElsewhereAndMayFindAllFull) {
  BeginsReady(Config(100), {"a", "b"});
  Hold(1, 2);
  const Subchannel* tried[] = {held_[0].result.subchannel(), held_[1].result.subchannel()};
  args().tried = {tried, 1};
  EXPECT_EQ(BeginWith(1).where, held_[1].where);
  args().tried = tried;
  EXPECT_TRUE(BeginWith(1).result.picked());
  args().tried = {};
}
TEST_P(BoundedHash, CallsThatAnEarlierPolicyBeganCount) {
  BeginsReady(Unbounded(), {"a", "b", "c", "d"});
  Hold(1, 40);
  const std::string home = held_[0].where;
  SwitchTo(Config(125), {"a", "b", "c", "d"});
  const Call next = BeginWith(1);
  EXPECT_NE(next.where, home) << "40 of 41, where 13 are allowed";
  int same = 0;
  for (uint64_t key = 0; key < 20; ++key) same += BeginWith(key).where == BeginWith(key).where;
  EXPECT_GT(same, 12) << "the others aren't full: a bound of 1 each would scatter them";
}
TEST_P(BoundedHash, APickThatAParentThrowsAwayIsForgottenWithinASecond) {
  BeginsReady(Config(100), {"a", "b"});
  args().affinity = 1;
  for (int i = 0; i < 100; ++i) static_cast<void>(picker()->Pick(args()));
  EXPECT_THAT(Hold(1, 6), SizeIs(1)) << "it is taken for one of a hundred";
  EndAll();
  Advance(std::chrono::seconds(1));
  EXPECT_THAT(Hold(1, 6), SizeIs(2));
}
TEST_P(BoundedHash, ABoundComesAndGoesWithTheConfig) {
  BeginsReady(Config(100), {"a", "b"});
  Hold(1, 4);
  SwitchTo(Unbounded(), {"a", "b"});
  EXPECT_EQ(NextTimer(), std::nullopt);
  const std::string home = held_[0].where;
  EXPECT_EQ(Hold(1, 8).at(home), 8);
  SwitchTo(Config(100), {"a", "b"});
  EXPECT_NE(BeginWith(1).where, home);
  EndAll();  // Of all three pickers.
  EXPECT_EQ(BeginWith(1).where, home);
}
TEST_P(BoundedHash, CallsEndAfterTheirPolicy) {
  BeginsReady(Config(100), {"a", "b"});
  Hold(1, 4);
  DropPolicy();
  EndAll();
  EXPECT_EQ(Leaks(), "");
}
// Mirrokni et al.: no backend above (1 + e) times the mean; few calls leave their home for it.
TEST_P(BoundedHash, NoneOfAHundredIsAboveTheBound) {
  Addresses all;
  for (int i = 0; i < 100; ++i) all.push_back(Cat("backend-", i));
  BeginsReady(Config(110), all);
  int moved = 0;
  for (uint64_t key = 0; key < 5000; ++key) {
    held_.push_back(BeginWith(key));
    moved += held_.back().result.reason() != "its hash";
  }
  for (const std::string& a : all) EXPECT_LE(Load(a).in_flight(), 55) << a;
  EXPECT_LT(moved, 5000 / 4);
}

}  // namespace
}  // namespace rondo

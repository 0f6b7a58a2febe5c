#include "balance/policy_test.h"

namespace rondo {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class Maglev : public PolicyTest {
 protected:
  static std::string Config(std::string_view config = R"({"requestHashHeader":"x-key"})") {
    return Cat(R"([{"maglev":)", config, "}]");
  }
  // Connects all, by calls.
  void BeginsReady(const Addresses& all) {
    Start(Config(), all);
    for (uint64_t key = 0; Open().size() < all.size(); ++key) GoWith(key);
    AllReady(all);
  }
  std::string GoWith(uint64_t key) {
    args().affinity = key;
    std::string where = Go();
    args().affinity.reset();
    return where;
  }
};

TEST_F(Maglev, IsKnownByBothNames) {
  BeginsReady({"a"});
  SwitchTo(R"([{"maglev_experimental":{}}])", {"a"});
  EXPECT_EQ(GoWith(1), "a");
}
TEST_F(Maglev, ATablesSizeIsAPrime) {
  EXPECT_TRUE(Configure(Config(R"({"tableSize":5000011})")).ok());
  EXPECT_TRUE(Configure(Config(R"({"tableSize":2})")).ok());
  const std::string path = "1:25: loadBalancingConfig[0].maglev.tableSize: ";
  EXPECT_EQ(ErrorOf(Config(R"({"tableSize":1000})")),
            path + "1000 is not a prime number within 2..5000011");
  EXPECT_EQ(ErrorOf(Config(R"({"tableSize":1})")), path + "1 is not within 2..5000011");
  EXPECT_EQ(ErrorOf(Config(R"({"tableSize":5000077})")), path + "5000077 is not within 2..5000011");
  EXPECT_EQ(ErrorOf(Config(R"({"tableSize":"x"})")), path + "must be a number");
}
TEST_F(Maglev, AHeadersNameIsCheckedAsRingHashDoes) {
  EXPECT_EQ(
      ErrorOf(Config(R"({"requestHashHeader":"a-bin"})")),
      "1:33: loadBalancingConfig[0].maglev.requestHashHeader: \"a-bin\" has values that aren't "
      "text: a name that doesn't end in -bin is needed");
}
TEST_F(Maglev, ConnectsOnlyWhatACallHashesTo) {
  Start(Config(), {"a", "b", "c"});
  EXPECT_EQ(state(), kIdle);
  EXPECT_THAT(Open(), ElementsAre());
  EXPECT_EQ(GoWith(1), "queue");
  ASSERT_EQ(Open().size(), 1u);
  const std::string owner = Open()[0];
  Ready(owner);
  EXPECT_EQ(GoWith(1), owner);
}
TEST_F(Maglev, AKeyStaysWithItsBackendAndKeysAreSpreadEvenly) {
  BeginsReady({"a", "b", "c"});
  std::map<std::string, int> n;
  for (uint64_t key = 0; key < 3000; ++key) {
    const std::string where = GoWith(key);
    EXPECT_EQ(GoWith(key), where);
    ++n[where];
  }
  for (const auto& [where, count] : n) EXPECT_NEAR(count, 1000, 110) << where;
}
TEST_F(Maglev, KeysOfAFailedBackendGoToAllOthersAndComeBack) {
  BeginsReady({"a", "b", "c"});
  std::map<uint64_t, std::string> before;
  for (uint64_t key = 0; key < 300; ++key) before[key] = GoWith(key);
  Idle("a");
  GoWith(0);
  for (uint64_t key = 0; StateOf("a") != kConnecting; ++key) GoWith(key);
  Fails("a");
  std::map<std::string, int> moved;
  for (const auto& [key, where] : before) {
    if (where == "a") {
      ++moved[GoWith(key)];
    } else {
      EXPECT_EQ(GoWith(key), where);
    }
  }
  EXPECT_GT(moved["b"], 25);
  EXPECT_GT(moved["c"], 25);
  Ready("a");
  for (const auto& [key, where] : before) EXPECT_EQ(GoWith(key), where);
}
TEST_F(Maglev, WeightsAreHonoured) {
  ASSERT_EQ(Configure(Config()), absl::OkStatus());
  EXPECT_TRUE(ResolveEndpoints({Weighing("a", 3), Weighing("b", 1)}).ok());
  for (uint64_t key = 0; Open().size() < 2; ++key) GoWith(key);
  AllReady({"a", "b"});
  EXPECT_NEAR(Shares(4000)["a"], 3000, 150) << "random hashes too";
}
TEST_F(Maglev, ACallWithoutAHashIsDroppedWhereNoneIsOptional) {
  Start(Config("{}"), {"a"});
  EXPECT_EQ(Go(),
            "drop: maglev: the call has no hash; give it an affinity key, or name a "
            "requestHashHeader in the config");
}
TEST_F(Maglev, AnotherTableSizeMakesAnotherTable) {
  BeginsReady({"a", "b", "c"});
  std::map<uint64_t, std::string> before;
  for (uint64_t key = 0; key < 100; ++key) before[key] = GoWith(key);
  SwitchTo(Config(R"({"tableSize":101})"), {"a", "b", "c"});
  int moved = 0;
  for (const auto& [key, where] : before) moved += GoWith(key) != where;
  EXPECT_GT(moved, 20);
  EXPECT_EQ(dials()["a"], 1);
}

}  // namespace
}  // namespace rondo

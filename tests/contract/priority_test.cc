#include "contract/contract_test.h"

namespace rondo::contract {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

std::string Priorities(std::string extra = "") {
  return Cat(R"([{"priority":{"children":{"p0":{"config":[{"round_robin":{}}])", extra,
             R"(},"p1":{"config":[{"round_robin":{}}]}},"priorities":["p0","p1"]}}])");
}
class PriorityTest : public ContractTest {
 protected:
  void Begin(std::string extra = "") {
    ASSERT_EQ(Configure(Priorities(extra)), absl::OkStatus());
    ASSERT_TRUE(ResolveEndpoints(In({{"p0", {"a"}}, {"p1", {"b"}}})).ok());
  }
};
TEST_F(PriorityTest, TheNextChildIsBornWhenTheFirstTakesTenSeconds) {
  Begin();
  EXPECT_THAT(Open(), ElementsAre("a"));
  Advance(9999ms);
  EXPECT_THAT(Open(), ElementsAre("a"));
  Advance(1ms);
  EXPECT_THAT(Open(), ElementsAre("a", "b"));
  Ready("b");
  EXPECT_EQ(Go(), "b");
}
TEST_F(PriorityTest, AFailureFailsOverAtOnceAndALowerChildIsKept15Minutes) {
  Begin();
  Fails("a");
  Ready("b");
  EXPECT_EQ(Go(), "b");
  Ready("a");
  EXPECT_EQ(Go(), "a");
  Advance(14min);
  EXPECT_THAT(Open(), ElementsAre("a", "b"));
  Advance(1min);
  EXPECT_THAT(Open(), ElementsAre("a"));
}
TEST_F(PriorityTest, AReadyChildThatReconnectsHasTenSecondsToo) {
  Begin();
  Ready("a");
  Idle("a");
  EXPECT_EQ(state_, kConnecting);
  EXPECT_EQ(Go(), "queue");
  EXPECT_THAT(Open(), ElementsAre("a"));
  Advance(10s);
  EXPECT_THAT(Open(), ElementsAre("a", "b"));
}
TEST_F(PriorityTest, ReresolutionOfAChildCanBeIgnored) {
  Begin(R"(,"ignoreReresolutionRequests":true)");
  Fails("a");
  EXPECT_EQ(reresolutions_, 0);
  Fails("b");
  EXPECT_EQ(reresolutions_, 1);
}
TEST_F(PriorityTest, AChildMaySwitchItsPolicyWithoutDialling) {
  Begin();
  Ready("a");
  ASSERT_TRUE(Configure(R"([{"priority":{"children":{"p0":{"config":[{"pick_first":{}}]}},
                             "priorities":["p0"]}}])")
                  .ok());
  ASSERT_TRUE(ResolveEndpoints(In({{"p0", {"a"}}})).ok());
  EXPECT_EQ(Go(), "a");
  EXPECT_EQ(dials_["a"], 1);
}

}  // namespace
}  // namespace rondo::contract

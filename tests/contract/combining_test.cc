#include "contract/contract_test.h"

namespace rondo::contract {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST_F(ContractTest, ALimitOnCallsIsSharedAndGivenBack) {
  Start(R"([{"cluster_impl":{"cluster":"k","maxConcurrentRequests":2,
            "childPolicy":[{"round_robin":{}}]}}])",
        {"a"});
  EXPECT_EQ(Go(), "queue");
  Ready("a");
  Call x = Begin(), y = Begin();
  EXPECT_EQ(Go(), "drop: k: too many calls at once");
  EXPECT_TRUE(Resolve({"a"}).ok());  // A new picker counts on.
  EXPECT_EQ(Go(), "drop: k: too many calls at once");
  End(x);
  EXPECT_EQ(Go(), "a");
  DropPolicy();
  End(y);  // Told through the pin, though the policy is gone.
}
TEST_F(ContractTest, DropsAreDrawnPerMillion) {
  Start(R"([{"cluster_impl":{"cluster":"d","dropCategories":[
        {"category":"lb","requestsPerMillion":250000}],"childPolicy":[{"pick_first":{}}]}}])",
        {"a"});
  Ready("a");
  EXPECT_NEAR(Shares(4000)["drop: the call is dropped"], 1000, 100);
}

}  // namespace
}  // namespace rondo::contract

// How a policy of one's own is tested: without a socket, a thread or a sleep.
#include "third_second.h"

#include <gtest/gtest.h>

#include "rondo/testing.h"

namespace {

using rondo::testing::Nonconformance;
using rondo::testing::PolicyHarness;
using rondo::testing::Unlike;

TEST(ThirdSecond, EveryThirdCallGoesToTheSecond) {
  PolicyHarness h({.policies = {rondo::Adapt<ThirdSecond>()}});
  ASSERT_EQ(h.Start(R"([{"third_second":{}}])", {"first", "second"}), absl::OkStatus());
  h.AllReady({"first", "second"});
  EXPECT_EQ(Unlike(h.Shares(300), {{"first", 2.0 / 3}, {"second", 1.0 / 3}}, 0), "");
}
TEST(ThirdSecond, TheFirstAloneTakesAll) {
  PolicyHarness h({.policies = {rondo::Adapt<ThirdSecond>()}});
  ASSERT_EQ(h.Start(R"([{"third_second":{}}])", {"first", "second"}), absl::OkStatus());
  EXPECT_EQ(h.Go(), "queue");
  h.Ready("first");
  h.Fails("second");
  EXPECT_EQ(Unlike(h.Shares(30), {{"first", 1.0}}, 0), "");
}
TEST(ThirdSecond, ANumberBelowOneIsRefused) {
  PolicyHarness h({.policies = {rondo::Adapt<ThirdSecond>()}});
  EXPECT_EQ(h.ErrorOf(R"([{"third_second":{"chooseSecond":0}}])"),
            "1:34: loadBalancingConfig[0].third_second.chooseSecond: 0 is not within "
            "1..4294967295");
}
TEST(ThirdSecond, Conforms) {
  EXPECT_EQ(Nonconformance(rondo::Adapt<ThirdSecond>(), R"({"chooseSecond":2})"), "");
}

}  // namespace

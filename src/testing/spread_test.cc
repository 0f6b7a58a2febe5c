#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rondo/testing.h"

namespace rondo::testing {
namespace {

TEST(Spread, AsExpectedIsNothingToSay) {
  EXPECT_EQ(Unlike({{"a", 490}, {"b", 510}}, {{"a", 0.5}, {"b", 0.5}}), "");
  EXPECT_EQ(Unlike({{"a", 10}}, {{"a", 1.0}, {"b", 0.0}}, 0), "");
}
TEST(Spread, WhatIsNotAsExpectedIsShownWithAll) {
  EXPECT_EQ(Unlike({{"a", 600}, {"bb", 395}, {"queue", 5}}, {{"a", 0.5}, {"bb", 0.4}}, 0.05),
            "a got 60.0 % of 1000 calls, not 50.0 % +- 5.0 %\n"
            "queue got 5 calls, not 0\n"
            "  a          600   60.0 %  ########################\n"
            "  bb         395   39.5 %  ################\n"
            "  queue        5    0.5 %  \n");
}
TEST(Spread, ABackendWithoutACallIsMissed) {
  EXPECT_EQ(Unlike({{"a", 10}}, {{"a", 1.0}, {"b", 0.5}}, 0.1),
            "b got 0.0 % of 10 calls, not 50.0 % +- 10.0 %\n"
            "  a       10  100.0 %  ########################################\n");
}

}  // namespace
}  // namespace rondo::testing

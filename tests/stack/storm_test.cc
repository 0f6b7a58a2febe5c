// Clients and servers in one thread under a seed. Each mix of faults has its seeds; a seed that
// breaks a rule is printed with the end of its history, and RONDO_SEED runs it again.
#include "stack/storm.h"

#include <gtest/gtest.h>

#include "stack/seeds.h"

namespace rondo::stack {
namespace {

void Weather(const Mix& mix, uint64_t usual) {
  const auto [first, end] = Seeds(usual);
  const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
  for (uint64_t seed = first; seed < end; ++seed) {
    const Outcome outcome = RunStorm(seed, mix);
    if (outcome.failure.empty()) continue;
    FAIL() << outcome.failure << "again with: RONDO_SEED=" << seed << " --gtest_filter=Storm."
           << test.name();
  }
}

TEST(Storm, InCalmWeatherEveryCallEndsAsItsScriptSays) { Weather({}, 250); }

TEST(Storm, WhateverTheNetworkDoesNoCallIsLostOrRunTwice) { Weather({.network = 30}, 300); }

TEST(Storm, ServersMayCrashAndComeBack) { Weather({.crashes = 25}, 220); }

TEST(Storm, ADrainLosesNoCall) { Weather({.drains = 25}, 220); }

TEST(Storm, ResolverAndConfigMayChangeUnderRunningCalls) { Weather({.names = 40}, 300); }

TEST(Storm, ChannelsMayCloseWithCallsInFlight) { Weather({.network = 10, .closings = 15}, 200); }

TEST(Storm, EverythingMayGoAtOnce) {
  Weather({.network = 10, .crashes = 5, .drains = 5, .names = 10, .abrupt_end = true}, 280);
}

TEST(Storm, AllTroublesTogether) {
  Weather({.network = 15, .crashes = 10, .drains = 10, .names = 15, .closings = 5}, 280);
}

TEST(Storm, TheSameSeedIsTheSameStory) {
  const Mix mix{.network = 15, .crashes = 10, .drains = 10, .names = 15, .closings = 5};
  const auto [first, end] = Seeds(12);
  for (uint64_t seed = first; seed < end; ++seed) {
    const Outcome once = RunStorm(seed, mix);
    EXPECT_EQ(once.hash, RunStorm(seed, mix).hash) << seed;
    EXPECT_NE(once.hash, RunStorm(seed + 1, mix).hash) << seed;
    EXPECT_GT(once.calls, 0u);
  }
}

}  // namespace
}  // namespace rondo::stack

#include "channel/idle_timer.h"

#include "gtest/gtest.h"

namespace rondo::channel {
namespace {

using namespace std::chrono_literals;
const Time t0{};

TEST(IdleTimer, GoesIdleAfterTheTimeoutWithoutCalls) {
  IdleTimer t(30min);
  EXPECT_EQ(t.Start(t0), t0 + 30min);
  EXPECT_EQ(t.Look(t0 + 30min, 0), std::nullopt);
}
TEST(IdleTimer, ARunningCallBlocksIdling) {
  IdleTimer t(30min);
  t.Start(t0);
  EXPECT_EQ(t.Look(t0 + 30min, 1), t0 + 60min);
}
TEST(IdleTimer, ACallSinceTheLastLookPostponesIt) {
  IdleTimer t(30min);
  t.Start(t0);
  t.OnCallEnd(t0 + 10min);
  EXPECT_EQ(t.Look(t0 + 30min, 0), t0 + 40min);
}
TEST(IdleTimer, ZeroNeverIdles) { EXPECT_FALSE(IdleTimer(0s).enabled()); }

}  // namespace
}  // namespace rondo::channel

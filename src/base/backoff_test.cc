#include "base/backoff.h"

#include "gtest/gtest.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, GrowsByTheMultiplierUpToItsMax) {
  const Backoff backoff{.jitter = 0};
  EXPECT_EQ(backoff.Wait(0, 0.5), 1s);
  EXPECT_EQ(backoff.Wait(1, 0.5), 1600ms);
  EXPECT_EQ(backoff.Wait(2, 0.5), 2560ms);
  EXPECT_EQ(backoff.Wait(11, 0.5), 120s);
  EXPECT_EQ(backoff.Wait(1'000'000, 0.5), 120s);
}

TEST(Backoff, JitterIsAFifthEitherWay) {
  EXPECT_EQ(Backoff().Wait(0, 0), 800ms);
  EXPECT_EQ(Backoff().Wait(0, 0.5), 1s);
  EXPECT_NEAR(static_cast<double>(Backoff().Wait(100, 0.999999).count()), 144e9, 1e6);
}

}  // namespace
}  // namespace rondo

#include "balance/load/peak_ewma.h"

#include <cmath>

#include "gtest/gtest.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;

class PeakEwmaTest : public ::testing::Test {
 protected:
  void Observe(Duration latency) { ewma.Observe(latency, now, 10s); }
  double Ms() { return ewma.At(now, 10s) / 1e6; }
  Time now{1h};
  PeakEwma ewma;
};
TEST_F(PeakEwmaTest, NothingWasObservedAtFirst) { EXPECT_EQ(Ms(), 0); }
TEST_F(PeakEwmaTest, APeakCountsAtOnce) {
  Observe(10ms);
  Observe(500ms);
  EXPECT_NEAR(Ms(), 500, 0.1);
}
TEST_F(PeakEwmaTest, AQuickAnswerCountsLittleByLittle) {
  Observe(500ms);
  Observe(10ms);
  EXPECT_NEAR(Ms(), 500, 0.1) << "no time has passed";
  now += 1s;
  Observe(10ms);
  EXPECT_NEAR(Ms(), 500 * std::exp(-0.1) + 10 * (1 - std::exp(-0.1)), 1);
  for (int i = 0; i < 100; ++i) {
    now += 1s;
    Observe(10ms);
  }
  EXPECT_NEAR(Ms(), 10, 0.5);
}
TEST_F(PeakEwmaTest, FallsWhileNothingIsObserved) {
  Observe(100ms);
  now += 10s;
  EXPECT_NEAR(Ms(), 100 / M_E, 1);
  now += 20s;
  EXPECT_NEAR(Ms(), 100 * std::exp(-3), 2);
  now += 1h;
  EXPECT_LT(Ms(), 0.01);
  EXPECT_GT(Ms(), 0) << "known, and so not a new one";
}
TEST_F(PeakEwmaTest, AClockThatIsBehindChangesNothing) {
  Observe(100ms);
  now -= 5s;
  EXPECT_NEAR(Ms(), 100, 0.1);
}

}  // namespace
}  // namespace rondo

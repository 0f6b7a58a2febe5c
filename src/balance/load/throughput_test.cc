#include "balance/load/throughput.h"

#include <chrono>

#include "gtest/gtest.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;

const Time kBegin{1000s};

class ThroughputTest : public ::testing::Test {
 protected:
  // So many answers, evenly over `during`.
  void Answers(int n, Duration latency, Duration during) {
    for (int i = 0; i < n; ++i) tally.Answered(latency, now);
    now += during;
    throughput.Take(tally.Get(), now);
  }
  Time now = kBegin;
  CallTally tally;
  Throughput throughput{kBegin};
};

TEST_F(ThroughputTest, KnowsNothingAtFirst) {
  throughput.Take(tally.Get(), now + 5s);
  EXPECT_FALSE(throughput.knows_latency());
  EXPECT_FALSE(throughput.knows_rate());
}
TEST_F(ThroughputTest, ItsLatencyIsTheMeanAndItsRateNeedsASecond) {
  Answers(1, 2ms, 500ms);
  Answers(1, 4ms, 400ms);
  EXPECT_EQ(throughput.latency(), 3e6);
  EXPECT_FALSE(throughput.knows_rate());
  Answers(1, 3ms, 100ms);
  EXPECT_TRUE(throughput.knows_rate());
  EXPECT_NEAR(throughput.rate() * 1e9, 3, 1e-9);
}
TEST_F(ThroughputTest, OrAFullWindow) {
  Answers(128, 1ms, 100ms);
  EXPECT_TRUE(throughput.knows_rate());
  EXPECT_NEAR(throughput.rate() * 1e9, 1280, 1e-6);
}
TEST_F(ThroughputTest, AnOldWindowMakesRoomForTheNew) {
  Answers(128, 1ms, 1s);
  Answers(64, 3ms, 1s);
  EXPECT_NEAR(throughput.latency(), 2e6, 1);
  Answers(1000, 5ms, 1s);
  EXPECT_NEAR(throughput.latency(), 5e6, 1);
  EXPECT_NEAR(throughput.rate() * 1e9, 1000, 1e-6);
}
TEST_F(ThroughputTest, IdleTimeCountsFromTheNextAnswerOn) {
  Answers(10, 1ms, 1s);
  Answers(0, 0ms, 9s);
  EXPECT_NEAR(throughput.rate() * 1e9, 10, 1e-9);
  Answers(10, 1ms, 0s);
  EXPECT_NEAR(throughput.rate() * 1e9, 2, 1e-9);
}
TEST_F(ThroughputTest, FailuresTakeTimeAndAnswerNothing) {
  Answers(4, 1ms, 1s);
  tally.Failed(996ms, now);
  throughput.Take(tally.Get(), now);
  EXPECT_NEAR(throughput.latency(), 250e6, 1);
  EXPECT_NEAR(throughput.rate() * 1e9, 4, 1e-9);
  for (int i = 0; i < 1000; ++i) tally.Failed(30s, now);
  throughput.Take(tally.Get(), now);
  EXPECT_EQ(throughput.latency(), Throughput::kSlowest);
  Answers(128, 1ms, 1s);
  EXPECT_NEAR(throughput.latency(), 1e6, 1) << "forgotten with a window of answers";
}
TEST_F(ThroughputTest, SilenceIsSinceTheLastSign) {
  tally.Heard(kBegin);
  EXPECT_EQ(tally.Silence(kBegin + 3s), 3s);
  tally.Answered(1ms, kBegin + 5s);
  EXPECT_EQ(tally.Silence(kBegin + 6s), 1s);
}
TEST_F(ThroughputTest, AClockThatIsBehindHarmsNothing) {
  Answers(128, -1ms, -1s);
  EXPECT_EQ(throughput.latency(), 1);
  EXPECT_GT(throughput.rate(), 0);
}
TEST_F(ThroughputTest, ACallOfHoursCountsAsOneOfHalfAMinute) {
  tally.Answered(5h, now);
  Answers(127, 1ms, 1s);
  EXPECT_NEAR(throughput.latency(), (30e9 + 127e6) / 128, 1);
}

}  // namespace
}  // namespace rondo

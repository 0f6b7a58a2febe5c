// A backend that falls silent while calls wait (reliability 3.3), and keepalive of channels (A8).
#include "channel/channel_fixture.h"

namespace rondo::channel {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class StallTest : public ChannelTest {
 protected:
  StallTest() { RoundRobin(); }
  void Begin(const std::vector<std::string>& addresses) {
    for (const std::string& a : addresses) Serve(a);
    OpenTo(addresses);
    Ask(static_cast<int>(addresses.size()));
  }
  // Calls with a deadline, 10 ms apart, round after round; how many of them failed.
  int FailedOf(int n) {
    std::vector<std::shared_ptr<Asked>> all;
    for (int i = 0; i < n; ++i) {
      all.push_back(Ask("x", {.timeout = 1s}));
      Advance(10ms);
    }
    Advance(1s);
    int failed = 0;
    for (const auto& asked : all) failed += asked->status.ok() ? 0 : 1;
    return failed;
  }
};

TEST_F(StallTest, ASilentBackendIsLeftOutUntilAByteComes) {
  Begin({"a:1", "b:1", "c:1"});
  network_.Freeze("b:1");
  const int failed = FailedOf(300);
  EXPECT_GT(failed, 0);
  EXPECT_LE(failed, 12);  // A third of those begun in 300 ms.
  EXPECT_THAT(Ask(8), Each(testing::Not("b:1:x")));
  network_.Heal("b:1");
  Run();
  EXPECT_THAT(Ask(3), UnorderedElementsAre("a:1:x", "b:1:x", "c:1:x"));
}
TEST_F(StallTest, TheConnectionOfASilentBackendIsKept) {
  Begin({"a:1", "b:1"});
  network_.Freeze("b:1");
  FailedOf(50);
  EXPECT_EQ(network_.attempts("b:1"), 1u);
  EXPECT_EQ(network_.connections("b:1"), 1u);
  EXPECT_EQ(State(), "READY");
}
TEST_F(StallTest, ASlowHandlerIsNeverLeftOut) {
  Begin({"a:1", "b:1"});
  for (auto& b : backends_) b->hold = true;
  std::vector<std::shared_ptr<Asked>> all;
  for (int i = 0; i < 100; ++i) {
    all.push_back(Ask("x"));
    Advance(50ms);
  }
  for (auto& b : backends_) {
    EXPECT_EQ(b->served.size(), 51u);
    for (auto& call : b->served) {
      if (!call->ended) call->Answer();
    }
  }
  Run();
  for (const auto& asked : all) EXPECT_TRUE(asked->status.ok()) << asked->status;
}
TEST_F(StallTest, WhenAllAreSilentAllAreUsed) {
  Begin({"a:1", "b:1"});
  network_.Freeze("a:1");
  network_.Freeze("b:1");
  FailedOf(50);
  auto one = Ask("x"), two = Ask("x");
  network_.Heal("a:1");
  network_.Heal("b:1");
  Run();
  EXPECT_THAT((std::vector{one->text(), two->text()}), UnorderedElementsAre("a:1:x", "b:1:x"));
}
TEST_F(StallTest, PickFirstStaysWithItsOneConnection) {
  options_.default_service_config.clear();
  Begin({"a:1", "b:1"});
  network_.Freeze("a:1");
  FailedOf(50);
  auto call = Ask("x");
  EXPECT_EQ(call->text(), "waiting");
  network_.Heal("a:1");
  Run();
  EXPECT_EQ(call->text(), "a:1:x");
}
TEST_F(StallTest, AConnectionMadeAnewIsTrusted) {
  Begin({"a:1", "b:1"});
  network_.Freeze("b:1");
  FailedOf(50);
  network_.Heal("b:1");
  network_.Reset("b:1");
  Run();
  EXPECT_THAT(Ask(2), UnorderedElementsAre("a:1:x", "b:1:x"));
}
TEST_F(StallTest, WhoIsSilentIsSaid) {
  options_.policies = {PolicyFrom("fussy", [](const ReadySet& all, const PickArgs& args) {
    if (args.affinity) return PickResult(Fail{absl::UnavailableError("not today")});
    return PickResult(Picked{all[0].subchannel.get()});
  })};
  options_.default_service_config = R"({"loadBalancingConfig":[{"fussy":{}}]})";
  Begin({"a:1"});
  network_.Freeze("a:1");
  FailedOf(50);
  EXPECT_THAT(
      Ask("x", {.affinity_key = 1})->message(),
      HasSubstr("policy fussy, 1 endpoint (pushed, 1.5s ago): a:1 silent though calls wait"));
}
TEST_F(StallTest, OffMeansThatNobodyIsLeftOut) {
  options_.stall.enabled = false;
  Begin({"a:1", "b:1"});
  network_.Freeze("b:1");
  EXPECT_EQ(FailedOf(100), 50);
}
TEST_F(StallTest, ItsTimesAreChecked) {
  options_.stall.answer = 0ms;
  EXPECT_EQ(TryOpen(), absl::InvalidArgumentError("channel: stall.silence is 100ms and "
                                                  "stall.answer 0us, each should be at least 1ms"));
}

// ---- Keepalive (A8).
class ChannelKeepaliveTest : public ChannelTest {
 protected:
  ChannelKeepaliveTest() {
    options_.stall.enabled = false;
    options_.keepalive.time = 10s;
  }
};
TEST_F(ChannelKeepaliveTest, ADeadConnectionIsReplaced) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  auto call = Ask("x");
  network_.LosePower("a:1");
  Advance(30s);
  EXPECT_EQ(call->text(), "UNAVAILABLE");
  EXPECT_THAT(call->message(), HasSubstr("keepalive: no byte came within 20000 ms of a PING"));
}
TEST_F(ChannelKeepaliveTest, TooManyPingsDoublesTheTimeOfLaterConnections) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  a.options.limits.pings.min_time = 5min;
  OpenTo({"a:1"});
  auto call = Ask("x");
  Advance(42s);  // The fourth PING, and the server's farewell.
  EXPECT_EQ(call->text(), "UNAVAILABLE");
  EXPECT_THAT(call->message(), HasSubstr("GOAWAY ENHANCE_YOUR_CALM: too_many_pings"));
  EXPECT_THAT(warnings_, ElementsAre("rondo: test:///service: a:1: the server said "
                                     "too_many_pings: later connections have a keepalive time of "
                                     "20.0s, this one had 10.0s"));
  call = Ask("x");
  Advance(79s);
  EXPECT_EQ(call->text(), "waiting");
  Advance(3s);
  EXPECT_EQ(call->text(), "UNAVAILABLE");
  EXPECT_EQ(warnings_.size(), 2u);
}
TEST_F(ChannelKeepaliveTest, WhatWasLearntIsRememberedOverIdleness) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  a.options.limits.pings.min_time = 5min;
  OpenTo({"a:1"});
  Ask("x");
  Advance(45s);
  channel_->EnterIdle();
  Run();
  warnings_.clear();
  auto call = Ask("x");
  Advance(79s);
  EXPECT_EQ(call->text(), "waiting");
}
TEST_F(ChannelKeepaliveTest, ByDefaultAChannelSendsNoPingToAServerThatAnswers) {
  options_.keepalive = {};
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  a.options.limits.pings.min_time = 24h;
  OpenTo({"a:1"});
  auto call = Ask("x");
  Advance(10h);
  EXPECT_EQ(call->text(), "waiting");
  EXPECT_THAT(warnings_, IsEmpty());
}
TEST_F(ChannelKeepaliveTest, ItsTimesAreChecked) {
  options_.keepalive.time = 9s;
  EXPECT_EQ(TryOpen(),
            absl::InvalidArgumentError(
                "channel: keepalive.time is 9.0s, it should be 0 (off) or at least 10s"));
  options_.keepalive = {.time = 10s, .timeout = 999ms};
  EXPECT_EQ(TryOpen(), absl::InvalidArgumentError(
                           "channel: keepalive.timeout is 999ms, it should be at least 1s"));
}

}  // namespace
}  // namespace rondo::channel

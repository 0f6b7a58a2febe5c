// Subchannels, backoff, GOAWAY, transparent retries, stream slots: behaviour 1.7, 1.8, 3.3, 5.2.
#include "channel/channel_fixture.h"

namespace rondo::channel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class ConnectionsTest : public ChannelTest {
 protected:
  ConnectionsTest() { options_.backoff.jitter = 0; }
};

// ---- Backoff (1.8)
TEST_F(ConnectionsTest, RefusedAttemptsAreRepeatedWithGrowingWaits) {
  OpenTo({"a:1"});
  network_.Refuse("a:1");
  Connect();
  EXPECT_EQ(network_.attempts("a:1"), 1u);
  Advance(999ms);
  EXPECT_EQ(network_.attempts("a:1"), 1u);
  Advance(1ms);
  EXPECT_EQ(network_.attempts("a:1"), 2u);
  Advance(1600ms);
  EXPECT_EQ(network_.attempts("a:1"), 3u);
  Advance(2560ms);
  EXPECT_EQ(network_.attempts("a:1"), 4u);
}
TEST_F(ConnectionsTest, TheWaitCountsFromTheStartOfTheAttempt) {
  Serve("a:1").mute = true;
  options_.backoff.min_connect_timeout = 700ms;
  options_.backoff.base = 500ms;
  OpenTo({"a:1"});
  Connect();
  Advance(700ms);  // The attempt ends; its backoff of 500 ms has passed meanwhile.
  EXPECT_EQ(network_.attempts("a:1"), 2u);
}
TEST_F(ConnectionsTest, TheWaitHasAnUpperBound) {
  options_.backoff.max = 2s;
  OpenTo({"a:1"});
  network_.Refuse("a:1");
  Connect();
  Advance(1s + 1600ms + 2s + 2s + 2s);
  EXPECT_EQ(network_.attempts("a:1"), 6u);
}
TEST_F(ConnectionsTest, JitterMovesTheWait) {
  options_.backoff.jitter = 0.2;
  OpenTo({"a:1"});
  network_.Refuse("a:1");
  Connect();
  Advance(799ms);
  EXPECT_EQ(network_.attempts("a:1"), 1u);
  Advance(402ms);
  EXPECT_EQ(network_.attempts("a:1"), 2u);
}
TEST_F(ConnectionsTest, SuccessResetsTheWait) {
  OpenTo({"a:1"});
  network_.Refuse("a:1");
  Connect();
  Advance(1s + 1600ms);
  network_.Heal("a:1");
  FakeBackend& a = Serve("a:1");
  Advance(2560ms);
  EXPECT_EQ(State(), "READY");
  a.Die();
  network_.Refuse("a:1");
  Run();
  Connect();
  const size_t before = network_.attempts("a:1");
  Advance(1s);
  EXPECT_EQ(network_.attempts("a:1"), before + 1);
}
TEST_F(ConnectionsTest, ResetConnectBackoffTriesAtOnce) {
  OpenTo({"a:1"});
  network_.Refuse("a:1");
  Connect();
  Advance(1s + 1600ms + 2560ms);
  const size_t before = network_.attempts("a:1");
  channel_->ResetConnectBackoff();
  Run();
  EXPECT_EQ(network_.attempts("a:1"), before + 1);
}
TEST_F(ConnectionsTest, ClosingDuringBackoffEndsEverything) {
  OpenTo({"a:1"});
  network_.Refuse("a:1");
  Connect();
  channel_->Close();
  Run();
  Advance(10min);
  EXPECT_EQ(network_.attempts("a:1"), 1u);
}
TEST_F(ConnectionsTest, TheBackoffOptionsAreChecked) {
  options_.backoff.multiplier = 0.5;
  EXPECT_THAT(std::string(TryOpen().message()), HasSubstr("multiplier >= 1"));
}

// ---- The end of connections
TEST_F(ConnectionsTest, ACallOnItsWayWhenTheBackendDiesIsNotRepeated) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  auto call = Ask("x");
  a.Die();
  Run();
  EXPECT_EQ(call->text(), "UNAVAILABLE");
  EXPECT_THAT(call->message(), HasSubstr("the connection was lost"));
  EXPECT_THAT(call->message(), HasSubstr("attempt 1 to a:1"));
}
TEST_F(ConnectionsTest, RoundRobinLeavesADeadBackendAndReconnectsAtOnce) {
  FakeBackend& a = Serve("a:1");
  Serve("b:1");
  RoundRobin();
  OpenTo({"a:1", "b:1"});
  Ask(2);
  a.Die();
  Run();
  EXPECT_THAT(Ask(3), testing::Each("b:1:x"));
  EXPECT_EQ(network_.attempts("a:1"), 2u);
  a.Listen();
  Advance(1s);
  EXPECT_THAT(Ask(2), UnorderedElementsAre("a:1:x", "b:1:x"));
}
TEST_F(ConnectionsTest, AfterGoAwayRunningCallsEndWellAndNewOnesGoElsewhere) {
  FakeBackend& a = Serve("a:1");
  Serve("b:1");
  a.hold = true;
  OpenTo({"a:1", "b:1"});
  auto running = Ask("old");
  a.GoAway();
  a.StopListening();
  Run();
  EXPECT_EQ(State(), "IDLE");
  EXPECT_EQ(Ask("new")->text(), "b:1:new");
  a.last().Answer();
  Run();
  EXPECT_EQ(running->text(), "a:1:old");
  EXPECT_EQ(a.connections(), 0u) << "it closes with its last stream";
}
TEST_F(ConnectionsTest, RoundRobinReconnectsAfterAGoAwayWithoutACall) {
  FakeBackend& a = Serve("a:1");
  Serve("b:1");
  RoundRobin();
  OpenTo({"a:1", "b:1"});
  Connect();
  a.GoAway();
  Run();
  EXPECT_EQ(network_.attempts("a:1"), 2u);
  EXPECT_EQ(network_.attempts("b:1"), 1u);
  EXPECT_THAT(Ask(2), UnorderedElementsAre("a:1:x", "b:1:x"));
  EXPECT_THAT(states_, ElementsAre("CONNECTING", "READY"));
}
TEST_F(ConnectionsTest, AnAddressThatLeavesLetsItsCallsFinish) {
  FakeBackend& a = Serve("a:1");
  Serve("b:1");
  a.hold = true;
  OpenTo({"a:1"});
  auto running = Ask("old");
  names_.PublishAddresses({"b:1"});
  Run();
  EXPECT_EQ(Ask("new")->text(), "b:1:new");
  EXPECT_EQ(a.connections(), 1u);
  a.last().Answer();
  Run();
  EXPECT_EQ(running->text(), "a:1:old");
  EXPECT_EQ(a.connections(), 0u);
}

// ---- Transparent retries (A6; 3.3, rules 2 and 3)
TEST_F(ConnectionsTest, ARefusedStreamIsRepeatedOnce) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  Ask("x");
  a.refuse = true;
  auto call = Ask("x");
  EXPECT_EQ(call->text(), "UNAVAILABLE");
  EXPECT_THAT(call->message(), HasSubstr("REFUSED_STREAM"));
  ASSERT_EQ(call->report.attempts.size(), 2u);
  EXPECT_TRUE(call->report.attempts[0].transparent);
}
TEST_F(ConnectionsTest, ARefusedStreamGoesElsewhereWhereThereIsAnother) {
  FakeBackend& a = Serve("a:1");
  Serve("b:1");
  RoundRobin();
  OpenTo({"a:1", "b:1"});
  Ask(2);
  a.refuse = true;
  EXPECT_THAT(Ask(6), testing::Each("b:1:x"));
}

// ---- Stream slots (5.2)
TEST_F(ConnectionsTest, CallsBeyondTheStreamLimitWaitInOrder) {
  FakeBackend& a = Serve("a:1");
  a.options.session.max_streams = 2;
  a.hold = true;
  OpenTo({"a:1"});
  std::vector<std::shared_ptr<Asked>> calls;
  for (const char* text : {"1", "2", "3", "4"}) calls.push_back(Ask(text));
  EXPECT_EQ(a.served.size(), 2u);
  a.served[0]->Answer();
  Run();
  ASSERT_EQ(a.served.size(), 3u);
  EXPECT_THAT(a.served[2]->messages, ElementsAre("3"));
  a.served[1]->Answer();
  Run();
  ASSERT_EQ(a.served.size(), 4u);
  a.served[2]->Answer();
  a.served[3]->Answer();
  Run();
  for (auto& c : calls) EXPECT_TRUE(c->status.ok());
}
TEST_F(ConnectionsTest, ADeadlineWhileWaitingForASlotSaysSo) {
  FakeBackend& a = Serve("a:1");
  a.options.session.max_streams = 1;
  a.hold = true;
  OpenTo({"a:1"});
  auto first = Ask("1");
  auto second = Ask("2", {.timeout = 300ms});
  Advance(300ms);
  EXPECT_EQ(second->text(), "DEADLINE_EXCEEDED");
  EXPECT_THAT(second->message(), HasSubstr("300ms waiting for a stream slot"));
}
TEST_F(ConnectionsTest, CallsThatWaitForASlotGoElsewhereWhenTheBackendDies) {
  FakeBackend& a = Serve("a:1");
  Serve("b:1");
  a.options.session.max_streams = 1;
  a.hold = true;
  OpenTo({"a:1", "b:1"});
  auto first = Ask("1");
  auto second = Ask("2");
  a.Die();
  Run();
  EXPECT_EQ(first->text(), "UNAVAILABLE");
  EXPECT_EQ(second->text(), "b:1:2");
}

// ---- Load cells and watches (users' trap: in-flight counts never leak)
struct Watching {
  static constexpr std::string_view kName = "watching";
  static inline int begun = 0, ended = 0, unstarted = 0;
  static inline const Subchannel* seen = nullptr;
  struct Picker {
    const Subchannel* backend;
    PickResult Pick(const PickArgs&) const {
      ++begun;
      return Picked{backend};
    }
    void OnDone(const Subchannel&, const CallEnd& end) const {
      ++ended;
      if (!end.started) ++unstarted;
    }
  };
  Picker Build(const ReadySet& all) {
    seen = all[0].subchannel.get();
    return {seen};
  }
};
TEST_F(ConnectionsTest, InFlightCountsComeBackToZeroHoweverCallsEnd) {
  options_.policies = {Adapt<Watching>()};
  options_.default_service_config = R"({"loadBalancingConfig":[{"watching":{}}]})";
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  auto done = Ask("1");
  auto cancelled = Ask("2");
  auto late = Ask("3", {.timeout = 1s});
  auto failed = Ask("4");
  EXPECT_EQ(Watching::seen->load.in_flight(), 4);
  a.served[0]->Answer();
  cancelled->cancel.Cancel();
  a.served[3]->Fail("13", "bug");
  Advance(1s);
  EXPECT_EQ(Watching::seen->load.in_flight(), 0);
  EXPECT_EQ(Watching::seen->load.succeeded(), 1u);
  EXPECT_EQ(Watching::seen->load.failed(), 3u);
}

TEST_F(ConnectionsTest, CallsThatNeverStartLeaveNothingBehind) {
  options_.policies = {Adapt<Watching>()};
  options_.default_service_config = R"({"loadBalancingConfig":[{"watching":{}}]})";
  FakeBackend& a = Serve("a:1");
  a.options.session.max_streams = 1;
  a.hold = true;
  OpenTo({"a:1"});
  const int open = Watching::begun - Watching::ended, unstarted = Watching::unstarted;
  auto running = Ask("1");
  auto cancelled = Ask("2");  // From here on they wait for a slot.
  auto late = Ask("3", {.timeout = 1s});
  auto lost = Ask("4");
  cancelled->cancel.Cancel();
  Advance(1s);
  EXPECT_EQ(cancelled->text(), "CANCELLED");
  EXPECT_EQ(late->text(), "DEADLINE_EXCEEDED");
  EXPECT_EQ(Watching::unstarted, unstarted + 2);
  a.Die();
  Run();
  EXPECT_EQ(running->text(), "UNAVAILABLE");
  EXPECT_EQ(lost->text(), "UNAVAILABLE");
  EXPECT_EQ(Watching::begun - Watching::ended, open);
  EXPECT_EQ(Watching::seen->load.in_flight(), 0);
  EXPECT_EQ(Watching::seen->load.failed(), 1u);
}

}  // namespace
}  // namespace rondo::channel

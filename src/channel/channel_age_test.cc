// Connections that are replaced when they are old (ChannelOptions::max_connection_age).
#include "channel/channel_fixture.h"

namespace rondo::channel {
namespace {

using testing::IsEmpty;

class AgeTest : public ChannelTest {
 protected:
  AgeTest() {
    options_.max_connection_age = 10min;
    options_.idle_timeout = Duration{};
    options_.backoff.jitter = 0;
  }
  FakeBackend& Begin() {
    FakeBackend& a = Serve("a:1");
    OpenTo({"a:1"});
    Connect();
    states_.clear();
    return a;
  }
};

TEST_F(AgeTest, AnOldConnectionIsReplacedAndTheChannelStaysReady) {
  FakeBackend& a = Begin();
  Advance(9min - 1s);
  EXPECT_EQ(network_.attempts("a:1"), 1u);
  Advance(2min + 2s);
  EXPECT_EQ(network_.attempts("a:1"), 2u);
  EXPECT_EQ(a.connections(), 1u);
  EXPECT_THAT(states_, IsEmpty());
  EXPECT_EQ(Ask("x")->text(), "a:1:x");
}
TEST_F(AgeTest, ItsSuccessorsAreReplacedToo) {
  FakeBackend& a = Begin();
  for (int i = 0; i < 10; ++i) Advance(11min);
  EXPECT_EQ(network_.attempts("a:1"), 11u);
  EXPECT_EQ(a.connections(), 1u);
}
TEST_F(AgeTest, RunningCallsGoOnAndNewOnesGoToTheNewConnection) {
  FakeBackend& a = Begin();
  a.hold = true;
  auto old = Ask("x");
  Advance(11min);
  EXPECT_EQ(a.connections(), 2u);
  auto fresh = Ask("y");
  a.served[1]->Answer();
  Run();
  EXPECT_EQ(fresh->text(), "a:1:y");
  a.served[0]->Answer();
  Run();
  EXPECT_EQ(old->text(), "a:1:x");
  EXPECT_EQ(a.connections(), 1u);
}
TEST_F(AgeTest, TheOldOneStaysUntilThereIsANewOne) {
  FakeBackend& a = Begin();
  network_.Refuse("a:1");
  Advance(11min);
  EXPECT_GT(network_.attempts("a:1"), 1u);
  EXPECT_EQ(Ask("x")->text(), "a:1:x");
  EXPECT_THAT(states_, IsEmpty());
  network_.Heal("a:1");
  Advance(2min);
  EXPECT_EQ(a.connections(), 1u);
  const size_t attempts = network_.attempts("a:1");
  Advance(5min);
  EXPECT_EQ(network_.attempts("a:1"), attempts);
  EXPECT_EQ(Ask("x")->text(), "a:1:x");
}
TEST_F(AgeTest, OfSeveralConnectionsEachIsReplaced) {
  options_.default_service_config = R"({"connectionScaling":{"maxConnectionsPerSubchannel":2}})";
  FakeBackend& a = Begin();
  a.options.session.max_streams = 1;
  a.GoAway();  // What follows has the limit.
  Run();
  a.hold = true;
  Ask("x");
  Ask("y");
  EXPECT_EQ(network_.attempts("a:1"), 3u);
  for (auto& call : a.served) call->Answer();
  Run();
  Advance(11min);
  EXPECT_EQ(network_.attempts("a:1"), 5u);
  EXPECT_EQ(a.connections(), 2u);
}
TEST_F(AgeTest, ByDefaultConnectionsStay) {
  options_.max_connection_age = Duration{};
  Begin();
  Advance(1000h);
  EXPECT_EQ(network_.attempts("a:1"), 1u);
}
TEST_F(AgeTest, AnAgeThatMakesNoSenseIsRefused) {
  options_.max_connection_age = 10ms;
  EXPECT_EQ(TryOpen(), absl::InvalidArgumentError("channel: max_connection_age is 10ms, it should "
                                                  "be 0 (never) or from 1s to 10 years"));
}

}  // namespace
}  // namespace rondo::channel

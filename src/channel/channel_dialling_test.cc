// How many connections are made at once (users: many backends, one client).
#include "channel/channel_fixture.h"

namespace rondo::channel {
namespace {

class DiallingTest : public ChannelTest {
 protected:
  DiallingTest() {
    options_.max_concurrent_dials = 2;
    options_.backoff.jitter = 0;
    RoundRobin();
  }
  size_t Attempts() const {
    size_t sum = 0;
    for (const char* a : {"a:1", "b:1", "c:1", "d:1", "e:1"}) sum += network_.attempts(a);
    return sum;
  }
  // Five backends; the servers' words come only later.
  void Begin() {
    for (const char* a : {"a:1", "b:1", "c:1", "d:1", "e:1"}) Serve(a).mute = true;
    OpenTo({"a:1", "b:1", "c:1", "d:1", "e:1"});
    Connect();
  }
};

TEST_F(DiallingTest, NoMoreAreMadeAtOnceThanAllowed) {
  Begin();
  EXPECT_EQ(Attempts(), 2u);
  Advance(20s);  // Those are given up; two others have their turn.
  EXPECT_EQ(Attempts(), 4u);
}
TEST_F(DiallingTest, OnceOneIsReadyTheNextIsDialled) {
  for (const char* a : {"a:1", "b:1", "c:1", "d:1", "e:1"}) Serve(a);
  OpenTo({"a:1", "b:1", "c:1", "d:1", "e:1"});
  Connect();
  EXPECT_EQ(Attempts(), 5u);
  std::vector<std::string> answers = Ask(5);
  std::ranges::sort(answers);
  EXPECT_THAT(answers, testing::ElementsAre("a:1:x", "b:1:x", "c:1:x", "d:1:x", "e:1:x"));
}
TEST_F(DiallingTest, AnAttemptThatWaitedHasItsWholeTime) {
  Begin();
  Advance(39s);
  EXPECT_EQ(Attempts(), 4u);
  Advance(1s);
  EXPECT_EQ(Attempts(), 6u);
}
TEST_F(DiallingTest, TheBackoffCountsFromWhenItWasDialled) {
  for (const char* a : {"a:1", "b:1"}) Serve(a).mute = true;
  network_.Refuse("c:1");
  OpenTo({"a:1", "b:1"});
  Connect();
  names_.PublishAddresses({"a:1", "b:1", "c:1"});
  Advance(20s);
  EXPECT_EQ(network_.attempts("c:1"), 1u);
  Advance(999ms);
  EXPECT_EQ(network_.attempts("c:1"), 1u);
}
TEST_F(DiallingTest, WhoWaitsToDialMayLeave) {
  Begin();
  const auto others = [this] {
    return network_.attempts("c:1") + network_.attempts("d:1") + network_.attempts("e:1");
  };
  const size_t before = others();
  names_.PublishAddresses({"a:1", "b:1"});
  Advance(1h);
  EXPECT_EQ(others(), before);
}
TEST_F(DiallingTest, ClosingEndsThoseThatWait) {
  Begin();
  channel_->Close();
  Run();
  Advance(1h);
  EXPECT_EQ(Attempts(), 2u);
}
TEST_F(DiallingTest, ByDefaultAllAreMadeAtOnce) {
  options_.max_concurrent_dials = 0;
  Begin();
  EXPECT_EQ(Attempts(), 5u);
}

}  // namespace
}  // namespace rondo::channel

#include "base/channelz.h"
#include "channel/channel_fixture.h"

namespace rondo::channel {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class ChannelChannelzTest : public ChannelTest {
 protected:
  // What it says of itself now; nullopt: it is no more.
  std::optional<channelz::Channel> Told(channelz::SocketRange sockets = {0, 100}) {
    std::optional<channelz::Channel> told;
    for (auto& [id, ask] : channelz::Channels().From(0, 100)) {
      ask(sockets, [&](channelz::Channel c) { told = std::move(c); });
    }
    Run();
    return told;
  }
};

TEST_F(ChannelChannelzTest, AChannelTellsItsStateItsCallsAndItsBackends) {
  RoundRobin();
  FakeBackend& a = Serve("10.0.0.1:80");
  OpenTo({"10.0.0.1:80", "10.0.0.2:80"});
  EXPECT_EQ(Told()->state, channelz::State::kIdle);
  Ask("x");
  a.hold = true;
  const auto held = Ask("y");
  const auto told = Told();
  EXPECT_EQ(told->target, "test:///service");
  EXPECT_EQ(told->state, channelz::State::kReady);
  EXPECT_EQ(told->calls.started, 2);
  EXPECT_EQ(told->calls.succeeded, 1);
  EXPECT_EQ(told->calls.failed, 0);
  ASSERT_THAT(told->subchannels, SizeIs(2));
  const channelz::Subchannel &good = told->subchannels[0], &bad = told->subchannels[1];
  EXPECT_EQ(good.address, "10.0.0.1:80");
  EXPECT_EQ(good.state, channelz::State::kReady);
  EXPECT_EQ(good.calls.started, 2);
  EXPECT_EQ(good.calls.succeeded, 1);
  EXPECT_EQ(bad.state, channelz::State::kTransientFailure);
  EXPECT_THAT(bad.sockets, IsEmpty());
  ASSERT_THAT(told->sockets, SizeIs(1));
  const channelz::Socket& socket = told->sockets[0];
  EXPECT_THAT(good.sockets, ElementsAre(socket.id));
  EXPECT_EQ(socket.remote, "10.0.0.1:80");
  EXPECT_EQ(socket.streams.started, 2);
  EXPECT_EQ(socket.streams.succeeded, 1);
  EXPECT_EQ(socket.streams.failed, 0);
  held->cancel.Cancel();
  Run();
  EXPECT_EQ(Told()->calls.failed, 1);
  EXPECT_EQ(Told()->sockets[0].streams.failed, 1);
}

TEST_F(ChannelChannelzTest, AConnectionOnWhichCallsStillRunIsItsBackendsStill) {
  RoundRobin();
  FakeBackend& a = Serve("10.0.0.1:80");
  a.hold = true;
  OpenTo({"10.0.0.1:80"});
  const auto held = Ask("x");
  a.GoAway();
  Run();
  Connect();
  const auto told = Told();
  ASSERT_THAT(told->subchannels, SizeIs(1));
  EXPECT_THAT(told->subchannels[0].sockets, SizeIs(a.connections()));
  EXPECT_GE(a.connections(), 1u);
  a.last().Answer();
  Run();
}

TEST_F(ChannelChannelzTest, OnlyTheSocketsThatAreWantedAreDescribed) {
  RoundRobin();
  Serve("10.0.0.1:80");
  Serve("10.0.0.2:80");
  OpenTo({"10.0.0.1:80", "10.0.0.2:80"});
  Ask(2);
  const auto all = Told();
  ASSERT_THAT(all->sockets, SizeIs(2));
  EXPECT_LT(all->sockets[0].id, all->sockets[1].id);
  EXPECT_THAT(Told({0, 0})->sockets, IsEmpty());
  const auto one = Told({all->sockets[0].id + 1, 1});
  ASSERT_THAT(one->sockets, SizeIs(1));
  EXPECT_EQ(one->sockets[0].id, all->sockets[1].id);
}

TEST_F(ChannelChannelzTest, AChannelThatWasClosedIsNotListed) {
  Serve("10.0.0.1:80");
  OpenTo({"10.0.0.1:80"});
  const auto before = channelz::Channels().From(0, 100);
  ASSERT_THAT(before, SizeIs(1));
  channel_->Close();
  Run();
  EXPECT_THAT(channelz::Channels().From(0, 100), IsEmpty());
  bool told = false;
  before[0].second({}, [&](const channelz::Channel&) { told = true; });
  Run();
  EXPECT_FALSE(told);
}

TEST(ChannelzOfALoopWithoutThread, IsLeftOutAtOnce) {
  LoopPool loops(LoopPool::kNoThread);
  const auto channel =
      Channel::Create("ipv4:127.0.0.1:1", {.credentials = Insecure(), .loops = &loops});
  ASSERT_TRUE(channel.ok());
  const auto all = channelz::Channels().From(0, 100);
  ASSERT_THAT(all, SizeIs(1));
  const auto waits = std::make_shared<bool>(true);
  all[0].second({}, [waits](const channelz::Channel&) { FAIL() << "nobody runs its loop"; });
  EXPECT_EQ(waits.use_count(), 1) << "who asks hears at once that there is no answer";
}

}  // namespace
}  // namespace rondo::channel

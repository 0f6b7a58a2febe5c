#include <gmock/gmock.h>

#include "base/channelz.h"
#include "rondo/channelz.h"
#include "rondo/reflection.h"
#include "server/server_fixture.h"
#include "server/service_protos.h"
#include "wire/descriptors.h"
#include "wire/proto_fields.h"

namespace rondo::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::string Numbers(std::vector<int64_t> fields) {
  std::string out;
  for (uint32_t i = 0; i < fields.size(); ++i) {
    wire::AppendNumber(out, i + 1, static_cast<uint64_t>(fields[i]));
  }
  return out;
}
// What stands in a message at the end of these field numbers, in order.
std::vector<std::string> At(std::string_view message, std::vector<uint32_t> path) {
  std::vector<std::string> out;
  const uint32_t first = path.at(0);
  path.erase(path.begin());
  wire::ProtoReader reader(message);
  while (reader.Next()) {
    if (reader.field() != first) continue;
    if (!path.empty()) {
      for (std::string& s : At(reader.text(), path)) out.push_back(std::move(s));
    } else if (reader.is_text()) {
      out.emplace_back(reader.text());
    } else {
      out.push_back(std::to_string(static_cast<int64_t>(reader.number())));
    }
  }
  EXPECT_TRUE(reader.good());
  return out;
}

// A channel that is listed as long as it lives.
class ListedChannel {
 public:
  explicit ListedChannel(channelz::Channel told) : told_(std::move(told)) {
    told_.id = channelz::NextId();
    channelz::Channels().Add(id(), [this](channelz::SocketRange sockets, auto done) {
      if (gone) return;
      channelz::Channel copy = told_;
      sockets.Apply(copy.sockets);
      done(std::move(copy));
    });
  }
  ListedChannel(const ListedChannel&) = delete;
  ListedChannel& operator=(const ListedChannel&) = delete;
  ~ListedChannel() { channelz::Channels().Remove(id()); }
  int64_t id() const { return told_.id; }
  std::string text() const { return std::to_string(id()); }
  bool gone = false;  // It goes just when it is asked.

 private:
  channelz::Channel told_;
};

class ChannelzServiceTest : public ServerTest {
 protected:
  ChannelzServiceTest() { Make().Add(channelz); }
  ~ChannelzServiceTest() override {
    for (ServerCall* call : kept) call->Finish(absl::OkStatus());
    calls.clear();
    server->Stop();
  }
  // The answer, or the trailers of a call that failed.
  std::string Get(std::string_view method, std::vector<int64_t> fields) {
    ClientCall& call = Ask(Cat("/grpc.channelz.v1.Channelz/", method), Numbers(std::move(fields)));
    return call.messages.empty() ? call.trailers : call.messages.at(0);
  }
  int64_t ServerId() { return std::stoll(At(Get("GetServers", {}), {1, 1, 5}).at(0)); }

  ChannelzService channelz;
};

TEST_F(ChannelzServiceTest, ChannelsComeInPagesByTheirIds) {
  Start();
  const ListedChannel a({.target = "dns:///a"}), b({.target = "dns:///b"}), c({});
  const std::string first = Get("GetTopChannels", {0, 2});
  EXPECT_THAT(At(first, {1, 1, 1}), ElementsAre(a.text(), b.text()));
  EXPECT_THAT(At(first, {1, 2, 2}), ElementsAre("dns:///a", "dns:///b"));
  EXPECT_THAT(At(first, {2}), IsEmpty());
  const std::string second = Get("GetTopChannels", {b.id() + 1, 2});
  EXPECT_THAT(At(second, {1, 1, 1}), ElementsAre(c.text()));
  EXPECT_THAT(At(second, {2}), ElementsAre("1"));
  EXPECT_THAT(At(Get("GetTopChannels", {c.id() + 1, 2}), {2}), ElementsAre("1"));
}

TEST_F(ChannelzServiceTest, APageHasAtMostAHundred) {
  Start();
  std::deque<ListedChannel> many;
  for (int i = 0; i < 101; ++i) many.emplace_back(channelz::Channel{});
  for (const int64_t most : {int64_t{0}, int64_t{1000}, INT64_MAX}) {
    const std::string page = Get("GetTopChannels", {0, most});
    EXPECT_THAT(At(page, {1}), SizeIs(100));
    EXPECT_THAT(At(page, {2}), IsEmpty());
  }
}

TEST_F(ChannelzServiceTest, OneThatGoesWhileItIsAskedIsLeftOut) {
  Start();
  ListedChannel a({}), b({});
  a.gone = true;
  EXPECT_THAT(At(Get("GetTopChannels", {0, 0}), {1, 1, 1}), ElementsAre(b.text()));
  // A page of which nothing is left isn't the end.
  EXPECT_THAT(At(Get("GetTopChannels", {0, 1}), {1, 1, 1}), ElementsAre(b.text()));
  EXPECT_EQ(Get("GetChannel", {a.id()}), Cat(":status=200 grpc-status=5 grpc-message=channelz: "
                                             "there is no channel ",
                                             a.id()));
}

TEST_F(ChannelzServiceTest, AChannelTellsItsStateItsCallsAndItsSubchannels) {
  Start();
  const ListedChannel a({.target = "dns:///a",
                         .state = channelz::State::kReady,
                         .calls = {9, 5, 3},
                         .subchannels = {{.id = 1'000'001, .address = "10.0.0.7:80"}}});
  const std::string told = Get("GetChannel", {a.id()});
  EXPECT_THAT(At(told, {1, 1, 1}), ElementsAre(a.text()));
  EXPECT_THAT(At(told, {1, 2, 1, 1}), ElementsAre("3"));  // READY
  EXPECT_THAT(At(told, {1, 2, 4}), ElementsAre("9"));
  EXPECT_THAT(At(told, {1, 2, 5}), ElementsAre("5"));
  EXPECT_THAT(At(told, {1, 2, 6}), ElementsAre("3"));
  EXPECT_THAT(At(told, {1, 4, 7}), ElementsAre("1000001"));
  EXPECT_THAT(At(told, {1, 4, 8}), ElementsAre("10.0.0.7:80"));
}

TEST_F(ChannelzServiceTest, ASubchannelIsFoundInWhicheverChannelItIs) {
  Start();
  const ListedChannel a({.subchannels = {{.id = 1'000'001}}});
  const ListedChannel b({.subchannels = {{.id = 1'000'002,
                                          .address = "10.0.0.8:80",
                                          .state = channelz::State::kTransientFailure,
                                          .calls = {4, 1, 2},
                                          .sockets = {1'000'003, 1'000'004}}}});
  const std::string told = Get("GetSubchannel", {1'000'002});
  EXPECT_THAT(At(told, {1, 1, 7}), ElementsAre("1000002"));
  EXPECT_THAT(At(told, {1, 2, 1, 1}), ElementsAre("4"));  // TRANSIENT_FAILURE
  EXPECT_THAT(At(told, {1, 2, 4}), ElementsAre("4"));
  EXPECT_THAT(At(told, {1, 5, 3}), ElementsAre("1000003", "1000004"));
  EXPECT_EQ(Get("GetSubchannel", {1'000'009}),
            ":status=200 grpc-status=5 grpc-message=channelz: there is no subchannel 1000009");
}

TEST_F(ChannelzServiceTest, ASocketOfAChannelTellsItsAddressesAndStreams) {
  Start();
  const ListedChannel a(
      {.sockets = {{.id = 1'000'005},
                   {.id = 1'000'004,
                    .local = "[::1]:4711",
                    .remote = "10.0.0.8:80",
                    .streams = {6, 2, 1},
                    .pings = 3},
                   {.id = 1'000'006, .local = "unix:/run/a", .remote = "10.0.0.8:http-alt:1"}}});
  const std::string told = Get("GetSocket", {1'000'004});
  EXPECT_THAT(At(told, {1, 1, 3}), ElementsAre("1000004"));
  EXPECT_THAT(At(told, {1, 2, 1}), ElementsAre("6"));
  EXPECT_THAT(At(told, {1, 2, 2}), ElementsAre("2"));
  EXPECT_THAT(At(told, {1, 2, 3}), ElementsAre("1"));
  EXPECT_THAT(At(told, {1, 2, 6}), ElementsAre("3"));
  EXPECT_THAT(At(told, {1, 3, 1, 1}), ElementsAre(std::string(15, '\0') + '\1'));
  EXPECT_THAT(At(told, {1, 3, 1, 2}), ElementsAre("4711"));
  EXPECT_THAT(At(told, {1, 4, 1, 1}), ElementsAre(std::string("\x0a\0\0\x08", 4)));
  EXPECT_THAT(At(told, {1, 4, 1, 2}), ElementsAre("80"));
  const std::string other = Get("GetSocket", {1'000'006});
  EXPECT_THAT(At(other, {1, 3, 2, 1}), ElementsAre("/run/a"));
  EXPECT_THAT(At(other, {1, 4, 3, 1}), ElementsAre("10.0.0.8:http-alt:1"));
  EXPECT_EQ(Get("GetSocket", {1'000'007}),
            ":status=200 grpc-status=5 grpc-message=channelz: there is no socket 1000007");
}

TEST_F(ChannelzServiceTest, AServerTellsItsCallsAndItsListeners) {
  OnEcho();
  OnKeep();
  Start();
  Ask("/a.Echo/Say");
  Ask("/a.Echo/Nothing");
  Open("/a.Echo/Keep");
  ClientCall& reset = Open("/a.Echo/Say");
  Idle();
  reset.stream.Cancel(http2::Code::kCancel);
  Idle();
  const std::string told = Get("GetServers", {});
  ASSERT_THAT(At(told, {1}), SizeIs(1));
  EXPECT_THAT(At(told, {2}), ElementsAre("1"));
  EXPECT_THAT(At(told, {1, 2, 2}), ElementsAre("5"));  // The question itself is one.
  EXPECT_THAT(At(told, {1, 2, 3}), ElementsAre("1"));
  EXPECT_THAT(At(told, {1, 2, 4}), ElementsAre("2"));
  const auto listeners = At(told, {1, 3, 3});
  ASSERT_THAT(listeners, SizeIs(1));
  const std::string listener = Get("GetSocket", {std::stoll(listeners[0])});
  EXPECT_THAT(At(listener, {1, 3, 1, 2}), ElementsAre("50051"));
  EXPECT_THAT(At(listener, {1, 4}), IsEmpty());
  EXPECT_EQ(At(Get("GetServer", {ServerId()}), {1, 1, 5}), At(told, {1, 1, 5}));
}

TEST_F(ChannelzServiceTest, AServersConnectionsComeInPagesByTheirIds) {
  OnEcho();
  Start();
  Connect();
  Connect();
  Ask("/a.Echo/Say");
  const int64_t id = ServerId();
  const std::string first = Get("GetServerSockets", {id, 0, 2});
  const auto two = At(first, {1, 3});
  ASSERT_THAT(two, SizeIs(2));
  EXPECT_LT(std::stoll(two[0]), std::stoll(two[1]));
  EXPECT_THAT(At(first, {2}), IsEmpty());
  const std::string second = Get("GetServerSockets", {id, std::stoll(two[1]) + 1, 2});
  ASSERT_THAT(At(second, {1, 3}), SizeIs(1));
  EXPECT_THAT(At(second, {2}), ElementsAre("1"));
  // That one has asked all: the echo, the servers, and these pages.
  const std::string socket = Get("GetSocket", {std::stoll(At(second, {1, 3})[0])});
  EXPECT_THAT(At(socket, {1, 2, 1}), ElementsAre("5"));
  EXPECT_THAT(At(socket, {1, 2, 2}), ElementsAre("4"));
}

TEST_F(ChannelzServiceTest, AServerThatHasStoppedIsNotListed) {
  Start();
  const int64_t id = ServerId();
  EXPECT_THAT(channelz::Servers().From(id, 1), SizeIs(1));
  server->Stop();
  EXPECT_THAT(channelz::Servers().From(id, 1), IsEmpty());
}

TEST_F(ChannelzServiceTest, WhatCantBeIsRefused) {
  Start();
  EXPECT_EQ(Get("GetTopChannels", {0, -1}),
            ":status=200 grpc-status=3 grpc-message=channelz: max_results is -1, it should be 0 "
            "or more");
  EXPECT_EQ(Get("GetServer", {4711'000}),
            ":status=200 grpc-status=5 grpc-message=channelz: there is no server 4711000");
  EXPECT_EQ(Get("GetServerSockets", {4711'000}),
            ":status=200 grpc-status=5 grpc-message=channelz: there is no server 4711000");
  EXPECT_EQ(Ask("/grpc.channelz.v1.Channelz/GetServer", "\xff").trailers,
            ":status=200 grpc-status=13 "
            "grpc-message=/grpc.channelz.v1.Channelz/GetServer: the request can't be read");
}

// Answers that come when the caller has gone, or its loop.
TEST_F(ChannelzServiceTest, ACallerMayGoBeforeTheAnswerComes) {
  Start();
  Function<void(channelz::Channel)> answer;
  const int64_t id = channelz::NextId();
  channelz::Channels().Add(id, [&](channelz::SocketRange, auto done) { answer = std::move(done); });
  ClientCall& call = Ask("/grpc.channelz.v1.Channelz/GetChannel", Numbers({id}));
  channelz::Channels().Remove(id);
  ASSERT_TRUE(answer);
  EXPECT_EQ(call.end, "");
  call.stream.Cancel(http2::Code::kCancel);
  Idle();
  answer({.id = id});
  Idle();
  EXPECT_THAT(call.messages, IsEmpty());
}

TEST_F(ChannelzServiceTest, ReflectionHasItsFile) {
  EXPECT_EQ(wire::NamesOf(ChannelzProto()).name, "grpc/channelz/v1/channelz.proto");
  EXPECT_EQ(channelz.ProtoFile(), ChannelzProto());
}

}  // namespace
}  // namespace rondo::server

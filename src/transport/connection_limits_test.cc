// Windows, budgets and what a peer may not do, one test for each.
#include "transport/connection_fixture.h"

namespace rondo::transport {
namespace {

using http2::Code;
using http2::Frame;
using http2::Repeat;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string Request(uint32_t id, bool end = false) {
  return Frame(http2::kHeaders, http2::kEndHeaders | (end ? http2::kEndStream : 0), id,
               http2::kRequestBlock);
}
std::string FramedText(std::string_view body) {
  const Slice slice = FrameMessage(body);
  return {slice.bytes().begin(), slice.bytes().end()};
}

class ConnectionLimitsTest : public ConnectionTest {
 protected:
  // What the server holds, at most, is what it has let the client send.
  size_t TakenFromClient(size_t most) {
    size_t taken = 0;
    for (int i = 0; i < 100000 && taken < most; ++i) {
      const std::string bytes = Take(*up, now);
      taken += bytes.size();
      down->Receive(Bytes(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()), now);
      if (!Move(down, up) && bytes.empty()) break;
    }
    return taken;
  }
};

// -- Windows.

TEST_P(ConnectionLimitsTest, UnreadMessagesStayWithinTheWindow) {
  Start();
  server.prepare = [](Call&) {};
  Call call;
  ASSERT_TRUE(Begin(call, FrameMessage("x"), false));
  for (int i = 0; i < 100; ++i) call.stream.Send(FrameMessage(std::string(9995, 'm')), false);
  EXPECT_LT(TakenFromClient(SIZE_MAX), 140u << 10);
  EXPECT_GT(call.stream.queued(), 860000u);
}

TEST_P(ConnectionLimitsTest, AMessageLargerThanTheWindowArrivesOnceAskedFor) {
  http2::Options small;
  small.stream_window = 66000;
  Start(small);
  Call call;
  ASSERT_TRUE(Begin(call, FrameMessage(std::string(300000, 'm')), true));
  Run();
  EXPECT_EQ(call.log, "HME");
  EXPECT_EQ(call.messages[0].size(), 300000u);
}

// Each size near a window's parts, behind others that have used some of it up: none gets stuck.
TEST_P(ConnectionLimitsTest, NoMixOfMessageSizesGetsStuck) {
  http2::Options small;
  small.stream_window = 70000;
  Start(small);
  Call call;
  ASSERT_TRUE(Begin(call, Slice(), false, 1000));
  const size_t sizes[] = {17000, 35000, 17500, 52000, 69995, 1, 69990, 34999, 70001, 3, 60000};
  std::string all;
  for (const size_t size : sizes) {
    call.stream.Send(FrameMessage(std::string(size, 'm')), false);
    Run();
    ASSERT_EQ(server.calls[0]->messages.back().size(), size);
  }
}

TEST_P(ConnectionLimitsTest, ALargeMessageNeedsTwoRoundTripsAtMost) {
  Start();
  Call call;
  ASSERT_TRUE(Begin(call, FrameMessage(std::string(1 << 20, 'm')), true));
  int trips = 0;
  while (server.calls.empty() || server.calls[0]->messages.empty()) {
    ASSERT_LT(++trips, 4);
    while (Move(up, down)) {
    }
    Move(down, up);
  }
  EXPECT_LE(trips, 3);  // The window's worth; the rest; and the connection's own window.
}

TEST_P(ConnectionLimitsTest, ABusyReadersWindowGrowsAndASlowOnesDoesNot) {
  for (const bool busy : {true, false}) {
    server.calls.clear();
    up_owner.settings = 0;
    Start();
    server.prepare = [](Call& call) {
      call.pull_more = true;
      call.stream.Pull();
    };
    Call call;
    ASSERT_TRUE(Begin(call, Slice(), false));
    for (int i = 0; i < 30; ++i) {
      call.stream.Send(FrameMessage(std::string(60000, 'm')), false);
      Run();
      now += busy ? milliseconds(10) : seconds(2);
    }
    server.calls[0]->pull_more = false;
    call.stream.Send(FrameMessage("taken"), false);  // Uses up the last pull.
    Run();
    for (int i = 0; i < 30; ++i) call.stream.Send(FrameMessage(std::string(60000, 'm')), false);
    const size_t unread = TakenFromClient(SIZE_MAX);
    if (busy) {
      EXPECT_GT(unread, 500u << 10);
    } else {
      EXPECT_LT(unread, 150u << 10);
    }
  }
}

TEST_P(ConnectionLimitsTest, PromisesStayWithinTheBudget) {
  Limits limits;
  limits.max_held = 1 << 20;
  http2::Options options;
  Start(options, limits);
  server.prepare = [](Call& call) { call.stream.Pull(); };
  // Twenty uploads of 500 KB, none complete: without a budget 10 MB would be held.
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 20; ++i) {
    calls.push_back(std::make_unique<Call>());
    std::string framed = FramedText(std::string(500000, 'm'));
    framed.pop_back();
    ASSERT_TRUE(Begin(*calls.back(), Text(framed), false));
  }
  // The first windows, what fits the budget, and one message beyond it.
  EXPECT_LT(TakenFromClient(SIZE_MAX), 20 * (128u << 10) + (1u << 20) + 500000);
}

TEST_P(ConnectionLimitsTest, MessagesThatMustWaitForRoomAllArriveInTheEnd) {
  Limits limits;
  limits.max_held = 400000;
  http2::Options options;
  options.stream_window = 66000;
  Start(options, limits);
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 8; ++i) {
    calls.push_back(std::make_unique<Call>());
    ASSERT_TRUE(Begin(*calls.back(), FrameMessage(std::string(250000, 'm')), true));
  }
  Run();
  for (const auto& call : calls) EXPECT_EQ(call->log, "HME");
}

TEST_P(ConnectionLimitsTest, AMessageBeyondTheWholeBudgetArrivesToo) {
  Limits limits;
  limits.max_held = 100000;
  http2::Options options;
  options.stream_window = 66000;
  Start(options, limits);
  Call call;
  ASSERT_TRUE(Begin(call, FrameMessage(std::string(500000, 'm')), true));
  Run();
  EXPECT_EQ(call.log, "HME");
}

TEST_P(ConnectionLimitsTest, OneSlowReaderStopsNobodyElse) {
  http2::Options options;
  options.connection_window = 100000;
  Start(options);
  server.prepare = [](Call&) {};
  Call slow;
  ASSERT_TRUE(Begin(slow, FrameMessage(std::string(300000, 's')), true));
  Run();
  server.prepare = [](Call& call) { EchoAcceptor::Echo(call); };
  Call quick;
  ASSERT_TRUE(Begin(quick, FrameMessage(std::string(300000, 'q')), true));
  Run();
  EXPECT_EQ(quick.log, "HME");
  EXPECT_EQ(slow.log, "");
}

// -- Offences.

TEST_P(ConnectionLimitsTest, RapidResetsAreSlowedDownAndThenEndTheConnection) {
  Serve();
  std::string burst = http2::kHello;
  uint32_t id = 1;
  const auto resets = [&](int n) {
    std::string bytes;
    for (int i = 0; i < n; ++i, id += 2) bytes += Request(id) + http2::Rst(id, Code::kCancel);
    return bytes;
  };
  EXPECT_TRUE(Hear(http2::kHello + resets(2000)));
  EXPECT_TRUE(down->may_read(now));
  EXPECT_TRUE(Hear(resets(1)));
  EXPECT_FALSE(down->may_read(now));
  EXPECT_FALSE(down->may_read(now + milliseconds(99)));
  EXPECT_TRUE(down->may_read(now + milliseconds(100)));
  EXPECT_FALSE(Hear(resets(2001)));
  EXPECT_EQ(down->fault().code, Code::kEnhanceYourCalm);
  EXPECT_EQ(down->fault().why, "the peer sends too many RST_STREAM frames");
}

TEST_P(ConnectionLimitsTest, ResettingOldStreamsIsHonest) {
  Serve();
  Hear(http2::kHello);
  for (uint32_t id = 1; id < 10000; id += 2) {
    ASSERT_TRUE(Hear(Request(id)));
    now += seconds(1);
    ASSERT_TRUE(Hear(http2::Rst(id, Code::kCancel)));
    now -= seconds(1);  // The bucket is not refilled.
  }
  EXPECT_TRUE(down->may_read(now));
}

TEST_P(ConnectionLimitsTest, FinishedCallsEarnTheRightToCancelOthers) {
  server.prepare = [](Call& call) {
    call.on_half_close = [&call] { call.stream.Respond(http2::kTrailersOnly, {}, true); };
  };
  Serve();
  Hear(http2::kHello);
  uint32_t id = 1;
  for (int i = 0; i < 3000; ++i) {
    ASSERT_TRUE(Hear(Request(id) + http2::Rst(id, Code::kCancel)));
    id += 2;
    ASSERT_TRUE(Hear(Request(id, true)));
    id += 2;
    Take(*down, now);
    if (i % 500 == 0) server.calls.clear();
  }
  EXPECT_TRUE(down->may_read(now));
}

TEST_P(ConnectionLimitsTest, AnHonestRateOfCancelsIsBorneForEver) {
  Serve();
  Hear(http2::kHello);
  uint32_t id = 1;
  for (int tick = 0; tick < 600; ++tick, now += milliseconds(100)) {  // A minute, 190 a second.
    for (int i = 0; i < 19; ++i, id += 2) {
      ASSERT_TRUE(Hear(Request(id) + http2::Rst(id, Code::kCancel)));
    }
    server.calls.clear();
    Take(*down, now);
  }
  EXPECT_TRUE(down->may_read(now));
}

TEST_P(ConnectionLimitsTest, ResetsThatThePeerMakesUsSendCountLikeItsOwn) {
  Serve();
  Hear(http2::kHello);
  const std::string empty_name("\x40\0\1x", 4);
  bool good = true;
  int sent = 0;
  for (uint32_t id = 1; good && sent < 10000; id += 2, ++sent) {
    good = Hear(Frame(http2::kHeaders, http2::kEndHeaders | http2::kEndStream, id,
                      http2::kRequestBlock + empty_name));
    Take(*down, now);
  }
  EXPECT_EQ(down->fault().code, Code::kEnhanceYourCalm);
  EXPECT_EQ(sent, 4001);
}

TEST_P(ConnectionLimitsTest, FloodsEndTheConnection) {
  const std::string floods[] = {http2::Ping(), Frame(http2::kSettings, 0, 0, ""),
                                Frame(http2::kPriority, 0, 1, std::string_view("\0\0\0\3\1", 5)),
                                Frame(0x42, 0, 0, "?"),
                                Frame(http2::kWindowUpdate, 0, 0, std::string_view("\0\0\0\1", 4))};
  for (const std::string& frame : floods) {
    Serve();
    bool good = Hear(http2::kHello);
    int sent = 0;
    for (; good && sent < 3000; ++sent) {
      good = Hear(frame);
      Take(*down, now);
    }
    EXPECT_FALSE(good);
    EXPECT_EQ(down->fault().code, Code::kEnhanceYourCalm) << down->fault().why;
    EXPECT_LE(sent, 1101);
  }
}

TEST_P(ConnectionLimitsTest, TheHundredAndFirstEmptyDataEndsTheConnection) {
  Serve();
  EXPECT_TRUE(Hear(http2::kHello + Request(1) + Repeat(100, Frame(http2::kData, 0, 1, ""))));
  EXPECT_FALSE(Hear(Frame(http2::kData, 0, 1, "")));
  EXPECT_EQ(down->fault().why, "the peer sends too many empty DATA frames");
}

TEST_P(ConnectionLimitsTest, APeerThatDoesNotReadIsNotReadFrom) {
  Limits limits;
  limits.max_replies = 50;
  http2::Options options;
  options.outbox_limit = 200;
  Serve(options, limits);
  Hear(http2::kHello + Repeat(90, http2::Ping()));
  EXPECT_FALSE(down->may_read(now));
  while (!Take(*down, now).empty()) {
  }
  EXPECT_TRUE(down->may_read(now));
}

// grpc-go 1.82.1 counted its own work, and two honest peers waited for each other.
TEST_P(ConnectionLimitsTest, ManyCallsOverATrickleNeverStopTwoHonestPeersReading) {
  http2::Options many;
  many.max_streams = 600;
  many.outbox_limit = 4096;
  Limits limits;
  limits.max_replies = 20;
  Start(many, limits);
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 512; ++i) {
    calls.push_back(std::make_unique<Call>());
    ASSERT_TRUE(Begin(*calls.back(), FrameMessage(std::string(200, 'c')), true));
    ASSERT_TRUE(up->may_read(now) && down->may_read(now));
  }
  for (int i = 0; i < 100000; ++i) {
    const bool a = Move(up, down), b = Move(down, up);
    ASSERT_TRUE(up->may_read(now) && down->may_read(now));
    if (!a && !b) break;
  }
  for (const auto& call : calls) EXPECT_EQ(call->log, "HME");
}

TEST_P(ConnectionLimitsTest, GarbageAfterADropIsNotTold) {
  Serve();
  server.prepare = [this](Call& call) { call.on_end = [this] { down.reset(); }; };
  const std::string bytes =
      http2::kHello + Request(1) + Request(3) + http2::Rst(1, Code::kCancel) + Request(5);
  http2::Give([&](Bytes b) { return down != nullptr && down->Receive(b, now); }, bytes, GetParam(),
              random);
  EXPECT_EQ(down, nullptr);
  for (const auto& call : server.calls) EXPECT_EQ(call->log, "E");
}

INSTANTIATE_TEST_SUITE_P(All, ConnectionLimitsTest, testing::Values(7, 4096), http2::ChunkName);

}  // namespace
}  // namespace rondo::transport

// The rules of transport::Connection and Stream, the same for every chunking of the bytes.
#include "transport/connection.h"

#include "transport/connection_fixture.h"

namespace rondo::transport {
namespace {

using http2::Cause;
using http2::Code;
using http2::Fate;

TEST_P(ConnectionTest, AUnaryCallIsHeadersMessageEnd) {
  Start();
  Call call;
  ASSERT_TRUE(Begin(call, FrameMessage("hello"), true));
  Run();
  EXPECT_EQ(call.log, "HME");
  EXPECT_EQ(call.messages[0], "hello");
  EXPECT_EQ(call.status, "0");
  EXPECT_EQ(server.calls[0]->log, "MCE");
  EXPECT_EQ(server.calls[0]->end.closed.cause, Cause::kComplete);
  EXPECT_EQ(up->open_streams() + down->open_streams(), 0u);
  EXPECT_EQ(up_owner.opened, 1);
  EXPECT_EQ(up_owner.ended, 1);
}

TEST_P(ConnectionTest, AStreamMayBeStartedAgainAfterItsEnd) {
  Start();
  Call call;
  for (int i = 0; i < 3; ++i) {
    call.log.clear();
    ASSERT_TRUE(Begin(call, FrameMessage("again"), true));
    Run();
    EXPECT_EQ(call.log, "HME");
  }
}

TEST_P(ConnectionTest, TrailersOnlyIsAnEndWithoutHeaders) {
  Start();
  server.prepare = [](Call& call) {
    call.on_half_close = [&call] { call.stream.Respond(http2::kTrailersOnly, {}, true); };
  };
  Call call;
  ASSERT_TRUE(Begin(call, Slice(), true));
  Run();
  EXPECT_EQ(call.log, "E");
  EXPECT_EQ(call.status, "12");
}

TEST_P(ConnectionTest, ManyCallsOfManySizesAllComeBack) {
  http2::Options small;
  small.stream_window = 66000;
  small.connection_window = 100000;
  Start(small);
  std::vector<std::unique_ptr<Call>> calls;
  for (size_t i = 0; i < 60; ++i) {
    calls.push_back(std::make_unique<Call>());
    Call& call = *calls.back();
    const std::string body(random() % (i % 4 == 0 ? 100000 : 300), 'b');
    ASSERT_TRUE(Begin(call, FrameMessage(body), true));
    call.messages.push_back(body);
    if (i % 7 == 3) Move(up, down);
    if (i % 9 == 5) calls[i]->stream.Cancel();
  }
  Run();
  for (size_t i = 0; i < calls.size(); ++i) {
    if (i % 9 == 5) {
      EXPECT_EQ(calls[i]->log, "");
    } else {
      EXPECT_EQ(calls[i]->log, "HME");
      EXPECT_EQ(calls[i]->messages[0], calls[i]->messages[1]);
    }
  }
}

TEST_P(ConnectionTest, ALongMessageMayBeTakenWithoutACopyAndTheNextOneIsWhole) {
  Start();
  Call call;
  call.take_storage = true;
  const std::string bodies[] = {std::string(200000, 'a'), "b", std::string(100000, 'c'), ""};
  ASSERT_TRUE(Begin(call, FrameMessage(bodies[0]), false, 1));
  for (size_t i = 1; i < 4; ++i) call.stream.Send(FrameMessage(bodies[i]), i == 3);
  for (size_t i = 0; i < 4; ++i) {
    Run();
    ASSERT_EQ(call.messages.size(), i + 1);
    EXPECT_EQ(call.messages[i], bodies[i]);
    call.stream.Pull();
  }
  Run();
  EXPECT_EQ(call.log, "HMMMME");
  EXPECT_GE(call.in_place, 1);
}

TEST_P(ConnectionTest, OnMessageNeverRunsInsidePullAndTrailersWaitForUnreadMessages) {
  Start();
  Call call;
  ASSERT_TRUE(Begin(call, FrameMessage(std::string(30000, 'm')), false, 0));
  for (int i = 1; i < 10; ++i) call.stream.Send(FrameMessage(std::string(30000, 'm')), i == 9);
  Run();
  EXPECT_EQ(call.log, "H");
  for (size_t i = 0; i < 10; ++i) {
    call.stream.Pull();
    EXPECT_EQ(call.messages.size(), i);
    Run();
    EXPECT_EQ(call.messages.size(), i + 1);
  }
  EXPECT_EQ(call.log, "HMMMMMMMMMME");
  EXPECT_EQ(call.status, "0");
}

TEST_P(ConnectionTest, UnreadMessagesSurviveTheLossOfTheConnection) {
  Start();
  Call call;
  ASSERT_TRUE(Begin(call, FrameMessage("kept"), true, 0));
  Run();
  up->Lost();
  EXPECT_EQ(call.log, "H");
  EXPECT_EQ(up->open_streams(), 1u);
  call.stream.Pull(2);
  up->Gather(now);
  EXPECT_EQ(call.log, "HME");
  EXPECT_EQ(call.status, "0");
}

TEST_P(ConnectionTest, SendSaysStopAndOnWritableSaysGo) {
  http2::Options low;
  low.send_high = 300000;
  low.send_low = 100000;
  Start(low);
  server.prepare = [](Call&) {};  // Pulls nothing.
  Call call;
  ASSERT_TRUE(Begin(call, FrameMessage("x"), false));
  EXPECT_FALSE(call.stream.Send(FrameMessage(std::string(600000, 'm')), false));
  Run();
  EXPECT_EQ(call.log, "");
  EXPECT_GT(call.stream.queued(), 200000u);
  server.calls[0]->stream.Pull(2);
  Run();
  EXPECT_EQ(call.log, "W");
  EXPECT_EQ(call.stream.queued(), 0u);
}

TEST_P(ConnectionTest, WhatTheOwnersDropIsForgotten) {
  Start();
  auto call = std::make_unique<Call>();
  ASSERT_TRUE(Begin(*call, FrameMessage("x"), false));
  Run();
  call.reset();
  Run();
  EXPECT_EQ(server.calls[0]->log, "ME");
  EXPECT_EQ(server.calls[0]->end.closed.cause, Cause::kPeerReset);
  EXPECT_EQ(server.calls[0]->end.closed.code, Code::kCancel);
}

TEST_P(ConnectionTest, AServerThatAnswersEarlyEndsTheClientsSending) {
  Start();
  server.prepare = [](Call& call) {
    call.stream.Pull();
    call.on_message = [&call] { call.stream.Respond(http2::kTrailersOnly, {}, true); };
  };
  Call call;
  ASSERT_TRUE(Begin(call, FrameMessage("x"), false));
  Run();
  EXPECT_EQ(call.log, "E");
  EXPECT_EQ(call.status, "12");
  EXPECT_EQ(server.calls[0]->log, "ME");
  EXPECT_EQ(up->open_streams() + down->open_streams(), 0u);
}

TEST_P(ConnectionTest, InterimHeadersAreSkipped) {
  Start();
  Call call;
  int headers = 0;
  call.on_headers = [&] { ++headers; };
  ASSERT_TRUE(Begin(call, FrameMessage("x"), true));
  Take(*up, now);
  // The answer, by hand: 103, then 200 with trailers.
  const std::string early = http2::Frame(http2::kHeaders, http2::kEndHeaders, 1,
                                         "\x08\x03"
                                         "103");
  const std::string head = http2::Frame(http2::kHeaders, http2::kEndHeaders, 1, "\x88");
  http2::Give([&](Bytes b) { return up->Receive(b, now); }, early + head, GetParam(), random);
  EXPECT_EQ(headers, 1);
}

TEST_P(ConnectionTest, RefusedCallsWereNotProcessed) {
  Start();
  server.accept = false;
  Call call;
  ASSERT_TRUE(Begin(call, FrameMessage("x"), true));
  Run();
  EXPECT_EQ(call.end.closed.cause, Cause::kPeerReset);
  EXPECT_EQ(call.end.closed.code, Code::kRefusedStream);
  EXPECT_EQ(call.end.closed.fate, Fate::kNotProcessed);
}

TEST_P(ConnectionTest, StartFailsWithoutASlotAndKeepsNothing) {
  http2::Options one;
  one.max_streams = 1;
  Start(one);
  Call first, second;
  ASSERT_TRUE(Begin(first, FrameMessage("x"), false));
  Slice slice = FrameMessage("kept by the caller");
  EXPECT_FALSE(up->Start(second.stream, second, http2::kEcho, {}, std::move(slice), true));
  EXPECT_EQ(slice.size(), 5u + 18);
  EXPECT_FALSE(second.stream.open());
  first.stream.Cancel();
  Run();
  EXPECT_TRUE(Begin(second, std::move(slice), true));
  Run();
  EXPECT_EQ(second.log, "HME");
}

TEST_P(ConnectionTest, ADiscardedBodyIsReadToItsEndAndThrownAway) {
  Start();
  server.prepare = [](Call& call) { call.stream.Discard(); };
  Call call;
  ASSERT_TRUE(Begin(call, Text(std::string(300000, '\xff')), true));  // No gRPC framing at all.
  Run();
  EXPECT_EQ(server.calls[0]->log, "C");
  EXPECT_EQ(call.stream.queued(), 0u);
}

// -- Ends found here.

TEST_P(ConnectionTest, AMessageOverTheLimitEndsTheStreamByItsPrefix) {
  Start();
  Call call;
  ASSERT_TRUE(Begin(call,
                    Text(std::string("\0\xff\xff\xff\xff"
                                     "abc",
                                     8)),
                    false));
  Run();
  EXPECT_EQ(server.calls[0]->end.why, Why::kMessageTooLong);
  EXPECT_EQ(server.calls[0]->end.length, 0xffffffffu);
  EXPECT_EQ(call.end.why, Why::kWire);
  EXPECT_EQ(call.end.closed.code, Code::kCancel);
}

TEST_P(ConnectionTest, AStreamMayHaveALimitOfItsOwn) {
  Start();
  server.prepare = [](Call& call) {
    EchoAcceptor::Echo(call);
    call.stream.set_max_message(10);
  };
  Call fits, too_long;
  ASSERT_TRUE(Begin(fits, FrameMessage("0123456789"), true));
  ASSERT_TRUE(Begin(too_long, FrameMessage("0123456789a"), true));
  Run();
  EXPECT_EQ(fits.log, "HME");
  EXPECT_EQ(server.calls[1]->end.why, Why::kMessageTooLong);
  EXPECT_EQ(server.calls[1]->end.length, 11u);
}

TEST_P(ConnectionTest, APrefixWithAnUnknownFlagEndsTheStream) {
  Start();
  Call call;
  ASSERT_TRUE(Begin(call, Text(std::string("\x02\0\0\0\1x", 6)), true));
  Run();
  EXPECT_EQ(server.calls[0]->end.why, Why::kBadPrefix);
  EXPECT_EQ(server.calls[0]->end.length, 2u);
}

TEST_P(ConnectionTest, TheEndInsideAMessageEndsTheStream) {
  Start();
  Call call;
  ASSERT_TRUE(Begin(call, Text(std::string("\0\0\0\0\5hell", 9)), true));
  Run();
  EXPECT_EQ(server.calls[0]->end.why, Why::kTruncatedMessage);
}

TEST_P(ConnectionTest, AnAnswerWithoutTrailersIsTheServersFault) {
  Start();
  server.prepare = [](Call& call) {
    call.on_half_close = [&call] {
      call.stream.Respond(http2::kResponse, {}, false);
      call.stream.Send(FrameMessage("x"), true);
    };
  };
  Call call;
  ASSERT_TRUE(Begin(call, Slice(), true));
  Run();
  EXPECT_EQ(call.log, "HME");
  EXPECT_EQ(call.end.why, Why::kNoTrailers);
}

TEST_P(ConnectionTest, LossEndsEveryStreamAndSaysWhatWasNeverSent) {
  Start();
  Call sent, unsent;
  ASSERT_TRUE(Begin(sent, FrameMessage("x"), false));
  Run();
  ASSERT_TRUE(Begin(unsent, FrameMessage("x"), true));
  up->Lost();
  EXPECT_EQ(sent.end.closed.cause, Cause::kConnection);
  EXPECT_EQ(sent.end.closed.fate, Fate::kMaybeProcessed);
  EXPECT_EQ(unsent.end.closed.fate, Fate::kNotSent);
  EXPECT_EQ(up->slots(), 0u);
}

// -- Owners.

TEST_P(ConnectionTest, DroppingItEndsItsStreams) {
  Start();
  Call call;
  ASSERT_TRUE(Begin(call, FrameMessage("x"), false));
  Run();
  up.reset();
  EXPECT_EQ(call.log, "E");
  EXPECT_EQ(call.end.closed.cause, Cause::kConnection);
  EXPECT_FALSE(call.stream.open());
}

TEST_P(ConnectionTest, ItMayBeDroppedInsideEachOfItsEvents) {
  for (const char* where : {"H", "M", "E"}) {
    Start();
    Call call, other;
    const auto drop = [&] { up.reset(); };
    if (*where == 'H') call.on_headers = drop;
    if (*where == 'M') call.on_message = drop;
    if (*where == 'E') call.on_end = drop;
    ASSERT_TRUE(Begin(call, FrameMessage("x"), true));
    ASSERT_TRUE(Begin(other, FrameMessage("x"), false));
    const int heard = up_owner.ended;
    Run();
    EXPECT_EQ(call.ends(), 1) << where;
    EXPECT_EQ(other.log, "E") << where;
    EXPECT_LE(up_owner.ended, heard + 1) << where;  // The owner hears nothing after the drop.
    up_owner.settings = 0;
  }
}

TEST_P(ConnectionTest, AHandlerMayCancelInEachOfItsEvents) {
  for (const char* where : {"H", "M"}) {
    up_owner.settings = 0;
    Start();
    Call call;
    const auto cancel = [&] { call.stream.Cancel(); };
    if (*where == 'H') call.on_headers = cancel;
    if (*where == 'M') call.on_message = cancel;
    ASSERT_TRUE(Begin(call, FrameMessage("x"), true));
    Run();
    EXPECT_EQ(call.log, *where == 'H' ? "H" : "HM");
    EXPECT_EQ(up->open_streams(), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(All, ConnectionTest, testing::Values(1, 7, 4096, 0), http2::ChunkName);

}  // namespace
}  // namespace rondo::transport

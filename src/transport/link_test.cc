#include "transport/link.h"

#include "transport/link_fixture.h"

namespace rondo::transport {
namespace {

using http2::Cause;
using http2::Code;
using http2::Fate;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(LinkTest, AClientIsReadyOnceTheServersSettingsHaveCome) {
  Listen(/*raw_end=*/true);
  Dial();
  EXPECT_FALSE(up->ready());
  EXPECT_EQ(up->slots(), 0u);
  Say(http2::Frame(http2::kSettings, 0, 0, ""));
  EXPECT_EQ(at_up.log, "R");
  EXPECT_TRUE(up->ready());
  EXPECT_GT(up->slots(), 1000u);
}

TEST_F(LinkTest, AUnaryCallTakesOneTurnEachWay) {
  Start();
  Call call;
  ASSERT_TRUE(Begin(call, "hello"));
  Idle();
  EXPECT_EQ(call.log, "HME");
  EXPECT_EQ(call.messages[0], "hello");
  EXPECT_EQ(up->peer(), kAddress);
  EXPECT_EQ(down->peer(), up->local());
  EXPECT_EQ(down->open_streams(), 0u);
}

TEST_F(LinkTest, AMegabyteEachWayArrivesThroughASmallSocket) {
  network.set_traffic({.chunk = 5000, .buffer = 8 << 10});
  Start();
  Call call;
  const std::string body(1 << 20, 'b');
  ASSERT_TRUE(Begin(call, body));
  Idle();
  EXPECT_EQ(call.log, "HME");
  EXPECT_EQ(call.messages[0], body);
}

TEST_F(LinkTest, OnSlotsComesWhenAFullConnectionHasRoomAgain) {
  down_options.session.max_streams = 1;
  Start();
  Call first, second;
  ASSERT_TRUE(Begin(first, "x"));
  EXPECT_EQ(up->slots(), 0u);
  EXPECT_FALSE(Begin(second, "x"));
  Idle();
  EXPECT_EQ(at_up.log, "S");
  EXPECT_TRUE(Begin(second, "x"));
}

// -- Ends.

TEST_F(LinkTest, AResetNamesPeerAndCause) {
  Start();
  Call call;
  ASSERT_TRUE(Begin(call, "x", false));
  Idle();
  network.Reset(kAddress);
  Idle();
  EXPECT_EQ(at_up.log, "C");
  EXPECT_EQ(at_up.why, "10.0.0.1:50051: connection reset by peer (ECONNRESET)");
  EXPECT_EQ(call.log, "E");
  EXPECT_EQ(call.end.closed.cause, Cause::kConnection);
  EXPECT_EQ(call.end.closed.fate, Fate::kMaybeProcessed);
  EXPECT_EQ(server.calls[0]->log, "ME");
}

TEST_F(LinkTest, AServerThatHangsUpBeforeItsSettingsIsNamed) {
  Listen(true);
  Dial();
  raw.reset();
  Idle();
  EXPECT_EQ(at_up.log, "C");
  EXPECT_EQ(at_up.why, "10.0.0.1:50051: connection closed by the peer before its SETTINGS came");
}

TEST_F(LinkTest, AServerThatNeverSpeaksIsGivenUp) {
  up_options.ready_by = loop->Now() + seconds(20);
  Listen(true);
  Dial();
  loop->Advance(seconds(19));
  EXPECT_EQ(at_up.log, "");
  loop->Advance(seconds(1));
  EXPECT_EQ(at_up.log, "C");
  EXPECT_EQ(at_up.why, "no SETTINGS from 10.0.0.1:50051 within 20000 ms");
}

TEST_F(LinkTest, AClientThatNeverSpeaksIsGivenUp) {
  Listen();
  dial = network.Connect(*loop, kAddress, [this](auto socket) {
    raw = std::move(*socket);
    raw->Start(raw_events);
  });
  Idle();
  loop->Advance(seconds(10));
  EXPECT_EQ(at_down.log, "C");
  EXPECT_EQ(at_down.why, "memory:40001: no HTTP/2 preface within 10000 ms");
  Hear();
  EXPECT_TRUE(raw_ended);
}

TEST_F(LinkTest, AnAnswerInHttp1IsCalledThat) {
  Listen(true);
  Dial();
  Say("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_EQ(at_up.log, "C");
  EXPECT_EQ(at_up.why, "10.0.0.1:50051: PROTOCOL_ERROR: the peer answers in HTTP/1, not in HTTP/2");
}

TEST_F(LinkTest, GarbageGetsAGoAwayAndThenTheEnd) {
  Listen();
  dial = network.Connect(*loop, kAddress, [this](auto socket) {
    raw = std::move(*socket);
    raw->Start(raw_events);
  });
  Idle();
  Say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(Hear().find(std::string("\x07\0\0\0\0\0", 6)), std::string::npos);
  EXPECT_FALSE(raw_ended);  // So that it can be read before a reset overtakes it.
  loop->Advance(seconds(1));
  Hear();
  EXPECT_TRUE(raw_ended);
  EXPECT_EQ(at_down.log, "C");
  EXPECT_EQ(at_down.why, "memory:40001: PROTOCOL_ERROR: the peer speaks HTTP/1, not HTTP/2");
}

TEST_F(LinkTest, ClosingEndsStreamsAtOnceAndTellsThePeer) {
  Start();
  Call call;
  ASSERT_TRUE(Begin(call, "x", false));
  Idle();
  up->Close(Code::kNoError, "enough");
  EXPECT_EQ(call.log, "E");
  EXPECT_EQ(at_up.log, "");  // Not inside Close.
  Idle();
  EXPECT_EQ(at_up.log, "C");
  EXPECT_EQ(at_up.why, "10.0.0.1:50051: closed here: enough");
  EXPECT_EQ(at_down.log, "C");
  EXPECT_EQ(at_down.why,
            "memory:40001: connection closed by the peer after GOAWAY NO_ERROR: enough");
  EXPECT_EQ(server.calls[0]->log, "ME");
}

TEST_F(LinkTest, DroppingALinkEndsItsStreamsAndNothingElseIsHeard) {
  Start();
  Call call;
  ASSERT_TRUE(Begin(call, "x", false));
  Idle();
  up.reset();
  EXPECT_EQ(call.log, "E");
  Idle();
  EXPECT_EQ(at_up.log, "");
  EXPECT_EQ(at_down.why, "memory:40001: connection closed by the peer after GOAWAY NO_ERROR");
}

TEST_F(LinkTest, ItMayBeDroppedInsideEventsOfItsStreams) {
  for (const char* where : {"H", "M", "E"}) {
    at_up.log.clear();
    Start();
    Call call, other;
    const auto drop = [&] { up.reset(); };
    if (*where == 'H') call.on_headers = drop;
    if (*where == 'M') call.on_message = drop;
    if (*where == 'E') call.on_end = drop;
    ASSERT_TRUE(Begin(call, "x"));
    ASSERT_TRUE(Begin(other, "x", false));
    Idle();
    EXPECT_EQ(call.ends(), 1) << where;
    EXPECT_EQ(other.log, "E") << where;
    EXPECT_EQ(at_up.log, "") << where;
    down.reset();
    listener.reset();
  }
}

TEST_F(LinkTest, ItMayBeClosedInsideEventsOfItsStreams) {
  Start();
  Call call, other;
  call.on_message = [&] { up->Close(Code::kNoError, ""); };
  ASSERT_TRUE(Begin(call, "x"));
  ASSERT_TRUE(Begin(other, "x", false));
  Idle();
  EXPECT_EQ(call.log, "HME");
  EXPECT_EQ(other.log, "E");
  EXPECT_EQ(at_up.log, "C");
}

TEST_F(LinkTest, ItMayBeDroppedInsideEachOfItsOwnEvents) {
  for (const char where : {'R', 'D', 'S', 'C'}) {
    Listening drops;
    at_up.log.clear();
    at_up.on_event = [&](char what) {
      if (what == where) up.reset();
    };
    down_options.session.max_streams = 1;
    Listen();
    Dial();
    Idle();
    Call call;
    if (up != nullptr) Begin(call, "x");
    Idle();
    if (up != nullptr) down->Drain("bye");
    Idle();
    EXPECT_EQ(up, nullptr) << where;
    EXPECT_EQ(at_up.log.back(), where);
    down.reset();
    listener.reset();
  }
}

TEST_F(LinkTest, TheLoopsEndIsTheLinksEnd) {
  Start();
  Call call;
  ASSERT_TRUE(Begin(call, "x", false));
  Idle();
  loop->Stop();
  EXPECT_EQ(call.log, "E");
  EXPECT_EQ(at_up.log, "C");
  EXPECT_EQ(at_up.why, "10.0.0.1:50051: its event loop stops");
}

// -- Draining.

TEST_F(LinkTest, ADrainingServerLosesNoCall) {
  Start();
  server.prepare = [](Call& call) {
    call.pull_more = true;
    call.stream.Pull();
  };
  Call running, crossing;
  ASSERT_TRUE(Begin(running, "x"));
  Idle();
  down->Drain("max_age");
  ASSERT_TRUE(Begin(crossing, "x"));  // Before the GOAWAY arrives.
  Idle();
  EXPECT_EQ(at_up.log, "D");
  EXPECT_EQ(up->slots(), 0u);
  EXPECT_EQ(at_up.goaway.code, Code::kNoError);
  ASSERT_EQ(server.calls.size(), 2u);
  for (auto& call : server.calls) {
    call->stream.Respond(http2::kResponse, {}, false);
    call->stream.Send(FrameMessage("done"), false);
    call->stream.Finish(http2::kOk, {});
  }
  Idle();
  EXPECT_EQ(running.log, "HME");
  EXPECT_EQ(crossing.log, "HME");
  EXPECT_EQ(at_up.log, "DC");
  EXPECT_EQ(at_up.why, "10.0.0.1:50051: GOAWAY NO_ERROR: max_age");
  EXPECT_EQ(at_down.log, "C");
  EXPECT_EQ(at_down.why, "memory:40001: drained: max_age");
}

TEST_F(LinkTest, ADrainingServerWaitsForTheLastByteToBeTaken) {
  network.set_traffic({.chunk = 1000, .buffer = 2000});
  Start();
  server.prepare = [](Call& call) {
    call.on_half_close = [&call] {
      call.stream.Respond(http2::kResponse, {}, false);
      call.stream.Send(FrameMessage(std::string(500000, 'r')), false);
      call.stream.Finish(http2::kOk, {});
    };
  };
  Call call;
  ASSERT_TRUE(up->connection().Start(call.stream, call, http2::kEcho, {}, Slice(), true));
  loop->RunTurn();
  loop->RunTurn();
  down->Drain();
  Idle();
  EXPECT_EQ(call.log, "HME");
  EXPECT_EQ(call.messages[0].size(), 500000u);
  EXPECT_EQ(at_down.why, "memory:40001: drained");
}

TEST_F(LinkTest, APeerThatIgnoresTheDrainPingIsNotWaitedFor) {
  Listen();
  dial = network.Connect(*loop, kAddress, [this](auto socket) {
    raw = std::move(*socket);
    raw->Start(raw_events);
  });
  Idle();
  Say(http2::kHello);
  Hear();
  down->Drain("bye");
  Idle();
  EXPECT_EQ(Hear().find("bye"), std::string::npos);
  loop->Advance(seconds(5));
  EXPECT_NE(Hear().find("bye"), std::string::npos);
  EXPECT_FALSE(raw_ended);
  loop->Advance(seconds(1));
  Hear();
  EXPECT_TRUE(raw_ended);
}

TEST_F(LinkTest, StreamsAboveTheLastIdOfAGoAwayWereNotProcessed) {
  Listen(true);
  Dial();
  Say(http2::Frame(http2::kSettings, 0, 0, ""));
  Call first, second;
  ASSERT_TRUE(Begin(first, "x"));
  ASSERT_TRUE(Begin(second, "x"));
  Idle();
  Say(GoAwayFrame(1, Code::kNoError, "max_age"));
  EXPECT_EQ(at_up.log, "RD");
  EXPECT_EQ(first.log, "");
  EXPECT_EQ(second.end.closed.fate, Fate::kNotProcessed);
  EXPECT_EQ(second.end.closed.cause, Cause::kGoAway);
}

TEST_F(LinkTest, TheWordsOfAnAngryGoAwayAreTheCause) {
  Listen(true);
  Dial();
  Say(http2::Frame(http2::kSettings, 0, 0, ""));
  Call call;
  ASSERT_TRUE(Begin(call, "x"));
  Idle();
  Say(GoAwayFrame(1, Code::kEnhanceYourCalm, "too_many_\x01pings"));
  raw.reset();
  Idle();
  EXPECT_EQ(at_up.log, "RDC");
  EXPECT_EQ(at_up.why, "10.0.0.1:50051: GOAWAY ENHANCE_YOUR_CALM: too_many_?pings");
}

TEST_F(LinkTest, StreamIdsNearTheirEndAreADrain) {
  up_options.session.last_stream_id = 3;
  Start();
  Call a, b, c;
  ASSERT_TRUE(Begin(a, "x"));
  ASSERT_TRUE(Begin(b, "x"));
  EXPECT_FALSE(Begin(c, "x"));
  Idle();
  EXPECT_EQ(b.log, "HME");
  EXPECT_EQ(at_up.log, "DC");
  EXPECT_EQ(at_up.goaway.debug, "stream ids run out");
  EXPECT_EQ(at_up.why, "10.0.0.1:50051: stream ids run out");
}

TEST_F(LinkTest, ADrainingClientClosesAfterItsLastStream) {
  Start();
  Call call;
  ASSERT_TRUE(Begin(call, "x", false));
  up->Drain();
  EXPECT_EQ(up->slots(), 0u);
  Idle();
  EXPECT_EQ(at_up.log, "");
  call.stream.Send(Slice(), true);
  Idle();
  EXPECT_EQ(call.log, "HME");
  EXPECT_EQ(at_up.log, "C");
  EXPECT_EQ(at_up.why, "10.0.0.1:50051: drained");
}

TEST_F(LinkTest, ACompleteAnswerOutlivesItsConnection) {
  Start();
  Call call;
  ASSERT_TRUE(
      up->connection().Start(call.stream, call, http2::kEcho, {}, FrameMessage("kept"), true, 0));
  Idle();
  network.Reset(kAddress);
  Idle();
  EXPECT_EQ(at_up.log, "D");
  EXPECT_EQ(call.log, "H");
  call.stream.Pull(2);
  Idle();
  EXPECT_EQ(call.log, "HME");
  EXPECT_EQ(call.status, "0");
  EXPECT_EQ(at_up.log, "DC");
}

// -- Back-pressure and limits.

TEST_F(LinkTest, AFrozenPeerGoesOnWhereItStopped) {
  Start();
  Call call;
  network.Freeze(kAddress);
  ASSERT_TRUE(Begin(call, std::string(3 << 20, 'z')));
  loop->Advance(seconds(30));
  EXPECT_EQ(call.log, "");
  network.Heal(kAddress);
  Idle();
  EXPECT_EQ(call.log, "HME");
}

TEST_F(LinkTest, APeerThatTakesNoByteOfAServerIsDropped) {
  network.set_traffic({.buffer = 16 << 10});
  Start();
  server.prepare = [](Call&) {};
  Call call;
  ASSERT_TRUE(Begin(call, "x"));
  Idle();
  network.Freeze(kAddress);
  server.calls[0]->stream.Respond(http2::kResponse, {}, false);
  server.calls[0]->stream.Send(FrameMessage(std::string(60000, 'z')), false);
  loop->Advance(seconds(59));
  EXPECT_EQ(at_down.log, "");
  loop->Advance(seconds(16));
  EXPECT_EQ(at_down.log, "C");
  EXPECT_EQ(at_down.why, "memory:40001: took no byte for 60000 ms");
}

TEST_F(LinkTest, AStreamWhoseBytesNobodyTakesIsReset) {
  Start();
  server.prepare = [](Call&) {};
  Call call, healthy;
  ASSERT_TRUE(
      up->connection().Start(call.stream, call, http2::kEcho, {}, FrameMessage("x"), true, 0));
  ASSERT_TRUE(Begin(healthy, "x", false));
  Idle();
  server.calls[0]->stream.Respond(http2::kResponse, {}, false);
  server.calls[0]->stream.Send(FrameMessage(std::string(1 << 20, 'z')), false);
  loop->Advance(seconds(59));
  EXPECT_EQ(server.calls[0]->log, "");
  loop->Advance(seconds(16));
  EXPECT_EQ(server.calls[0]->log, "E");
  EXPECT_EQ(server.calls[0]->end.why, Why::kStalled);
  EXPECT_EQ(call.end.closed.code, Code::kCancel);
  EXPECT_EQ(healthy.log, "");
  EXPECT_EQ(at_up.log + at_down.log, "");
}

TEST_F(LinkTest, OneTurnReadsNoMoreThanItsBudget) {
  down_options.read_budget = 64 << 10;
  network.set_traffic({.buffer = 4 << 20});
  down_options.session.stream_window = 1 << 20;
  Start();
  Call call;
  ASSERT_TRUE(Begin(call, std::string(900000, 'z')));
  loop->RunTurn();
  const size_t before = network.bytes_moved();
  loop->RunTurn();
  EXPECT_LE(network.bytes_moved() - before, 128u << 10);
  Idle();
  EXPECT_EQ(call.log, "HME");
}

}  // namespace
}  // namespace rondo::transport

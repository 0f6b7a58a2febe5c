// Whether the peer lives: stalls (reliability 3.3) and keepalive (behaviour 5.1, A8, A9).
#include "transport/pulse.h"

#include "transport/link_fixture.h"

namespace rondo::transport {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class PulseTest : public LinkTest {
 protected:
  struct Told final : Listening {
    void OnSuspect(bool suspect) override { Note(suspect ? '?' : '!'); }
  };
  PulseTest() { up_options.pulse.stall.enabled = true; }
  // As Start, with a peer that the test plays and that has said its SETTINGS.
  void StartRaw() {
    Listen(/*raw_end=*/true);
    dial = network.Connect(*loop, kAddress, [this](auto socket) {
      up =
          std::make_unique<Link>(*loop, std::move(*socket), http2::Role::kClient, up_options, told);
    });
    Idle();
    Say(http2::Frame(http2::kSettings, 0, 0, ""));
    ASSERT_EQ(told.log, "R");
    told.log.clear();
    Hear();
  }
  void Ask() {
    calls.push_back(std::make_unique<Call>());
    ASSERT_TRUE(Begin(*calls.back(), "x"));
    Idle();
  }
  void Advance(Duration d) { loop->Advance(d); }
  // The PINGs that have come since this was last asked.
  int Pings() {
    const std::string heard = Hear();
    int count = 0;
    for (size_t at = heard.find(kPing); at != std::string::npos; at = heard.find(kPing, at + 1)) {
      ++count;
    }
    return count;
  }
  // The peer answers each PING at once; how many there were.
  int AdvanceAnswering(Duration d) {
    int all = 0;
    for (Duration left = d; left > Duration{}; left -= milliseconds(10)) {
      Advance(milliseconds(10));
      for (int n = Pings(); n > 0; --n, ++all) Pong();
    }
    return all;
  }
  void Pong() { Say(http2::Frame(6, 1, 0, "lupodnor")); }
  void Answer() {  // The headers of the call with this id.
    Say(http2::Frame(http2::kHeaders, 4, id, "\x88"));
  }

  static constexpr std::string_view kPing{"\0\0\x08\x06\0\0\0\0\0", 9};
  Told told;
  std::vector<std::unique_ptr<Call>> calls;
  uint32_t id = 1;
};

// ---- Stalls.
TEST_F(PulseTest, ASilenceWhileACallWaitsIsAskedAfterByOnePing) {
  StartRaw();
  Ask();
  Advance(milliseconds(99));
  EXPECT_EQ(Pings(), 0);
  Advance(milliseconds(1));
  EXPECT_EQ(Pings(), 1);
  Advance(milliseconds(100));
  Ask();
  Advance(milliseconds(99));
  EXPECT_EQ(Pings(), 0);
  EXPECT_EQ(told.log, "");
}
TEST_F(PulseTest, WhoDoesNotAnswerThePingIsSuspectUntilAByteComes) {
  StartRaw();
  Ask();
  Advance(milliseconds(299));
  EXPECT_EQ(told.log, "");
  Advance(milliseconds(1));
  EXPECT_EQ(told.log, "?");
  Advance(seconds(50));
  EXPECT_EQ(told.log, "?");
  EXPECT_EQ(Pings(), 1);
  Say(std::string(1, '\0'));  // One byte, of no matter what.
  EXPECT_EQ(told.log, "?!");
  EXPECT_EQ(up->open_streams(), 1u);
}
TEST_F(PulseTest, ASlowHandlerThatAnswersPingsIsNeverSuspect) {
  StartRaw();
  int pings = 0;
  for (int i = 0; i < 100; ++i) {
    Ask();
    pings += AdvanceAnswering(milliseconds(150));
  }
  EXPECT_EQ(told.log, "");
  EXPECT_EQ(pings, 2);  // Within what every server bears while it sends nothing.
}
TEST_F(PulseTest, PingsForNothingAreForgivenByHeadersOrData) {
  StartRaw();
  int pings = 0;
  for (int i = 0; i < 20; ++i, id += 2) {
    Ask();
    pings += AdvanceAnswering(seconds(1));
    Answer();
  }
  EXPECT_EQ(pings, 20);
}
TEST_F(PulseTest, WithoutHeadersAndDataThereIsOnePingInAboutFiveMinutesAfterTwo) {
  StartRaw();
  for (int i = 0; i < 2; ++i) {
    Ask();
    EXPECT_EQ(AdvanceAnswering(seconds(1)), 1);
  }
  Ask();
  EXPECT_EQ(AdvanceAnswering(minutes(5) + seconds(8)), 0);
  EXPECT_EQ(AdvanceAnswering(seconds(4)), 1);
}
TEST_F(PulseTest, SilenceIsForgivenLongerEachTimeThePingWasForNothing) {
  StartRaw();
  for (const int silence : {100, 200, 400, 800, 800}) {
    Ask();
    Advance(milliseconds(silence - 1));
    EXPECT_EQ(Pings(), 0) << silence;
    Advance(milliseconds(1));
    EXPECT_EQ(Pings(), 1) << silence;
    Pong();
    Answer();
    id += 2;
  }
  Advance(minutes(1));
  Ask();
  Advance(milliseconds(100));
  EXPECT_EQ(Pings(), 1);
}
TEST_F(PulseTest, ALongRoundTripIsNoSilence) {
  network.set_traffic({.delay_min = milliseconds(300), .delay_max = milliseconds(300)});
  Listen();
  dial = network.Connect(*loop, kAddress, [this](auto socket) {
    up = std::make_unique<Link>(*loop, std::move(*socket), http2::Role::kClient, up_options, told);
  });
  Advance(seconds(5));
  for (int i = 0; i < 20; ++i) {
    Ask();
    Advance(seconds(2));
    EXPECT_EQ(calls.back()->log, "HME");
  }
  EXPECT_EQ(told.log, "R");
}
TEST_F(PulseTest, AStallIsNotTakenForALongRoundTrip) {
  StartRaw();
  for (int i = 0; i < 5; ++i, id += 2) {
    Ask();
    Advance(seconds(10));
    Pong();
    Answer();
  }
  EXPECT_EQ(told.log, "?!?!?!?!?!");
  Ask();
  Advance(milliseconds(400));
  EXPECT_EQ(told.log, "?!?!?!?!?!?");
}
TEST_F(PulseTest, WithoutACallNothingIsAsked) {
  StartRaw();
  Ask();
  calls[0]->stream.Cancel(http2::Code::kCancel);
  Advance(hours(1));
  EXPECT_EQ(Pings(), 0);
}
TEST_F(PulseTest, CallsThatGiveUpBeforeTheSilenceIsLongEnoughCountTogether) {
  StartRaw();
  for (int i = 0; i < 10; ++i) {
    Ask();
    Advance(milliseconds(50));
    calls.back()->stream.Cancel(http2::Code::kCancel);
    Advance(milliseconds(10));
  }
  EXPECT_EQ(told.log, "?");
  EXPECT_EQ(Pings(), 1);
}
TEST_F(PulseTest, WhatACallWaitedIsForgottenAfterIdleMinutes) {
  StartRaw();
  Ask();
  Advance(milliseconds(50));
  calls.back()->stream.Cancel(http2::Code::kCancel);
  Advance(minutes(2));
  Ask();
  Advance(milliseconds(99));
  EXPECT_EQ(Pings(), 0);
  Advance(milliseconds(1));
  EXPECT_EQ(Pings(), 1);
}
TEST_F(PulseTest, WhatACallWaitedCountsForOneThatComesSoon) {
  StartRaw();
  Ask();
  Advance(milliseconds(50));
  calls.back()->stream.Cancel(http2::Code::kCancel);
  Advance(seconds(10));
  Ask();
  Advance(milliseconds(1));
  EXPECT_EQ(Pings(), 1);
}
TEST_F(PulseTest, AnAnswerThatWaitsToBeReadWhenTheTimeIsOverCounts) {
  StartRaw();
  Ask();
  Advance(milliseconds(100));
  // The loop was held up: the timer and the answer are due in the same turn.
  const std::string pong = http2::Frame(6, 1, 0, "lupodnor");
  const iovec v{const_cast<char*>(pong.data()), pong.size()};
  auto later = loop->After(milliseconds(200), [&] { raw->Write({&v, 1}); });
  Advance(milliseconds(200));
  EXPECT_EQ(told.log, "");
}
TEST_F(PulseTest, StallDetectionCanBeOff) {
  up_options.pulse.stall.enabled = false;
  StartRaw();
  Ask();
  Advance(hours(1));
  EXPECT_EQ(Pings(), 0);
  EXPECT_EQ(told.log, "");
}

// ---- Keepalive, client (A8).
class KeepaliveTest : public PulseTest {
 protected:
  KeepaliveTest() {
    up_options.pulse.stall.enabled = false;
    up_options.pulse.keepalive_time = seconds(10);
    up_options.pulse.keepalive_timeout = seconds(5);
  }
};
TEST_F(KeepaliveTest, APingGoesAfterSoLongWithoutAByte) {
  StartRaw();
  Ask();
  Advance(seconds(6));
  Say(http2::Frame(http2::kSettings, 1, 0, ""));
  Advance(seconds(10) - milliseconds(1));
  EXPECT_EQ(Pings(), 0);
  Advance(milliseconds(1));
  EXPECT_EQ(Pings(), 1);
}
TEST_F(KeepaliveTest, AConnectionThatDoesNotAnswerIsClosed) {
  StartRaw();
  Ask();
  Advance(seconds(15) - milliseconds(1));
  EXPECT_EQ(told.log, "");
  Advance(milliseconds(1));
  EXPECT_EQ(told.log, "C");
  EXPECT_EQ(told.why, "10.0.0.1:50051: keepalive: no byte came within 5000 ms of a PING");
  EXPECT_EQ(calls[0]->log, "E");
  EXPECT_EQ(calls[0]->end.closed.cause, http2::Cause::kConnection);
}
TEST_F(KeepaliveTest, OneThatAnswersStaysAndIsAskedAgain) {
  StartRaw();
  Ask();
  int pings = 0;
  for (int i = 0; i < 100; ++i) {
    Advance(seconds(1));
    const int n = Pings();
    pings += n;
    if (n > 0) Pong();
  }
  EXPECT_EQ(pings, 10);
  EXPECT_EQ(told.log, "");
}
TEST_F(KeepaliveTest, WithoutCallsItSleepsUnlessPermitted) {
  StartRaw();
  Advance(hours(1));
  EXPECT_EQ(Pings(), 0);
  EXPECT_EQ(told.log, "");
}
TEST_F(KeepaliveTest, APermittedOneIsAskedWithoutCalls) {
  up_options.pulse.permit_without_calls = true;
  StartRaw();
  Advance(seconds(10));
  EXPECT_EQ(Pings(), 1);
  Advance(seconds(5));
  EXPECT_EQ(told.log, "C");
}
TEST_F(KeepaliveTest, WakingAfterALongSleepItAsksAtOnce) {
  StartRaw();
  Ask();
  Advance(seconds(9));
  calls[0]->stream.Cancel(http2::Code::kCancel);
  Advance(seconds(20));
  EXPECT_EQ(Pings(), 0);
  Ask();
  Advance(milliseconds(1));
  EXPECT_EQ(Pings(), 1);
}
TEST_F(KeepaliveTest, AStallDoesNotPutKeepaliveOff) {
  up_options.pulse.stall.enabled = true;
  StartRaw();
  Ask();
  Advance(seconds(1));
  EXPECT_EQ(told.log, "?");
  Advance(seconds(14));
  EXPECT_EQ(told.log, "?C");
}

// ---- Keepalive, server (A9).
class ServerKeepaliveTest : public LinkTest {
 protected:
  ServerKeepaliveTest() {
    down_options.pulse.keepalive_time = hours(2);
    down_options.pulse.permit_without_calls = true;
  }
};
TEST_F(ServerKeepaliveTest, AClientThatVanishesIsClosed) {
  Start();
  network.Freeze(kAddress);
  loop->Advance(hours(2) + seconds(19));
  EXPECT_EQ(at_down.log, "");
  loop->Advance(seconds(1));
  EXPECT_EQ(at_down.log, "C");
  EXPECT_EQ(at_down.why, up->local() + ": keepalive: no byte came within 20000 ms of a PING");
}
TEST_F(ServerKeepaliveTest, AClientThatAnswersIsKept) {
  Start();
  loop->Advance(hours(24));
  EXPECT_EQ(at_down.log, "");
}

// ---- Strikes (A9).
class StrikesTest : public LinkTest {
 protected:
  StrikesTest() { down_options.limits.pings.min_time = minutes(5); }
  void Ping(Duration after) {
    loop->Advance(after);
    up->connection().Ping(1);
    Idle();
  }
};
TEST_F(StrikesTest, TheFourthPingTooSoonEndsTheConnection) {
  Start();
  Call call;
  ASSERT_TRUE(Begin(call, "x", /*end=*/false));
  for (int i = 0; i < 3; ++i) Ping(seconds(10));
  EXPECT_EQ(at_up.log, "");
  Ping(seconds(10));
  EXPECT_EQ(at_up.log, "D");
  EXPECT_EQ(at_up.goaway.code, http2::Code::kEnhanceYourCalm);
  EXPECT_EQ(at_up.goaway.debug, "too_many_pings");
  loop->Advance(seconds(2));
  EXPECT_EQ(at_down.why, up->local() + ": ENHANCE_YOUR_CALM: too_many_pings");
}
TEST_F(StrikesTest, WhatTheServerSendsForgivesThem) {
  Start();
  for (int i = 0; i < 20; ++i) {
    Call call;
    ASSERT_TRUE(Begin(call, "x"));
    Idle();
    ASSERT_EQ(call.log, "HME");
    for (int k = 0; k < 3; ++k) Ping(seconds(1));
  }
  EXPECT_EQ(at_up.log, "");
}
TEST_F(StrikesTest, PingsInGoodTimeAreNone) {
  Start();
  Call call;
  ASSERT_TRUE(Begin(call, "x", /*end=*/false));
  for (int i = 0; i < 20; ++i) Ping(minutes(5));
  EXPECT_EQ(at_up.log, "");
}
TEST_F(StrikesTest, WithoutCallsTwoHoursMustPassUnlessPermitted) {
  Start();
  for (int i = 0; i < 4; ++i) Ping(minutes(119));
  EXPECT_EQ(at_up.log, "DC");
}
TEST_F(StrikesTest, PermittedPingsWithoutCallsAreNone) {
  down_options.limits.pings.permit_without_calls = true;
  Start();
  for (int i = 0; i < 20; ++i) Ping(minutes(5));
  EXPECT_EQ(at_up.log, "");
}
TEST_F(StrikesTest, OurOwnStallPingsNeverCostThree) {
  up_options.pulse.stall.enabled = true;
  Start();
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 500; ++i) {  // A server whose handlers all take for ever.
    calls.push_back(std::make_unique<Call>());
    ASSERT_TRUE(Begin(*calls.back(), "x", /*end=*/false));
    loop->Advance(seconds(3));
    if (i >= 50) calls[static_cast<size_t>(i) - 50]->stream.Cancel(http2::Code::kCancel);
  }
  EXPECT_EQ(at_up.log, "");
}

}  // namespace
}  // namespace rondo::transport

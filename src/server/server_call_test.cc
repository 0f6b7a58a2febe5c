// The four kinds of calls, metadata, deadlines, cancelling: what a handler sees and a client gets.
#include <future>

#include "server/server_fixture.h"

namespace rondo::server {
namespace {

using namespace std::chrono_literals;

class ServerCallTest : public ServerTest {};

TEST_F(ServerCallTest, AUnaryCallIsAnswered) {
  OnEcho();
  Start();
  ClientCall& call = Ask("/a.Echo/Say", "hello");
  EXPECT_EQ(call.head, ":status=200");
  EXPECT_EQ(call.messages, std::vector<std::string>{"hello"});
  EXPECT_EQ(call.trailers, "grpc-status=0");
}

TEST_F(ServerCallTest, CallsAreIndependentOfEachOther) {
  OnEcho();
  Start();
  for (int i = 0; i < 50; ++i) {
    Open("/a.Echo/Say").stream.Send(FrameMessage(std::to_string(i)), true);
  }
  Idle();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(calls[static_cast<size_t>(i)].messages, std::vector<std::string>{std::to_string(i)});
  }
}

TEST_F(ServerCallTest, AnEmptyRequestAndAnEmptyReplyPass) {
  OnEcho();
  Start();
  ClientCall& call = Ask("/a.Echo/Say", "");
  EXPECT_EQ(call.messages, std::vector<std::string>{""});
  EXPECT_EQ(call.trailers, "grpc-status=0");
}

TEST_F(ServerCallTest, ABigMessagePassesBothWays) {
  OnEcho();
  Start();
  const std::string big(3 << 20, 'x');
  EXPECT_TRUE(Ask("/a.Echo/Say", big).messages.at(0) == big);
}

TEST_F(ServerCallTest, AHandlerSeesTheCall) {
  On("/a.Echo/Say", kUnary, [this](ServerCall& call, Bytes) {
    log = std::string(call.method()) + " " + call.peer() + " " +
          std::string(call.metadata().Find("tenant").value_or("none")) + " " +
          std::string(call.metadata().Find("trace-bin").value_or("none")) +
          (call.deadline() ? " deadline" : "") + (&call.loop() == loop.get() ? " here" : "");
    call.Reply(FrameMessage(""));
  });
  Start();
  Ask("/a.Echo/Say", "", {{"tenant", "blue"}, {"trace-bin", "Zm9v"}});
  EXPECT_EQ(log, "/a.Echo/Say " + clients[0].link->local() + " blue foo here");
}

TEST_F(ServerCallTest, HeadersAndTrailersGoOut) {
  On("/a.Echo/Say", kUnary, [](ServerCall& call, Bytes) {
    call.AddHeader("x-head", "1");
    call.AddTrailer("x-tail-bin", "foo");
    call.Reply(FrameMessage("r"));
  });
  Start();
  ClientCall& call = Ask("/a.Echo/Say");
  EXPECT_EQ(call.head, ":status=200 x-head=1");
  EXPECT_EQ(call.trailers, "grpc-status=0 x-tail-bin=Zm9v");
}

TEST_F(ServerCallTest, AnErrorBeforeAnythingElseIsTrailersOnly) {
  On("/a.Echo/Say", kUnary, [](ServerCall& call, Bytes) {
    call.AddTrailer("x-tail", "1");
    call.Finish(absl::NotFoundError("no such th\xc3\xadng"));
  });
  Start();
  ClientCall& call = Ask("/a.Echo/Say");
  EXPECT_EQ(call.head, "");
  EXPECT_EQ(call.trailers, ":status=200 grpc-status=5 grpc-message=no such th%C3%ADng x-tail=1");
}

TEST_F(ServerCallTest, AnErrorAfterHeadersKeepsThem) {
  On("/a.Echo/Say", kUnary, [](ServerCall& call, Bytes) {
    call.AddHeader("x-head", "1");
    call.Finish(absl::NotFoundError("gone"));
  });
  Start();
  ClientCall& call = Ask("/a.Echo/Say");
  EXPECT_EQ(call.head, ":status=200 x-head=1");
  EXPECT_EQ(call.trailers, "grpc-status=5 grpc-message=gone");
}

TEST_F(ServerCallTest, AWrongHeaderFailsTheCall) {
  On("/a.Echo/Say", kUnary, [](ServerCall& call, Bytes) {
    call.AddHeader("Bad Key", "1");
    call.Reply(FrameMessage("r"));
  });
  Start();
  EXPECT_EQ(Ask("/a.Echo/Say").trailers,
            ":status=200 grpc-status=13 grpc-message=metadata key \"Bad Key\": has the byte 0x42, "
            "allowed are 0-9 a-z _ . -");
}

TEST_F(ServerCallTest, AWrongTrailerFailsTheCall) {
  On("/a.Echo/Say", kUnary, [](ServerCall& call, Bytes) {
    call.AddTrailer("grpc-x", "1");
    call.Reply(FrameMessage("r"));
  });
  Start();
  EXPECT_EQ(Ask("/a.Echo/Say").trailers,
            "grpc-status=13 grpc-message=metadata key \"grpc-x\": names that begin with grpc- are "
            "gRPC's own");
}

TEST_F(ServerCallTest, HeadersMayGoBeforeTheFirstMessage) {
  On("/a.Echo/Keep", kBoth, [this](ServerCall& call, Bytes) {
    call.AddHeader("x-head", "1");
    call.SendHeaders();
    call.SendHeaders();
    kept.push_back(&call);
  });
  Start();
  ClientCall& call = Open("/a.Echo/Keep");
  Idle();
  EXPECT_EQ(call.head, ":status=200 x-head=1");
  kept[0]->Finish(absl::OkStatus());
  Idle();
  EXPECT_EQ(call.trailers, "grpc-status=0");
}

// ---- Streams.

TEST_F(ServerCallTest, ServerStreamingWritesManyReplies) {
  On("/a.Echo/Many", kServerStreams, [](ServerCall& call, Bytes request) {
    struct Counter {
      static void Next(ServerCall& c, int n, std::string text) {
        if (n == 0) return c.Finish(absl::OkStatus());
        Slice framed = FrameMessage(text + std::to_string(n));
        c.Write(std::move(framed), [&c, n, text](bool room) {
          EXPECT_TRUE(room);
          Next(c, n - 1, text);
        });
      }
    };
    Counter::Next(call, 3, Text(request));
  });
  Start();
  ClientCall& call = Ask("/a.Echo/Many", "r");
  EXPECT_EQ(call.messages, (std::vector<std::string>{"r3", "r2", "r1"}));
  EXPECT_EQ(call.trailers, "grpc-status=0");
}

struct Summing {  // Reads to the end, then tells how much came.
  static void Next(ServerCall& call, std::string so_far) {
    call.Read([&call, so_far](std::optional<Bytes> bytes) {
      if (!bytes) return call.Reply(FrameMessage(so_far));
      Next(call, so_far + Text(*bytes));
    });
  }
};

TEST_F(ServerCallTest, ClientStreamingReadsManyRequests) {
  On("/a.Echo/Sum", kClientStreams, [](ServerCall& call, Bytes) { Summing::Next(call, ""); });
  Start();
  ClientCall& call = Open("/a.Echo/Sum");
  for (const char* word : {"a", "b", "c"}) Say(call, word);
  EXPECT_EQ(call.end, "");
  EndRequests(call);
  EXPECT_EQ(call.messages, std::vector<std::string>{"abc"});
  EXPECT_EQ(call.trailers, "grpc-status=0");
}

TEST_F(ServerCallTest, ClientStreamingWithoutARequestIsFine) {
  On("/a.Echo/Sum", kClientStreams, [](ServerCall& call, Bytes) { Summing::Next(call, "-"); });
  Start();
  ClientCall& call = Open("/a.Echo/Sum");
  EndRequests(call);
  EXPECT_EQ(call.messages, std::vector<std::string>{"-"});
}

struct Echoing {
  static void Next(ServerCall& call) {
    call.Read([&call](std::optional<Bytes> bytes) {
      if (!bytes) return call.Finish(absl::OkStatus());
      call.Write(FrameMessage(Text(*bytes)), [&call](bool) { Next(call); });
    });
  }
};

TEST_F(ServerCallTest, BothWaysAtOncePingPong) {
  On("/a.Echo/Talk", kBoth, [](ServerCall& call, Bytes) { Echoing::Next(call); });
  Start();
  ClientCall& call = Open("/a.Echo/Talk");
  Say(call, "one");
  EXPECT_EQ(call.messages.size(), 1u);
  Say(call, "two");
  EXPECT_EQ(call.messages, (std::vector<std::string>{"one", "two"}));
  EndRequests(call);
  EXPECT_EQ(call.trailers, "grpc-status=0");
}

TEST_F(ServerCallTest, BothWaysWithoutAMessageEndsWell) {
  On("/a.Echo/Talk", kBoth, [](ServerCall& call, Bytes) { Echoing::Next(call); });
  Start();
  ClientCall& call = Open("/a.Echo/Talk");
  EndRequests(call);
  EXPECT_EQ(call.trailers, ":status=200 grpc-status=0");
}

TEST_F(ServerCallTest, NoCallbackRunsInsideTheCallThatRegisteredIt) {
  OnKeep();
  Start();
  ClientCall& client = Open("/a.Echo/Keep");
  EndRequests(client);
  ServerCall& call = *kept.at(0);
  call.Read([this](std::optional<Bytes>) { log += "read "; });
  call.Write(FrameMessage("x"), [this](bool) { log += "written "; });
  EXPECT_EQ(log, "");
  Idle();
  EXPECT_EQ(log, "read written ");
  client.stream.Cancel();
  Idle();
  call.OnCancel([this] { log += "again"; });
  EXPECT_EQ(log, "read written cancelled ");
  Idle();
  EXPECT_EQ(log, "read written cancelled again");
  call.Finish(absl::OkStatus());
}

TEST_F(ServerCallTest, ASecondReadOrWriteHearsThatItIsOver) {
  OnKeep();
  Start();
  ClientCall& client = Open("/a.Echo/Keep", {}, 0);
  client.pull_more = false;
  Idle();
  ServerCall& call = *kept.at(0);
  call.Read([this](std::optional<Bytes> b) { log += b ? "first " : "? "; });
  call.Read([this](std::optional<Bytes> b) { log += b ? "? " : "second over "; });
  call.Write(FrameMessage(std::string(2 << 20, 'x')), [this](bool) { log += "? "; });
  call.Write(FrameMessage("x"), [this](bool room) { log += room ? "? " : "write over "; });
  Idle();
  EXPECT_EQ(log, "second over write over ");
  Say(client, "m");
  EXPECT_EQ(log, "second over write over first ");
  call.Finish(absl::OkStatus());
}

TEST_F(ServerCallTest, NothingIsHeardAfterFinish) {
  OnKeep();
  Start();
  ClientCall& client = Open("/a.Echo/Keep");
  Idle();
  ServerCall& call = *kept.at(0);
  call.Read([this](std::optional<Bytes>) { log += "read "; });
  call.Write(FrameMessage("x"), [this](bool) { log += "written "; });
  call.Finish(absl::OkStatus());
  Say(client, "m", true);
  client.stream.Cancel();
  Idle();
  EXPECT_EQ(log, "");
}

TEST_F(ServerCallTest, AWriterIsHeldBackByAReaderThatIsSlow) {
  OnKeep();
  Start();
  ClientCall& client = Open("/a.Echo/Keep", {}, 0);
  client.pull_more = false;
  Idle();
  size_t written = 0;
  std::function<void()> next = [&] {
    kept[0]->Write(FrameMessage(std::string(100'000, 'x')), [&](bool room) {
      if (room) written += 100'000;
      if (room && written < 10'000'000) next();
    });
  };
  next();
  Idle();
  EXPECT_LT(written, 2u << 20);  // A window and what may wait for it.
  client.pull_more = true;
  client.stream.Pull();
  Idle();
  EXPECT_EQ(written, 10'000'000u);
  kept[0]->Finish(absl::OkStatus());
}

TEST_F(ServerCallTest, AWriterThatNeverWaitsLeavesOthersTheirTurns) {
  OnEcho();
  On("/a.Echo/Flood", kServerStreams, [](ServerCall& call, Bytes) {
    struct Flood {
      static void Next(ServerCall& c) {
        c.Write(FrameMessage(std::string(1000, 'x')), [&c](bool room) {
          if (!room) return c.Finish(absl::OkStatus());
          Next(c);
        });
      }
    };
    Flood::Next(call);
  });
  Start();
  ClientCall& flood = Open("/a.Echo/Flood");
  flood.stream.Send(FrameMessage(""), true);
  ClientCall& small = Open("/a.Echo/Say");
  small.stream.Send(FrameMessage("me too"), true);
  for (int i = 0; i < 200 && small.end.empty(); ++i) loop->RunTurn();
  EXPECT_EQ(small.trailers, "grpc-status=0");
  EXPECT_EQ(flood.end, "");
  flood.stream.Cancel();
}

// ---- Deadlines and cancelling.

TEST_F(ServerCallTest, TheDeadlineIsTheCallers) {
  OnKeep();
  Start();
  Open("/a.Echo/Keep", {{"grpc-timeout", "250m"}});
  Idle();
  EXPECT_EQ(kept.at(0)->deadline(), loop->Now() + 250ms);
  kept[0]->Finish(absl::OkStatus());
}

TEST_F(ServerCallTest, APassedDeadlineCancelsAndAnswers) {
  OnKeep();
  Start();
  ClientCall& client = Open("/a.Echo/Keep", {{"grpc-timeout", "250m"}});
  Idle();
  loop->Advance(249ms);
  EXPECT_FALSE(kept.at(0)->cancelled());
  loop->Advance(1ms);
  EXPECT_TRUE(kept[0]->cancelled());
  EXPECT_EQ(log, "cancelled ");
  EXPECT_EQ(client.trailers,
            ":status=200 grpc-status=4 grpc-message=/a.Echo/Keep: the caller's deadline of 250 ms "
            "has passed");
  kept[0]->Finish(absl::OkStatus());  // Nobody hears that.
  Idle();
}

TEST_F(ServerCallTest, APassedDeadlineResetsWhereNothingIsTaken) {
  OnKeep();
  Start();
  ClientCall& client = Open("/a.Echo/Keep", {{"grpc-timeout", "250m"}}, 0);
  Idle();
  kept.at(0)->Write(FrameMessage(std::string(2 << 20, 'x')), [](bool) {});
  loop->Advance(250ms);
  EXPECT_EQ(client.end, "reset CANCEL");
  kept[0]->Finish(absl::OkStatus());
}

TEST_F(ServerCallTest, APassedDeadlineEndsACallWhoseRequestNeverCame) {
  OnEcho();
  Start();
  ClientCall& client = Open("/a.Echo/Say", {{"grpc-timeout", "1S"}});
  loop->Advance(1s);
  EXPECT_EQ(client.trailers,
            ":status=200 grpc-status=4 grpc-message=/a.Echo/Say: the caller's deadline of 1000 ms "
            "has passed");
}

TEST_F(ServerCallTest, ADeadlineThatHasPassedStartsNoHandler) {
  OnKeep();
  Start();
  ClientCall& client = Open("/a.Echo/Keep", {{"grpc-timeout", "0n"}});
  Idle();
  EXPECT_TRUE(kept.empty());
  EXPECT_EQ(
      client.trailers,
      ":status=200 grpc-status=4 grpc-message=/a.Echo/Keep: the caller's deadline of 0 ms has "
      "passed");
}

TEST_F(ServerCallTest, TheLongestTimeoutIsNoDeadlineThatFires) {
  OnKeep();
  Start();
  Open("/a.Echo/Keep", {{"grpc-timeout", "99999999H"}});
  Idle();
  EXPECT_EQ(kept.at(0)->deadline(), Time::max());
  loop->Advance(24h * 365);
  EXPECT_FALSE(kept[0]->cancelled());
  kept[0]->Finish(absl::OkStatus());
}

TEST_F(ServerCallTest, ACallerThatCancelsIsHeard) {
  OnKeep();
  Start();
  ClientCall& client = Open("/a.Echo/Keep");
  Idle();
  kept.at(0)->Read([this](std::optional<Bytes> b) { log += b ? "?" : "no more "; });
  client.stream.Cancel();
  Idle();
  EXPECT_TRUE(kept[0]->cancelled());
  EXPECT_EQ(log, "cancelled no more ");
  kept[0]->Write(FrameMessage("x"), [this](bool room) { log += room ? "?" : "no room "; });
  Idle();
  EXPECT_EQ(log, "cancelled no more no room ");
  kept[0]->Finish(absl::OkStatus());
}

TEST_F(ServerCallTest, ACancelledUnaryCallWithoutItsRequestStartsNoHandler) {
  OnKeep(kUnary);
  Start();
  ClientCall& client = Open("/a.Echo/Keep");
  Idle();
  client.stream.Cancel();
  Idle();
  EXPECT_TRUE(kept.empty());
}

TEST_F(ServerCallTest, ALostConnectionCancelsItsCallsAndTheyMayFinishLate) {
  OnKeep();
  Start();
  Open("/a.Echo/Keep");
  Idle();
  network.Reset(kAddress);
  Idle();
  EXPECT_EQ(log, "cancelled ");
  EXPECT_EQ(kept.at(0)->peer(), clients[0].link->local());
  kept[0]->AddTrailer("x", "y");
  kept[0]->Finish(absl::NotFoundError("late"));
}

// A call's memory serves the next one: nothing of what was asked of it after its end may last.
TEST_F(ServerCallTest, ACallThatEndedLateLeavesNothingToTheNext) {
  OnKeep();
  OnEcho();
  On("/a.Echo/Talk", kBoth, [](ServerCall& call, Bytes) { Echoing::Next(call); });
  Start();
  for (int i = 0; i < 3; ++i) {
    ClientCall& gone = Open("/a.Echo/Keep", {{"tenant", "blue"}});
    Idle();
    gone.stream.Cancel();
    Idle();
    ServerCall& late = *kept.at(static_cast<size_t>(i));
    late.AddHeader("x", "y");
    late.AddTrailer("x", "y");
    late.Read([](std::optional<Bytes>) {});
    late.Write(FrameMessage("z"), [](bool) {});
    if (i == 0) late.Finish(absl::OkStatus());
    if (i == 1) late.Reply(FrameMessage("r"));
    if (i == 2) late.Finish(absl::AbortedError("a"));
    Idle();
    ClientCall& unary = Ask("/a.Echo/Say", "next");
    EXPECT_EQ(unary.head, ":status=200");
    EXPECT_EQ(unary.messages, std::vector<std::string>{"next"});
    EXPECT_EQ(unary.trailers, "grpc-status=0");
    ClientCall& talk = Open("/a.Echo/Talk");
    Say(talk, "one");
    Say(talk, "two", true);
    EXPECT_EQ(talk.messages, (std::vector<std::string>{"one", "two"}));
  }
}

TEST_F(ServerCallTest, ACallThatWasRefusedLeavesNothingToTheNext) {
  OnEcho();
  Start();
  Ask("/a.Echo/Nothing", "x", {{"tenant", "blue"}});
  Ask("/a.Echo/Say", "x", {{":method", "GET"}});
  EXPECT_EQ(Ask("/a.Echo/Say", "next").messages, std::vector<std::string>{"next"});
}

TEST_F(ServerCallTest, AnEarlyEndTellsTheClientToSendNoMore) {  // RFC 9113 section 8.1
  On("/a.Echo/Sum", kClientStreams,
     [](ServerCall& call, Bytes) { call.Finish(absl::AbortedError("enough")); });
  Start();
  ClientCall& client = Open("/a.Echo/Sum");
  Idle();
  EXPECT_EQ(client.trailers, ":status=200 grpc-status=10 grpc-message=enough");
  EXPECT_FALSE(client.stream.open());
}

TEST_F(ServerCallTest, WorkersRunWhatBlocks) {
  OnKeep();
  Start();
  Open("/a.Echo/Keep");
  Idle();
  std::promise<void> ran;
  EXPECT_TRUE(kept.at(0)->RunOnWorker([&] { ran.set_value(); }));
  ran.get_future().wait();
  kept[0]->Finish(absl::OkStatus());
}

}  // namespace
}  // namespace rondo::server

// Starting, draining, stopping, and going in any order.
#include "server/server_fixture.h"

namespace rondo::server {
namespace {

using namespace std::chrono_literals;

class ServerLifeTest : public ServerTest {
 protected:
  ~ServerLifeTest() override { server.reset(); }  // Its drain speaks to us.
  void Drain(Duration grace) {
    server->DrainAsync(grace, [this](absl::Status status) {
      drained = std::string(absl::StatusCodeToString(status.code())) + " " +
                std::string(status.message());
    });
  }
  std::string drained;
};

// ---- Start.

TEST_F(ServerLifeTest, CredentialsMustBeSaid) {
  options.credentials = {};
  EXPECT_EQ(
      Make().Start(),
      absl::InvalidArgumentError(
          "server: credentials are missing; say rondo::Tls(), or rondo::Insecure() for plaintext"));
}

TEST_F(ServerLifeTest, AnAddressMustBeSaid) {
  options.listen.clear();
  EXPECT_EQ(Make().Start(), absl::InvalidArgumentError("server: listen names no address"));
}

TEST_F(ServerLifeTest, OptionsOutOfTheirRangeAreErrors) {
  options.max_concurrent_streams = 0;
  EXPECT_EQ(Make().Start(), absl::InvalidArgumentError(
                                "server: max_concurrent_streams is 0, it should be 1 or more"));
  options.max_concurrent_streams = 1;
  options.max_header_bytes = 0;
  EXPECT_EQ(Make().Start(), absl::InvalidArgumentError(
                                "server: max_header_bytes is 0, it should be 1 to 1073741823"));
}

TEST_F(ServerLifeTest, TwoHandlersForOnePathAreAnError) {
  OnEcho();
  OnEcho();
  EXPECT_EQ(server->Start(), absl::AlreadyExistsError("server: two handlers for /a.Echo/Say"));
}

TEST_F(ServerLifeTest, ItListensOnEveryAddressOrOnNone) {
  options.listen = {"10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:1"};
  OnEcho();
  EXPECT_FALSE(server->Start().ok());
  EXPECT_TRUE(server->addresses().empty());
  options.listen = {"10.0.0.1:1", "10.0.0.1:2"};
  EXPECT_TRUE(Make().Start().ok());
  EXPECT_EQ(server->addresses(), options.listen);
  EXPECT_EQ(server->port(), 1);
}

TEST_F(ServerLifeTest, ItStartsOnce) {
  OnEcho();
  Start();
  EXPECT_EQ(server->Start(),
            absl::FailedPreconditionError("server: it was started or stopped before"));
}

// ---- Drain.

TEST_F(ServerLifeTest,
       DrainLetsCallsFinishAndThenClosesTheirConnections) {  // users.md: zero errors
  OnKeep();
  Start();
  ClientCall& call = Open("/a.Echo/Keep");
  Idle();
  Drain(1h);
  Idle();
  EXPECT_EQ(clients[0].goaways, std::vector<std::string>{"NO_ERROR "});
  EXPECT_EQ(drained, "");
  EXPECT_EQ(log, "");
  kept.at(0)->Finish(absl::OkStatus());
  loop->Advance(2s);
  EXPECT_EQ(call.trailers, ":status=200 grpc-status=0");
  EXPECT_NE(clients[0].closed, "");
  EXPECT_EQ(drained, "OK ");
}

TEST_F(ServerLifeTest, DrainTakesNoNewConnections) {
  OnKeep();
  Start();
  Open("/a.Echo/Keep");
  Idle();
  Drain(1h);
  Idle();
  std::string refused;
  auto dial = network.Connect(*loop, kAddress, [&](auto socket) {
    refused = socket.ok() ? "accepted" : std::string(socket.status().message());
  });
  Idle();
  EXPECT_NE(refused, "accepted");
  kept.at(0)->Finish(absl::OkStatus());
}

TEST_F(ServerLifeTest, DrainCutsOffWhatIsLeftWhenItsTimeIsOver) {
  OnKeep();
  Start();
  Open("/a.Echo/Keep");
  Open("/a.Echo/Keep");
  Idle();
  Drain(30s);
  loop->Advance(29s);
  EXPECT_EQ(drained, "");
  loop->Advance(1s);
  EXPECT_EQ(drained,
            "DEADLINE_EXCEEDED server: 2 calls were still open when the drain ended; they were cut "
            "off");
  EXPECT_EQ(calls[0].end, "lost");
  EXPECT_EQ(log, "cancelled cancelled ");
  for (ServerCall* call : kept) call->Finish(absl::OkStatus());
}

TEST_F(ServerLifeTest, DrainWaitsForHandlersWhoseCallersHaveGone) {
  OnKeep();
  Start();
  Open("/a.Echo/Keep");
  Idle();
  network.Reset(kAddress);
  Drain(1h);
  Idle();
  EXPECT_EQ(drained, "");
  kept.at(0)->Finish(absl::OkStatus());
  Idle();
  EXPECT_EQ(drained, "OK ");
}

TEST_F(ServerLifeTest, DrainOfAnIdleServerEndsSoon) {
  OnEcho();
  Start();
  Drain(1h);
  loop->Advance(2s);
  EXPECT_EQ(drained, "OK ");
}

TEST_F(ServerLifeTest, DrainIsTakenInAnyState) {
  OnEcho();
  Drain(1s);
  EXPECT_EQ(drained, "");
  Idle();
  EXPECT_EQ(drained, "OK ");
  drained.clear();
  Start();
  server->Stop();
  Drain(1s);
  Idle();
  EXPECT_EQ(drained, "OK ");
}

TEST_F(ServerLifeTest, TwoDrainsBothHearAndTheShorterGraceCounts) {
  OnKeep();
  Start();
  Open("/a.Echo/Keep");
  Idle();
  std::string first;
  server->DrainAsync(1h, [&](absl::Status s) { first = std::string(s.message()); });
  Drain(1s);
  loop->Advance(1s);
  EXPECT_EQ(first, "server: 1 call was still open when the drain ended; it was cut off");
  EXPECT_EQ(drained, "DEADLINE_EXCEEDED " + first);
  kept.at(0)->Finish(absl::OkStatus());
}

TEST_F(ServerLifeTest, DrainOnALoopWouldBlock) {
  OnEcho();
  Start();
  EXPECT_EQ(server->Drain(1s),
            absl::FailedPreconditionError(
                "server: Drain would block the event loop; use DrainAsync there"));
}

TEST_F(ServerLifeTest, ACallThatCrossesTheFirstGoAwayIsServed) {
  OnEcho();
  Start();
  Drain(1h);
  ClientCall& call = Open("/a.Echo/Say");  // The client hasn't heard yet.
  call.stream.Send(FrameMessage("just in time"), true);
  Idle();
  EXPECT_EQ(call.messages, std::vector<std::string>{"just in time"});
}

// ---- Stop.

TEST_F(ServerLifeTest, StopCancelsHandlersAndTheyMayFinishLate) {
  OnKeep();
  Start();
  Open("/a.Echo/Keep");
  Idle();
  server->Stop();
  Idle();
  EXPECT_EQ(calls[0].end, "lost");
  EXPECT_EQ(log, "cancelled ");
  server->Stop();
  kept.at(0)->Finish(absl::OkStatus());
}

TEST_F(ServerLifeTest, StopEndsADrain) {
  OnKeep();
  Start();
  Open("/a.Echo/Keep");
  Idle();
  Drain(1h);
  Idle();
  server->Stop();
  Idle();
  EXPECT_EQ(drained,
            "DEADLINE_EXCEEDED server: 1 call was still open when the drain ended; it was cut off");
  kept.at(0)->Finish(absl::OkStatus());
}

TEST_F(ServerLifeTest, AHandlerMayStopItsServer) {
  for (const Kind kind : {kUnary, kBoth}) {
    Make();
    clients.clear();
    On("/a.Echo/Stop", kind, [this](ServerCall& call, Bytes) {
      server->Stop();
      log += call.peer().empty() ? "?" : "stopped ";
      call.Finish(absl::OkStatus());
    });
    Start();
    Ask("/a.Echo/Stop");
    EXPECT_EQ(calls.back().end, "lost");
    calls.clear();
  }
  EXPECT_EQ(log, "stopped stopped ");
}

TEST_F(ServerLifeTest, NoHandlerStartsAfterStop) {
  OnKeep();
  Start();
  Open("/a.Echo/Keep");
  clients[0].link->connection();
  server->Stop();
  Idle();
  EXPECT_TRUE(kept.empty());
}

TEST_F(ServerLifeTest, AServerMayGoBeforeItsHandlers) {
  OnKeep();
  Start();
  Open("/a.Echo/Keep");
  Idle();
  Drain(1h);
  server.reset();
  Idle();
  EXPECT_EQ(log, "cancelled ");
  EXPECT_EQ(drained, "");  // Nobody waits for it any more.
  kept.at(0)->Read([this](std::optional<Bytes> b) { log += b ? "?" : "no more "; });
  Idle();
  EXPECT_EQ(log, "cancelled no more ");
  kept[0]->Finish(absl::OkStatus());
  Idle();
}

TEST_F(ServerLifeTest, ALoopThatStopsEndsWhatLivesOnIt) {
  OnKeep();
  Start();
  Open("/a.Echo/Keep");
  Idle();
  ServerCall& call = *kept.at(0);
  call.Read([this, &call](std::optional<Bytes> bytes) {
    log += bytes ? "?" : "no more ";
    call.Finish(absl::OkStatus());
  });
  loop->Stop();
  EXPECT_EQ(log, "cancelled no more ");
  Drain(1s);
  EXPECT_EQ(drained, "OK ");
}

TEST_F(ServerLifeTest, AHandlerMayFinishAfterItsLoopHasStopped) {
  OnKeep();
  Start();
  Open("/a.Echo/Keep");
  Open("/a.Echo/Keep");
  Idle();
  loop->Stop();
  kept.at(0)->Finish(absl::NotFoundError("late"));
  server.reset();
  kept.at(1)->Reply(FrameMessage("later still"));
}

TEST_F(ServerLifeTest, BytesAndDelaysByChanceChangeNothing) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    transport::MemoryNetwork chance(seed);
    chance.set_traffic({.chunk = 7, .delay_min = {}, .delay_max = 5ms});
    Environment env{.loops = {}, .network = &chance};
    env.loops.push_back(loop);
    Server s(MakeServer(options, std::move(env)));
    const Method say{.path = "/a.Echo/Say"};
    s.Handle({&say, [](ServerCall& call, Bytes r) { call.Reply(FrameMessage(Text(r))); }});
    ASSERT_TRUE(s.Start().ok());
    Client& c = clients.emplace_back();
    c.dial = chance.Connect(*loop, kAddress, [&](auto socket) {
      c.link = std::make_unique<transport::Link>(*loop, std::move(*socket), http2::Role::kClient,
                                                 client_options, c);
    });
    loop->Advance(1s);
    ClientCall& call = Open("/a.Echo/Say");
    call.stream.Send(FrameMessage(std::string(5000, 'x')), true);
    loop->Advance(60s);
    EXPECT_EQ(call.messages, std::vector<std::string>{std::string(5000, 'x')}) << "seed " << seed;
    EXPECT_EQ(call.trailers, "grpc-status=0") << "seed " << seed;
    calls.clear();
    clients.clear();
    s.Stop();
    Idle();
  }
}

}  // namespace
}  // namespace rondo::server

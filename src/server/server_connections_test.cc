// How long connections live, and whose PINGs are borne (A8, A9, behaviour 5.1).
#include "server/server_fixture.h"

namespace rondo::server {
namespace {

using namespace std::chrono_literals;
using Goaways = std::vector<std::string>;

class ServerConnectionsTest : public ServerTest {
 protected:
  void Begin() {
    OnEcho();
    OnKeep();
    Start();
  }
  Client& client() { return clients.back(); }
};

// ---- Idleness.
TEST_F(ServerConnectionsTest, AConnectionWithoutCallsEndsAfterItsIdleTime) {
  options.max_connection_idle = 10s;
  Begin();
  loop->Advance(9s);
  EXPECT_EQ(client().closed, "");
  loop->Advance(3s);
  EXPECT_EQ(client().goaways, Goaways{"NO_ERROR "});
  EXPECT_EQ(client().closed, "10.0.0.1:50051: GOAWAY NO_ERROR");
}
TEST_F(ServerConnectionsTest, IdlenessCountsFromTheEndOfTheLastCall) {
  options.max_connection_idle = 10s;
  Begin();
  for (int i = 0; i < 10; ++i) {
    loop->Advance(9s);
    Ask("/a.Echo/Say");
    EXPECT_EQ(calls.back().trailers, "grpc-status=0");
  }
  EXPECT_EQ(client().goaways, Goaways());
  loop->Advance(10s);
  EXPECT_EQ(client().goaways, Goaways{"NO_ERROR "});
}
TEST_F(ServerConnectionsTest, AnOpenCallKeepsAConnectionFromBeingIdle) {
  options.max_connection_idle = 10s;
  Begin();
  Open("/a.Echo/Keep");
  Idle();
  loop->Advance(1h);
  EXPECT_EQ(client().goaways, Goaways());
  kept.at(0)->Finish(absl::OkStatus());
  loop->Advance(9s);
  EXPECT_EQ(client().goaways, Goaways());
  loop->Advance(1s);
  EXPECT_EQ(client().goaways, Goaways{"NO_ERROR "});
}

// ---- Age.
TEST_F(ServerConnectionsTest, AConnectionEndsAtItsAgeAndItsCallsRunOn) {
  options.max_connection_age = 100s;
  Begin();
  ClientCall& call = Open("/a.Echo/Keep");
  Idle();
  loop->Advance(89s);
  EXPECT_EQ(client().goaways, Goaways());
  loop->Advance(22s);
  EXPECT_EQ(client().goaways, Goaways{"NO_ERROR "});
  loop->Advance(24h);
  EXPECT_EQ(call.end, "");
  kept.at(0)->Finish(absl::OkStatus());
  Idle();
  EXPECT_EQ(call.end, "trailers");
  loop->Advance(2s);
  EXPECT_EQ(client().closed, "10.0.0.1:50051: GOAWAY NO_ERROR: max_age");
}
TEST_F(ServerConnectionsTest, WhatRunsWhenTheGraceIsOverIsCutOff) {
  options.max_connection_age = 100s;
  options.max_connection_age_grace = 30s;
  Begin();
  ClientCall& call = Open("/a.Echo/Keep");
  Idle();
  loop->Advance(119s);
  EXPECT_EQ(call.end, "");
  EXPECT_EQ(log, "");
  loop->Advance(22s);
  EXPECT_EQ(call.end, "lost");
  EXPECT_EQ(log, "cancelled ");
  kept.at(0)->Finish(absl::OkStatus());
}
TEST_F(ServerConnectionsTest, AgesDifferByUpToATenth) {
  options.max_connection_age = 100s;
  Begin();
  for (int i = 0; i < 200; ++i) Connect();
  const auto gone = [&] {
    return std::ranges::count_if(clients, [](const Client& c) { return !c.goaways.empty(); });
  };
  loop->Advance(90s - 1ms);
  EXPECT_EQ(gone(), 0);
  loop->Advance(10s);
  EXPECT_GT(gone(), 60);
  EXPECT_LT(gone(), 140);
  loop->Advance(10s + 1ms);
  EXPECT_EQ(gone(), 201);
}

// ---- PINGs.
TEST_F(ServerConnectionsTest, TooManyPingsEndAConnection) {
  Begin();
  Open("/a.Echo/Keep");
  Idle();
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(client().goaways, Goaways());
    client().link->connection().Ping(1);
    loop->Advance(1min);
  }
  EXPECT_EQ(client().goaways, Goaways{"ENHANCE_YOUR_CALM too_many_pings"});
  kept.at(0)->Finish(absl::OkStatus());
}
TEST_F(ServerConnectionsTest, AServerMayBearAnyPings) {
  options.keepalive.min_time = 0s;
  Begin();
  for (int i = 0; i < 50; ++i) {
    client().link->connection().Ping(1);
    loop->Advance(1s);
  }
  EXPECT_EQ(client().goaways, Goaways());
}
TEST_F(ServerConnectionsTest, AClientThatVanishesIsForgotten) {
  options.keepalive.time = 60s;
  Begin();
  Open("/a.Echo/Keep");
  Idle();
  network.Freeze(kAddress);
  loop->Advance(79s);
  EXPECT_EQ(log, "");
  loop->Advance(1s);
  EXPECT_EQ(log, "cancelled ");
  kept.at(0)->Finish(absl::OkStatus());
}

// ---- Options.
TEST_F(ServerConnectionsTest, TimesOutOfTheirRangeAreErrors) {
  const auto with = [this](auto set) {
    options.keepalive = {};
    options.max_connection_age = {};
    set(options);
    return Make().Start();
  };
  EXPECT_EQ(with([](ServerOptions& o) { o.keepalive.time = 999ms; }),
            absl::InvalidArgumentError(
                "server: keepalive.time is 999 ms, it should be 0 (off) or at least 1000"));
  EXPECT_EQ(
      with([](ServerOptions& o) { o.keepalive.timeout = 0s; }),
      absl::InvalidArgumentError("server: keepalive.timeout is 0 ms, it should be at least 1000"));
  EXPECT_EQ(
      with([](ServerOptions& o) { o.keepalive.min_time = -1s; }),
      absl::InvalidArgumentError("server: keepalive.min_time is -1000 ms, it should be 0 or more"));
  EXPECT_EQ(with([](ServerOptions& o) { o.max_connection_age = -5s; }),
            absl::InvalidArgumentError("server: max_connection_age is -5000 ms, it should be 0 "
                                       "(without end) or at least 1"));
}

// ---- At the edges.
TEST_F(ServerConnectionsTest, ACallThatSlipsInBeforeTheIdleEndStillEndsByAge) {
  options.max_connection_idle = 10s;
  options.max_connection_age = 100s;
  options.max_connection_age_grace = 30s;
  Begin();
  loop->Advance(10s - 1ms);
  network.set_traffic({.delay_min = 5ms, .delay_max = 5ms});
  ClientCall& call = Open("/a.Echo/Keep");  // Under way when the server says that it ends.
  loop->Advance(1s);
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(client().goaways, Goaways{"NO_ERROR "});
  loop->Advance(88s);
  EXPECT_EQ(call.end, "");
  loop->Advance(60s);
  EXPECT_EQ(call.end, "lost");
  kept.at(0)->Finish(absl::OkStatus());
}
TEST_F(ServerConnectionsTest, TimesBeyondAllTimeAreNever) {
  options.max_connection_idle = Duration::max();
  options.max_connection_age = Duration::max();
  options.max_connection_age_grace = Duration::max();
  Begin();
  for (int i = 0; i < 20; ++i) Connect();
  Ask("/a.Echo/Say");
  loop->Advance(1h);
  for (const Client& c : clients) EXPECT_EQ(c.goaways, Goaways());
}

}  // namespace
}  // namespace rondo::server

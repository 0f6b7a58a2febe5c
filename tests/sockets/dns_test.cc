// Channels over dns: a real name server, real backends.
#include <algorithm>
#include <future>

#include "has_ipv6.h"
#include "name_server.h"

namespace rondo::sockets {
namespace {

class DnsChannelTest : public testing::Test {
 protected:
  // Backends on one port of several addresses, since a name gives addresses only.
  void Listen(const std::vector<std::string>& hosts) {
    for (int tries = 0; tries < 20; ++tries) {
      backends.clear();
      bool all = true;
      int port = 0;
      for (const std::string& host : hosts) {
        auto backend = std::make_unique<EchoBackend>(host + ":" + std::to_string(port));
        all = all && backend->server().Start().ok();
        if (!all) break;  // Somebody else has the port there.
        port = backend->server().port();
        backends.push_back(std::move(backend));
      }
      if (all) return;
    }
    FAIL() << "no port is free on all addresses";
  }
  int port() const { return backends.at(0)->server().port(); }
  EchoStub Open(const std::string& name, DnsOptions dns = {}, LoopPool* loops = nullptr) {
    return Stub(
        server.Target(name, backends.empty() ? 1 : port()),
        {.default_service_config = kRoundRobin, .resolvers = {DnsResolver(dns)}, .loops = loops});
  }
  // Calls until `done` of those who have answered.
  template <class Done>
  static void CallUntil(EchoStub& stub, Done done) {
    const auto give_up = std::chrono::steady_clock::now() + kLong;
    for (std::map<std::string, int> seen; !done(seen);) {
      ASSERT_LT(std::chrono::steady_clock::now(), give_up);
      CallReport report;
      const Reply reply = stub.UnaryEcho(Request("a"), {.timeout = kLong, .report = &report});
      ASSERT_TRUE(reply.ok()) << reply.status();
      ++seen[report.peer];
    }
  }
  void ExpectAllServe(EchoStub& stub) {
    CallUntil(stub, [&](const auto& seen) { return seen.size() == backends.size(); });
  }
  static absl::Status Why(EchoStub& stub) {
    return stub.UnaryEcho(Request("a"), {.timeout = kLong}).status();
  }

  NameServer server;
  std::vector<std::unique_ptr<EchoBackend>> backends;
};

TEST_F(DnsChannelTest, CallsAreSpreadOverTheAddressesOfAName) {
  Listen({"127.0.0.1", "127.0.0.2"});
  server.Set("echo.test", {.v4 = {"127.0.0.1", "127.0.0.2"}});
  EchoStub stub = Open("echo.test");
  ExpectAllServe(stub);
  EXPECT_EQ(stub.channel().authority(), "echo.test:" + std::to_string(port()));
}

TEST_F(DnsChannelTest, BothFamiliesAreBackends) {
  if (!HasIpv6()) GTEST_SKIP() << "this machine has no ::1";
  Listen({"127.0.0.1", "[::1]"});
  server.Set("echo.test", {.v4 = {"127.0.0.1"}, .v6 = {"::1"}});
  EchoStub stub = Open("echo.test");
  ExpectAllServe(stub);
}

TEST_F(DnsChannelTest, AFamilyThatIsNotAnsweredStopsNothing) {
  Listen({"127.0.0.1"});
  server.Set("echo.test", {.v4 = {"127.0.0.1"}, .silent_v6 = true});
  EchoStub stub = Open("echo.test");
  ExpectAllServe(stub);
}

TEST_F(DnsChannelTest, AnAliasAndAnAnswerByTcpWillDo) {
  Listen({"127.0.0.1", "127.0.0.2"});
  server.Set("www.test", {.alias = "echo.test", .truncated = true});
  server.Set("echo.test", {.v4 = {"127.0.0.1", "127.0.0.2"}});
  EchoStub stub = Open("www.test");
  ExpectAllServe(stub);
}

TEST_F(DnsChannelTest, AnAddedBackendIsFoundWhenTheTtlIsOverAndOneThatLeavesIsLeft) {
  Listen({"127.0.0.1", "127.0.0.2"});
  server.Set("echo.test", {.v4 = {"127.0.0.1"}, .ttl = 0});
  EchoStub stub = Open("echo.test", {.min_interval = 20ms, .max_interval = 50ms});
  CallUntil(stub, [](const auto& seen) { return !seen.empty(); });
  server.Set("echo.test", {.v4 = {"127.0.0.1", "127.0.0.2"}, .ttl = 0});
  ExpectAllServe(stub);
  server.Set("echo.test", {.v4 = {"127.0.0.2"}, .ttl = 0});
  const std::string left = backends[1]->address();
  for (int others = 1; others != 0;) {
    CallUntil(stub, [&](const auto& seen) {
      int n = 0;
      for (const auto& [peer, times] : seen) n += times;
      others = n - (seen.contains(left) ? seen.at(left) : 0);
      return n == 20;
    });
  }
}

TEST_F(DnsChannelTest, ALaterErrorKeepsTheBackends) {
  Listen({"127.0.0.1"});
  server.Set("echo.test", {.v4 = {"127.0.0.1"}, .ttl = 0});
  EchoStub stub = Open("echo.test", {.min_interval = 20ms, .max_interval = 50ms});
  ExpectAllServe(stub);
  server.Set("echo.test", {.rcode = 2});
  server.asked.Change([](auto& all) { all.clear(); });
  ASSERT_TRUE(server.asked.Wait([](const auto& all) { return all.size() >= 2; }));
  for (int i = 0; i < 20; ++i) ExpectAllServe(stub);
}

// ---- Errors.

TEST_F(DnsChannelTest, ErrorsSayWhatIsWrongAndWhoWasAsked) {
  server.Set("fail.test", {.rcode = 2});
  server.Set("empty.test", {});
  for (const auto& [name, words] : {std::pair("none.test", "no such name (NXDOMAIN)"),
                                    std::pair("fail.test", "the server failed (SERVFAIL)"),
                                    std::pair("empty.test", "the name has no address")}) {
    EchoStub stub = Open(name);
    const absl::Status why = Why(stub);
    EXPECT_EQ(why.code(), absl::StatusCode::kUnavailable);
    const std::string expected = std::string("name resolver error: dns: ") + name + ": " + words +
                                 "; asked " + server.address() + "; dns://" + server.address() +
                                 "/" + name;
    EXPECT_TRUE(Words(why).starts_with(expected)) << why << "\nnot: " << expected;
  }
}

TEST_F(DnsChannelTest, ASilentServerIsGivenUpInTime) {
  server.Set("silent.test", {.silent_v4 = true, .silent_v6 = true});
  EchoStub stub = Open("silent.test", {.timeout = 100ms});
  const absl::Status why = Why(stub);
  EXPECT_EQ(why.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(Words(why).starts_with(
      "name resolver error: dns: silent.test: no answer within 100ms; asked " + server.address()))
      << why;
}

TEST_F(DnsChannelTest, ADeadlineBeforeTheAnswerSaysSo) {
  server.Set("silent.test", {.silent_v4 = true, .silent_v6 = true});
  EchoStub stub = Open("silent.test");
  const absl::Status why = stub.UnaryEcho(Request("a"), {.timeout = 50ms}).status();
  EXPECT_EQ(why.code(), absl::StatusCode::kDeadlineExceeded) << why;
  EXPECT_NE(Words(why).find("resolver"), std::string::npos) << why;
}

// ---- The end, with questions in flight.

TEST_F(DnsChannelTest, AChannelMayCloseWhileItAsks) {
  for (int i = 0; i < 20; ++i) {
    const std::string name = "silent" + std::to_string(i) + ".test";
    server.Set(name, {.silent_v4 = true, .silent_v6 = true});
    std::promise<absl::Status> end;
    EchoStub stub = Open(name);
    stub.UnaryEcho(Request("a"), {}, [&](const Reply& r) { end.set_value(r.status()); });
    if (i % 2 == 0) {  // Else it may not even have begun.
      ASSERT_TRUE(server.asked.Wait(
          [&](const auto& all) { return std::ranges::count(all, name + " 1") > 0; }));
    }
    stub.channel().Close();
    EXPECT_EQ(end.get_future().get().code(), absl::StatusCode::kCancelled);
  }
}

TEST_F(DnsChannelTest, LoopsMayEndWhileAChannelAsks) {
  server.Set("silent.test", {.silent_v4 = true, .silent_v6 = true});
  auto loops = std::make_unique<LoopPool>();
  EchoStub stub = Open("silent.test", {}, loops.get());
  std::promise<absl::Status> end;
  stub.UnaryEcho(Request("a"), {}, [&](const Reply& r) { end.set_value(r.status()); });
  ASSERT_TRUE(server.asked.Wait([](const auto& all) { return all.size() >= 2; }));
  loops = nullptr;
  EXPECT_EQ(end.get_future().get().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Why(stub).code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace rondo::sockets

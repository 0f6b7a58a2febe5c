// A server among real peers: draining and stopping under load, limits, garbage, peers that vanish.
#include <atomic>
#include <future>
#include <random>
#include <thread>

#include "echo_backend.h"
#include "raw_peer.h"

namespace rondo::sockets {
namespace {

using std::string_literals::operator""s;

// Calls one after another on threads of its own, until it is told to stop.
class Load {
 public:
  Load(EchoStub stub, int threads) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this, stub] { CallOn(stub); });
  }
  ~Load() { Stop(); }
  void Stop() {
    stop_ = true;
    for (std::thread& t : threads_) t.join();
    threads_.clear();
  }
  bool WaitForMore(int n) {
    const int before = good_.Get();
    return good_.Wait([&](int now) { return now >= before + n; });
  }
  std::vector<std::string> failures() const { return failures_.Get(); }

 private:
  void CallOn(EchoStub stub) {
    while (!stop_) {
      const Reply reply = stub.UnaryEcho(Request("a"), {.timeout = kLong});
      if (reply.ok()) {
        good_.Change([](int& n) { ++n; });
      } else {
        failures_.Change([&](auto& all) { all.push_back(reply.status().ToString()); });
      }
    }
  }

  std::atomic<bool> stop_{false};
  Shared<int> good_;
  Shared<std::vector<std::string>> failures_;
  std::vector<std::thread> threads_;
};

// ---- Ends.

TEST(ServerEndTest, ADrainUnderLoadFailsNoCallWhereThereIsASecondBackend) {
  EchoBackend drained("127.0.0.1:0", {}, 2), other;
  drained.Start();
  other.Start();
  Load load(
      Stub(TargetOf({drained.address(), other.address()}), {.default_service_config = kRoundRobin}),
      4);
  ASSERT_TRUE(drained.seen.Wait([](const auto& s) { return s.started > 100; }));
  EXPECT_EQ(drained.server().Drain(kLong), absl::OkStatus());
  const int before = drained.seen.Get().started;
  ASSERT_TRUE(load.WaitForMore(100));
  load.Stop();
  EXPECT_EQ(load.failures(), std::vector<std::string>{});
  EXPECT_EQ(drained.seen.Get().started, before);
}

TEST(ServerEndTest, ADrainWaitsForTheCallsThatRun) {
  EchoBackend backend;
  EchoStub stub = backend.Start().Stub();
  std::promise<Reply> end;
  stub.UnaryEcho(Request("hold"), {.timeout = kLong},
                 [&](Reply r) { end.set_value(std::move(r)); });
  ASSERT_TRUE(backend.WaitForHeld(1));
  std::promise<absl::Status> drained;
  backend.server().DrainAsync(kLong, [&](absl::Status s) { drained.set_value(std::move(s)); });
  // A new call finds nobody; then the old one may end well.
  while (stub.UnaryEcho(Request("a"), {.timeout = kLong}).ok()) {
  }
  backend.Release();
  EXPECT_EQ(TextOf(end.get_future().get()), "released");
  EXPECT_EQ(drained.get_future().get(), absl::OkStatus());
}

TEST(ServerEndTest, AStopEndsWhatRunsAtOnce) {
  EchoBackend backend;
  EchoStub stub = backend.Start().Stub();
  std::promise<Reply> end;
  stub.UnaryEcho(Request("hold"), {.timeout = kLong},
                 [&](Reply r) { end.set_value(std::move(r)); });
  ASSERT_TRUE(backend.WaitForHeld(1));
  backend.server().Stop();
  EXPECT_EQ(end.get_future().get().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(backend.WaitForCancelled(1));
}

TEST(ServerEndTest, AStopUnderLoadFailsCallsAndNothingElse) {
  for (int round = 0; round < 5; ++round) {
    EchoBackend backend("127.0.0.1:0", {}, 2);
    Load load(backend.Start().Stub(), 3);
    ASSERT_TRUE(load.WaitForMore(30));
    backend.server().Stop();
    load.Stop();
    for (const std::string& why : load.failures()) {
      EXPECT_TRUE(why.starts_with("UNAVAILABLE")) << why;
    }
  }
}

// ---- Limits.

TEST(ServerLimitsTest, AConnectionTooManyIsClosedAndTheOthersGoOn) {
  EchoBackend backend("127.0.0.1:0", {.max_connections = 1});
  EchoStub stub = backend.Start().Stub();
  ASSERT_TRUE(stub.UnaryEcho(Request("a"), {.timeout = kLong}).ok());
  RawPeer second(backend.server().port());
  ASSERT_TRUE(second.connected());
  EXPECT_EQ(second.HearToTheEnd(), std::pair(""s, true));
  EXPECT_TRUE(stub.UnaryEcho(Request("a"), {.timeout = kLong}).ok());
  EXPECT_EQ(backend.server().connections_accepted(), 1u);
}

TEST(ServerLimitsTest, ASilentPeerIsGivenUpAfterTheHandshakesTime) {
  EchoBackend backend("127.0.0.1:0", {.handshake_timeout = 50ms});
  EchoStub stub = backend.Start().Stub();
  RawPeer silent(backend.server().port()), half(backend.server().port());
  ASSERT_TRUE(half.Say(kPreface.substr(0, 10)));
  EXPECT_TRUE(silent.HearToTheEnd().second);
  EXPECT_TRUE(half.HearToTheEnd().second);
  EXPECT_TRUE(stub.UnaryEcho(Request("a"), {.timeout = kLong}).ok());
}

// ---- Garbage.

struct Garbage {
  const char* name;
  std::string bytes;
};

class GarbageTest : public testing::TestWithParam<Garbage> {};

std::string Random(size_t n) {
  std::mt19937 random(7);
  std::string out;
  while (out.size() < n) out += static_cast<char>(random());
  return out;
}

INSTANTIATE_TEST_SUITE_P(
    Sockets, GarbageTest,
    testing::Values(Garbage{"Http1Get", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
                    Garbage{"TlsClientHello",
                            "\x16\x03\x01\x00\x32\x01\x00\x00\x2e\x03\x03"s + Random(43)},
                    Garbage{"RandomBytes", Random(100'000)},
                    Garbage{"RandomBytesAfterThePreface", kPreface + Settings() + Random(100'000)},
                    Garbage{"AFrameThatIsTooLong",
                            kPreface + Settings() + "\xff\xff\xff\x00\x00\x00\x00\x00\x01"s}),
    [](const auto& param) { return param.param.name; });

TEST_P(GarbageTest, EndsItsOwnConnectionAndDisturbsNobodyElse) {
  EchoBackend backend;
  backend.Start();
  Load load(backend.Stub(), 1);
  ASSERT_TRUE(load.WaitForMore(1));
  std::vector<RawPeer> peers;
  for (int i = 0; i < 5; ++i) {
    peers.emplace_back(backend.server().port());
    ASSERT_TRUE(peers.back().connected());
    peers.back().Say(GetParam().bytes);  // The server may have hung up in the midst of it.
  }
  for (RawPeer& peer : peers) EXPECT_TRUE(peer.HearToTheEnd().second);
  EXPECT_TRUE(load.WaitForMore(20));
  load.Stop();
  EXPECT_EQ(load.failures(), std::vector<std::string>{});
  EXPECT_EQ(backend.server().connections_accepted(), 6u);
}

// ---- Peers that vanish.

// HEADERS of "/grpc.examples.echo.Echo/UnaryEcho" (HPACK without the tables' help), and the message
// "hold".
std::string HoldCall() {
  const auto literal = [](const std::string& name, const std::string& value) {
    return "\0"s + static_cast<char>(name.size()) + name + static_cast<char>(value.size()) + value;
  };
  const std::string head = literal(":method", "POST") + literal(":scheme", "http") +
                           literal(":path", "/grpc.examples.echo.Echo/UnaryEcho") +
                           literal(":authority", "a") + literal("te", "trailers") +
                           literal("content-type", "application/grpc");
  return Frame(1, 4, 1, head) + Frame(0, 1, 1, "\0\0\0\0\x06\x0a\x04hold"s);
}

class VanishTest : public testing::Test {
 protected:
  // A peer with a call that a handler holds.
  RawPeer Hold() {
    backend_.Start();
    RawPeer peer(backend_.server().port());
    EXPECT_TRUE(peer.Say(kPreface + Settings() + HoldCall()));
    EXPECT_TRUE(backend_.WaitForHeld(1));
    return peer;
  }
  EchoBackend backend_;
};

TEST_F(VanishTest, APeerThatClosesWithoutGoAwayCancelsItsCalls) {
  RawPeer peer = Hold();
  peer.Close();
  EXPECT_TRUE(backend_.WaitForCancelled(1));
}

TEST_F(VanishTest, APeerThatResetsCancelsItsCalls) {
  RawPeer peer = Hold();
  peer.Reset();
  EXPECT_TRUE(backend_.WaitForCancelled(1));
}

TEST_F(VanishTest, AHalfCloseIsAnEnd) {
  RawPeer peer = Hold();
  peer.HalfClose();
  EXPECT_TRUE(backend_.WaitForCancelled(1));
  EXPECT_TRUE(peer.HearToTheEnd().second);
}

// The same from the client's side.
TEST(ServerVanishesTest, TheCallOnItsWayFailsAndNamesTheServer) {
  for (const std::string how : {"close", "reset", "half close"}) {
    SCOPED_TRACE(how);
    RawListener listener;
    EchoStub stub = Stub(listener.address());
    std::promise<Reply> end;
    stub.UnaryEcho(Request("a"), {.timeout = kLong, .wait_for_ready = false},
                   [&](Reply r) { end.set_value(std::move(r)); });
    RawPeer peer = listener.Accept();
    ASSERT_TRUE(peer.Say(Settings()));
    // The call's bytes are here, so it is on its way.
    std::string got;
    while (got.find("\0\0\0\0\x03\x0a\x01"
                    "a"s) == got.npos) {
      char room[4096];
      const ssize_t n = peer.Hear(room, sizeof room);
      ASSERT_GT(n, 0);
      got.append(room, static_cast<size_t>(n));
    }
    how == "close" ? peer.Close() : how == "reset" ? peer.Reset() : peer.HalfClose();
    const absl::Status why = end.get_future().get().status();
    EXPECT_EQ(why.code(), absl::StatusCode::kUnavailable);
    EXPECT_TRUE(Words(why).starts_with("the connection was lost: connection ")) << why;
    EXPECT_NE(Words(why).find("attempt 1 to " + listener.address()), std::string::npos) << why;
  }
}

}  // namespace
}  // namespace rondo::sockets

#include "transport/memory_network.h"

#include <gtest/gtest.h>

#include <chrono>

#include "event/manual_loop.h"

namespace rondo::transport {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = event::Io::Kind;

constexpr std::string_view kHere = "10.0.0.1:80";

// One end that reads all it can whenever it is told to.
struct Peer : event::SocketEvents {
  std::unique_ptr<event::Socket> socket;
  std::string heard, error;
  bool ended = false;
  int readable = 0, writable = 0, reads = 0;

  void Take(std::unique_ptr<event::Socket> s) {
    socket = std::move(s);
    socket->Start(*this);
  }
  void OnReadable() override {
    ++readable;
    uint8_t buffer[1000];
    for (;;) {
      const event::Io io = socket->Read(buffer);
      if (io.kind == Kind::kEnd) ended = true;
      if (io.kind == Kind::kError)
        error = std::string(io.why.message().data(), io.why.message().size());
      if (io.kind != Kind::kMoved) return;
      ++reads;
      heard.append(reinterpret_cast<char*>(buffer), io.bytes);
    }
  }
  void OnWritable() override { ++writable; }
  size_t Say(std::string_view text) {
    const iovec v{const_cast<char*>(text.data()), text.size()};
    const event::Io io = socket->Write({&v, 1});
    return io.kind == Kind::kMoved ? io.bytes : 0;
  }
};

class MemoryNetworkTest : public testing::Test {
 protected:
  void Listen() {
    listener = *network.Listen(
        *loop, kHere, [this]() -> event::EventLoop& { return *loop; },
        [this](event::EventLoop&, std::unique_ptr<event::Socket> s) { server.Take(std::move(s)); });
  }
  void Dial() {
    dial = network.Connect(*loop, kHere, [this](auto socket) {
      if (socket.ok()) {
        client.Take(std::move(*socket));
      } else {
        refused = std::string(socket.status().message().data(), socket.status().message().size());
      }
    });
  }
  void Connect() {
    Listen();
    Dial();
    loop->RunUntilIdle();
    ASSERT_NE(client.socket, nullptr);
    ASSERT_NE(server.socket, nullptr);
  }

  std::shared_ptr<event::ManualLoop> loop = event::ManualLoop::Make();
  MemoryNetwork network{7};
  Peer client, server;
  std::string refused;
  std::unique_ptr<event::Listener> listener;
  std::unique_ptr<event::Dial> dial;
};

TEST_F(MemoryNetworkTest, BytesArriveInALaterTurn) {
  Connect();
  EXPECT_EQ(client.Say("hello"), 5u);
  EXPECT_EQ(server.heard, "");
  loop->RunUntilIdle();
  EXPECT_EQ(server.heard, "hello");
  EXPECT_EQ(client.socket->peer(), kHere);
  EXPECT_EQ(server.socket->peer(), client.socket->local());
  EXPECT_EQ(network.connections(kHere), 1u);
}

TEST_F(MemoryNetworkTest, NobodyListeningIsARefusal) {
  Dial();
  EXPECT_EQ(refused, "");
  loop->RunUntilIdle();
  EXPECT_EQ(refused, "connect to 10.0.0.1:80: connection refused (ECONNREFUSED)");
  EXPECT_EQ(network.attempts(kHere), 1u);
}

TEST_F(MemoryNetworkTest, RefuseHoldsUntilHeal) {
  Listen();
  network.Refuse(kHere);
  Dial();
  loop->RunUntilIdle();
  EXPECT_NE(refused, "");
  network.Heal(kHere);
  Dial();
  loop->RunUntilIdle();
  EXPECT_NE(client.socket, nullptr);
}

TEST_F(MemoryNetworkTest, SwallowedAttemptsHearNothing) {
  Listen();
  network.Swallow(kHere);
  Dial();
  loop->Advance(seconds(1000));
  EXPECT_EQ(refused, "");
  EXPECT_EQ(client.socket, nullptr);
}

TEST_F(MemoryNetworkTest, ADroppedAttemptIsSilent) {
  Listen();
  Dial();
  dial.reset();
  loop->RunUntilIdle();
  EXPECT_EQ(client.socket, nullptr);
}

TEST_F(MemoryNetworkTest, DelaysKeepTheOrder) {
  network.set_traffic({.delay_min = milliseconds(1), .delay_max = milliseconds(50)});
  Listen();
  Dial();
  loop->Advance(milliseconds(100));
  std::string all;
  for (char c = 'a'; c <= 'z'; ++c) {
    client.Say({&c, 1});
    all += c;
  }
  loop->RunUntilIdle();
  EXPECT_EQ(server.heard, "");
  loop->Advance(milliseconds(50));
  EXPECT_EQ(server.heard, all);
}

TEST_F(MemoryNetworkTest, ChunksOfOneMoveByteByByte) {
  network.set_traffic({.chunk = 1});
  Connect();
  EXPECT_EQ(client.Say("hello"), 1u);
  loop->RunUntilIdle();
  EXPECT_EQ(server.heard, "h");
}

TEST_F(MemoryNetworkTest, TheSameSeedMovesTheSameBytes) {
  std::string runs[2];
  for (std::string& run : runs) {
    MemoryNetwork fresh(99);
    fresh.set_traffic({.chunk = 10});
    Peer a, b;
    auto door = *fresh.Listen(
        *loop, kHere, [this]() -> event::EventLoop& { return *loop; },
        [&](event::EventLoop&, std::unique_ptr<event::Socket> s) { b.Take(std::move(s)); });
    auto attempt = fresh.Connect(*loop, kHere, [&](auto s) { a.Take(std::move(*s)); });
    loop->RunUntilIdle();
    for (int i = 0; i < 50; ++i) {
      run += std::to_string(a.Say("0123456789")) + " ";
      loop->RunUntilIdle();
      run += std::to_string(b.reads) + ", ";
    }
  }
  EXPECT_EQ(runs[0], runs[1]);
}

TEST_F(MemoryNetworkTest, AFullBufferBlocksAndOnWritableComesOnce) {
  network.set_traffic({.buffer = 10});
  Connect();
  network.Freeze(kHere);
  EXPECT_EQ(client.Say("0123456789abc"), 10u);
  EXPECT_EQ(client.Say("abc"), 0u);
  loop->RunUntilIdle();
  EXPECT_EQ(client.writable, 0);
  network.Heal(kHere);
  loop->RunUntilIdle();
  EXPECT_EQ(server.heard, "0123456789");
  EXPECT_EQ(client.writable, 1);
}

TEST_F(MemoryNetworkTest, ResetIsHeardAtBothEnds) {
  Connect();
  client.Say("lost");
  network.Reset(kHere);
  loop->RunUntilIdle();
  EXPECT_EQ(server.heard, "");
  EXPECT_EQ(client.error, "connection reset by peer (ECONNRESET)");
  EXPECT_EQ(server.error, "connection reset by peer (ECONNRESET)");
}

TEST_F(MemoryNetworkTest, ClosingIsHeardBehindTheLastBytes) {
  Connect();
  client.Say("last words");
  client.socket.reset();
  loop->RunUntilIdle();
  EXPECT_EQ(server.heard, "last words");
  EXPECT_TRUE(server.ended);
  EXPECT_EQ(network.connections(kHere), 0u);
  EXPECT_GT(server.Say("into nothing"), 0u);
  loop->RunUntilIdle();
}

TEST_F(MemoryNetworkTest, AFrozenEndIsHalfOpen) {
  Connect();
  network.Freeze(kHere);
  server.socket.reset();
  loop->Advance(seconds(1000));
  EXPECT_FALSE(client.ended);
  network.Heal(kHere);
  loop->RunUntilIdle();
  EXPECT_TRUE(client.ended);
}

TEST_F(MemoryNetworkTest, FrozenAnswersLetRequestsThrough) {
  Connect();
  network.FreezeAnswers(kHere);
  client.Say("request");
  loop->RunUntilIdle();
  server.Say("answer");
  loop->Advance(seconds(1000));
  EXPECT_EQ(server.heard, "request");
  EXPECT_EQ(client.heard, "");
  network.Heal(kHere);
  loop->RunUntilIdle();
  EXPECT_EQ(client.heard, "answer");
}

TEST_F(MemoryNetworkTest, APeerWithoutPowerHearsNothingAndSaysNothingUntilItIsHealed) {
  Connect();
  network.LosePower(kHere);
  EXPECT_EQ(client.Say("into nothing"), 12u);
  loop->RunUntilIdle();
  EXPECT_EQ(server.heard, "");
  EXPECT_EQ(server.error, "connection reset by peer (ECONNRESET)");
  server.socket.reset();
  loop->Advance(seconds(1000));
  EXPECT_FALSE(client.ended);
  EXPECT_EQ(client.error, "");
  network.Heal(kHere);
  loop->RunUntilIdle();
  EXPECT_EQ(client.error, "connection reset by peer (ECONNRESET)");
}

TEST_F(MemoryNetworkTest, ACutDividesWhatIsReadAtThatByte) {
  network.CutNext({.to_server = 3});
  Connect();
  const int before = server.readable;
  client.Say("hello");
  loop->RunUntilIdle();
  EXPECT_EQ(server.heard, "hello");
  EXPECT_EQ(server.readable, before + 2);
}

TEST_F(MemoryNetworkTest, ABreakAtTheCutLosesWhatIsBehindIt) {
  network.CutNext({.to_client = 3, .reset = true});
  Connect();
  server.Say("hello");
  loop->RunUntilIdle();
  EXPECT_EQ(client.heard, "hel");
  EXPECT_EQ(client.error, "connection reset by peer (ECONNRESET)");
  loop->RunUntilIdle();
  EXPECT_EQ(server.error, "connection reset by peer (ECONNRESET)");
}

TEST_F(MemoryNetworkTest, PausedReadingIsSilentUntilItEnds) {
  Connect();
  const int before = server.readable;
  server.socket->PauseReading(true);
  client.Say("wait");
  loop->Advance(seconds(1));
  EXPECT_EQ(server.readable, before);
  server.socket->PauseReading(false);
  loop->RunUntilIdle();
  EXPECT_EQ(server.heard, "wait");
}

}  // namespace
}  // namespace rondo::transport

// A service is updated while it is used: its servers drain and start again, one after the other,
// and no caller notices.
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "echo_backend.h"

namespace rondo::sockets {
namespace {

// Unary calls, some at once, each followed by the next.
class Load {
 public:
  explicit Load(EchoStub stub) : stub_(std::move(stub)) {}
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() { Stop(); }

  void Start(int at_once) {
    running_.Change([&](int& n) { n = at_once; });
    for (int i = 0; i < at_once; ++i) Next();
  }
  void Stop() {
    stopping_ = true;
    EXPECT_TRUE(running_.Wait([](int n) { return n == 0; }));
  }
  int done() const { return done_; }
  int failed() const { return failed_; }
  std::string first_failure() const { return first_failure_.Get(); }

 private:
  void Next() {
    stub_.UnaryEcho(Request("x"), {.timeout = kLong}, [this](Reply reply) {
      ++done_;
      if (!reply.ok() && failed_++ == 0) {
        first_failure_.Change([&](std::string& text) { text = TextOf(reply); });
      }
      if (!stopping_) return Next();
      running_.Change([](int& n) { --n; });
    });
  }

  EchoStub stub_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> done_{0}, failed_{0};
  Shared<int> running_;
  Shared<std::string> first_failure_;
};

// Twenty by RONDO_RESTART_ROUNDS=20; without it, what a few seconds allow.
int WantedRounds() {
  const char* wanted = std::getenv("RONDO_RESTART_ROUNDS");
  return wanted == nullptr ? 0 : std::atoi(wanted);
}

class RollingRestartTest : public testing::Test {
 protected:
  static constexpr int kServers = 10;

  RollingRestartTest() {
    // Where no other program is likely to take a port that is free for a moment.
    const std::string host = "127." + std::to_string(1 + getpid() % 200) + "." +
                             std::to_string(getpid() / 200 % 250) + ".2:0";
    for (auto& server : servers) server = Begin(host);
  }
  static std::unique_ptr<EchoBackend> Begin(const std::string& address) {
    auto server = std::make_unique<EchoBackend>(address);
    server->Start();
    return server;
  }
  // As a new version of a server is brought up: the old one drains and goes, and all waits until
  // the new one is in use.
  static void Restart(std::unique_ptr<EchoBackend>& server) {
    const std::string address = server->address();
    EXPECT_EQ(server->server().Drain(kLong), absl::OkStatus());
    server = nullptr;
    server = Begin(address);
    EXPECT_TRUE(server->seen.Wait([](const EchoBackend::Seen& s) { return s.started > 0; }))
        << "nobody came back to " << address;
  }
  std::string Target() const {
    std::vector<std::string> addresses;
    for (const auto& server : servers) addresses.push_back(server->address());
    return TargetOf(addresses);
  }

  std::unique_ptr<EchoBackend> servers[kServers];
};

TEST_F(RollingRestartTest, NoUnaryCallFails) {
  Load load(Stub(Target(),
                 {.default_service_config = kRoundRobin, .backoff = {.base = 20ms, .max = 100ms}}));
  load.Start(/*at_once=*/16);
  const auto began = std::chrono::steady_clock::now();
  const int wanted = WantedRounds();
  int rounds = 0;
  do {
    for (auto& server : servers) Restart(server);
    ++rounds;
  } while (wanted > 0 ? rounds < wanted : std::chrono::steady_clock::now() - began < 3s);
  load.Stop();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - began);
  std::printf("rolling restart: %d rounds of %d servers in %d ms, %d calls, %d failed\n", rounds,
              kServers, static_cast<int>(took.count()), load.done(), load.failed());
  EXPECT_EQ(load.failed(), 0) << load.first_failure();
  EXPECT_GT(load.done(), rounds * kServers);
}

}  // namespace
}  // namespace rondo::sockets

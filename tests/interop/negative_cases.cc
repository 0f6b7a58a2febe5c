// The published negative HTTP/2 cases (grpc's negative-http2-interop-test-descriptions), against
// python/h2_server.py, and what a call must come to whose server breaks HTTP/2's rules
// (python/h2_scripts.py).
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

#include "interop_cases.h"

namespace rondo::interop {
namespace {

using grpc::testing::SimpleRequest;
using std::chrono_literals::operator""s;

SimpleRequest Large() { return SizedRequest(271'828, 314'159); }

void Call(const Client& client, const std::string& what) {
  const auto reply = client.stub.UnaryCall(Large(), {.timeout = 20s});
  RequireOk(reply.status(), what);
  Require(reply->payload().body().size() == 314'159, what + ": its size is wrong");
}

// The server says GOAWAY after the first call; the second one gets a connection of its own.
void GoAway(const Client& client) {
  Call(client, "the first call");
  Call(client, "the call after GOAWAY");
}

// The server resets the call's stream; no call may succeed, nor wait for its deadline.
void Reset(const Client& client) {
  const absl::Status end = client.stub.UnaryCall(Large(), {.timeout = 20s}).status();
  Require(!end.ok() && end.code() != absl::StatusCode::kDeadlineExceeded,
          "a call that was reset: " + end.ToString());
}

// The server answers only when its PINGs are answered.
void Ping(const Client& client) { Call(client, "a call among PINGs"); }

// The server ends the connection of a client that has more than one stream open.
void MaxStreams(const Client& client) {
  Call(client, "the first, which learns of the limit");
  constexpr int kCalls = 10;
  std::mutex mutex;
  std::condition_variable changed;
  int ended = 0;
  std::string failure;
  for (int i = 0; i < kCalls; ++i) {
    client.stub.UnaryCall(Large(), {.timeout = 30s}, [&](const auto& reply) {
      const std::lock_guard lock(mutex);
      ++ended;
      if (!reply.ok()) failure = reply.status().ToString();
      changed.notify_all();
    });
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return ended == kCalls; });
  Require(failure.empty(), "one of ten calls at once: " + failure);
}

// Whatever the server does, the call fails soon, and says so in gRPC's codes.
void BrokenServer(const Client& client) {
  const absl::Status end = client.stub.UnaryCall(SizedRequest(1, 1), {.timeout = 20s}).status();
  const bool fits = end.code() == absl::StatusCode::kUnavailable ||
                    end.code() == absl::StatusCode::kInternal ||
                    end.code() == absl::StatusCode::kUnknown ||
                    end.code() == absl::StatusCode::kResourceExhausted;
  Require(fits, "a call to a server that breaks the rules: " + end.ToString());
  // The call ends before the connection's last words are out: until that is closed, by either side.
  client.stub.channel().WaitForStateChange(ChannelState::kReady,
                                           std::chrono::steady_clock::now() + 20s);
}

}  // namespace

void AddNegativeCases(Cases& cases) {
  cases["goaway"] = &GoAway;
  cases["rst_after_header"] = cases["rst_during_data"] = cases["rst_after_data"] = &Reset;
  cases["ping"] = &Ping;
  cases["max_streams"] = &MaxStreams;
  cases["broken_server"] = &BrokenServer;
}

}  // namespace rondo::interop

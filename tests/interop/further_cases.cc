// What gRPC's cases leave out: repeated and binary metadata, deadlines and cancellations as the
// server sees them, status details, large messages, a thousand calls at once, round_robin. Most
// need a server that understands the keys of test_metadata.h.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "google/rpc/status.pb.h"
#include "interop_cases.h"
#include "test_metadata.h"

namespace rondo::interop {
namespace {

using namespace std::chrono_literals;
using grpc::testing::Empty;
using grpc::testing::SimpleRequest;
using Values = std::vector<std::string_view>;

std::string AllBytes() {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  return all;
}

void RepeatedAndBinaryMetadata(const Client& client) {
  const std::string bytes = AllBytes();
  const Metadata sent = metadata(kEcho, "one", kEchoBin, bytes, kEcho, "two", kEchoBin, "", kEcho,
                                 "with, comma", kEchoBin, "\n");
  CallReport report;
  const auto reply = client.stub.EmptyCall(Empty(), {.metadata = sent, .report = &report});
  RequireOk(reply.status(), "EmptyCall");
  Require(report.headers.FindAll(kEcho) == Values{"one", "two", "with, comma"},
          "EmptyCall: repeated keys did not come back in order");
  Require(report.trailers.FindAll(kEchoBin) == Values{bytes, "", "\n"},
          "EmptyCall: binary values did not come back");
}

std::string Tell(const Client& client, const std::string& what, Duration timeout) {
  const Metadata ask = metadata(kTell, what);
  CallReport report;
  const auto reply =
      client.stub.EmptyCall(Empty(), {.timeout = timeout, .metadata = ask, .report = &report});
  RequireOk(reply.status(), "EmptyCall");
  const auto told = report.headers.Find(kTold);
  Require(told.has_value(), "EmptyCall: the server did not tell: " + what);
  return std::string(*told);
}

void DeadlineReachesServer(const Client& client) {
  const std::string told = Tell(client, "deadline", 30s);
  const int ms = std::atoi(told.c_str());
  Require(ms > 25'000 && ms <= 30'000, "the server sees a deadline in " + told + " ms, not 30000");
  Require(Tell(client, "deadline", 0s) == "none", "the server sees a deadline where there is none");
}

// The server's handler ends too, and so its thread or coroutine.
void CancelReachesServer(const Client& client) {
  const std::string before = Tell(client, "cancelled", 5s);
  {
    auto stream = client.stub.FullDuplexCall();
    Require(stream.Write(Ask(1)), "FullDuplexCall: the write found the call over");
    Require(stream.Read().has_value(), "FullDuplexCall: the reply is missing");
  }  // Dropping it cancels it.
  for (int i = 0; i < 100; ++i) {
    if (Tell(client, "cancelled", 5s) != before) return;
    std::this_thread::sleep_for(50ms);
  }
  Require(false, "the server did not notice within 5 s that the caller has gone");
}

void StatusDetails(const Client& client) {
  google::rpc::Status wanted;
  wanted.set_code(9);
  wanted.set_message("not in this state \u263a");
  wanted.add_details()->PackFrom(SizedRequest(300, 1));
  wanted.add_details()->PackFrom(Empty());
  const std::string bytes = wanted.SerializeAsString();
  const Metadata sent = metadata(kDetails, bytes);
  const absl::Status got = client.stub.UnaryCall(SizedRequest(1, 1), {.metadata = sent}).status();
  RequireCode(got, absl::StatusCode::kFailedPrecondition, "UnaryCall");
  Require(got.message() == wanted.message(), "UnaryCall: another text: " + got.ToString());
  const auto details = got.GetPayload(kDetailsPayload);
  Require(details.has_value(), "UnaryCall: the status came without details");
  google::rpc::Status parsed;
  Require(parsed.ParseFromString(std::string(*details)) && parsed.SerializeAsString() == bytes,
          "UnaryCall: the details are others than the server was asked for");
}

// 3 MiB each way, below gRPC's customary limit of 4.
void VeryLargeUnary(const Client& client) {
  const auto reply = client.stub.UnaryCall(SizedRequest(3 << 20, 3 << 20));
  RequireOk(reply.status(), "UnaryCall");
  Require(reply->payload().body().size() == 3 << 20, "UnaryCall: the reply has another size");
}

void VeryLargeStream(const Client& client) {
  auto stream = client.stub.FullDuplexCall();
  for (int i = 0; i < 8; ++i) {
    Require(stream.Write(Ask(1 << 20, 1 << 20)), "FullDuplexCall: a write found the call over");
    const auto reply = stream.Read();
    Require(reply.has_value() && reply->payload().body().size() == 1 << 20,
            "FullDuplexCall: a reply is missing or has another size");
  }
  stream.WritesDone();
  RequireOk(stream.Finish(), "FullDuplexCall");
}

// The call fails; the connection and the next call don't.
void TooLargeReply(const Client& client) {
  RequireCode(client.stub.UnaryCall(SizedRequest(1, 5 << 20)).status(),
              absl::StatusCode::kResourceExhausted, "UnaryCall");
  RequireOk(client.stub.UnaryCall(SizedRequest(1, 1)).status(), "UnaryCall after it");
}

// The server buffers; nothing comes before all is sent.
void HalfDuplex(const Client& client) {
  auto stream = client.stub.HalfDuplexCall();
  for (const int size : {31415, 9, 2653}) {
    Require(stream.Write(Ask(size, 10)), "HalfDuplexCall: a write found the call over");
  }
  stream.WritesDone();
  for (const size_t size : {31415, 9, 2653}) {
    const auto reply = stream.Read();
    Require(reply.has_value() && reply->payload().body().size() == size,
            "HalfDuplexCall: a reply is missing or has another size");
  }
  Require(!stream.Read().has_value(), "HalfDuplexCall: a reply too many");
  RequireOk(stream.Finish(), "HalfDuplexCall");
}

// A thousand large calls at once on one channel.
void ConcurrentLargeUnary(const Client& client) {
  constexpr int kCalls = 1000;
  std::mutex mutex;
  std::condition_variable all_ended;
  int ended = 0;
  absl::Status wrong;
  const SimpleRequest request = SizedRequest(271'828, 314'159);
  for (int i = 0; i < kCalls; ++i) {
    client.stub.UnaryCall(request, {.timeout = 60s},
                          [&](absl::StatusOr<grpc::testing::SimpleResponse> reply) {
                            const std::lock_guard lock(mutex);
                            if (reply.ok() && reply->payload().body().size() != 314'159) {
                              reply = absl::DataLossError("the reply has another size");
                            }
                            wrong.Update(reply.status());
                            if (++ended == kCalls) all_ended.notify_one();
                          });
  }
  std::unique_lock lock(mutex);
  all_ended.wait(lock, [&] { return ended == kCalls; });
  RequireOk(wrong, "UnaryCall, a thousand at once");
}

std::string WhoAnswers(const Client& client) {
  SimpleRequest request = SizedRequest(1, 1);
  request.set_fill_server_id(true);
  const auto reply = client.stub.UnaryCall(request, {.timeout = 10s, .wait_for_ready = true});
  RequireOk(reply.status(), "UnaryCall");
  Require(!reply->server_id().empty(), "UnaryCall: the server did not tell its id");
  return reply->server_id();
}

// Needs a --target with two servers, and round_robin by --service_config_json.
void RoundRobinUnary(const Client& client) {
  const std::string first = WhoAnswers(client);
  bool both = false;
  for (int i = 0; i < 1000 && !both; ++i) {
    both = WhoAnswers(client) != first;
    if (!both) std::this_thread::sleep_for(5ms);
  }
  Require(both, "UnaryCall: only one server answers: " + first);
  std::map<std::string, int> calls;
  for (int i = 0; i < 100; ++i) ++calls[WhoAnswers(client)];
  for (const auto& [id, n] : calls) {
    Require(n == 50, "UnaryCall: " + id + " got " + std::to_string(n) + " of 100 calls, not 50");
  }
}

}  // namespace

void AddFurtherCases(Cases& cases) {
  cases["repeated_and_binary_metadata"] = RepeatedAndBinaryMetadata;
  cases["deadline_reaches_server"] = DeadlineReachesServer;
  cases["cancel_reaches_server"] = CancelReachesServer;
  cases["status_details"] = StatusDetails;
  cases["very_large_unary"] = VeryLargeUnary;
  cases["very_large_stream"] = VeryLargeStream;
  cases["too_large_reply"] = TooLargeReply;
  cases["half_duplex"] = HalfDuplex;
  cases["concurrent_large_unary"] = ConcurrentLargeUnary;
  cases["round_robin_unary"] = RoundRobinUnary;
}

}  // namespace rondo::interop

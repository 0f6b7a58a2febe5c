#pragma once
// A server of grpc.examples.echo.Echo that can be slow and can fail, for `serve` and `demo`.
// Threads: any, one at a time, but its own.
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string>

#include "arguments.h"
#include "echo.rondo.pb.h"
#include "rondo/health.h"
#include "rondo/reflection.h"
#include "rondo/server.h"
#include "rondo/service.h"

namespace rondo::cli {

struct Trouble {
  Spread latency{};       // Before the first reply.
  double error_rate = 0;  // Share of calls that end with `code`. 0..1
  absl::StatusCode code = absl::StatusCode::kUnavailable;
  uint64_t seed = 1;  // Of all chance.
};

// Answers "MESSAGE (from NAME)": UnaryEcho and BidirectionalStreamingEcho each message as it comes,
// ServerStreamingEcho ten times, ClientStreamingEcho the last message.
class Echo final : public grpc::examples::echo::EchoService {
 public:
  using Request = grpc::examples::echo::EchoRequest;
  using Response = grpc::examples::echo::EchoResponse;

  Echo(std::string name, const Trouble& trouble);
  Task<absl::StatusOr<Response>> UnaryEcho(ServerCall& call, Request request) override;
  Task<absl::Status> ServerStreamingEcho(ServerCall& call, Request request,
                                         Writer<Response>& replies) override;
  Task<absl::StatusOr<Response>> ClientStreamingEcho(ServerCall& call,
                                                     Reader<Request>& requests) override;
  Task<absl::Status> BidirectionalStreamingEcho(ServerCall& call,
                                                ReaderWriter<Request, Response>& stream) override;
  uint64_t calls() const { return calls_.load(); }

 private:
  // What this call has to suffer.
  struct Fate {
    Duration wait{};
    absl::Status status{};
  };
  Fate Draw();
  Response Reply(const Request& request) const;

  const std::string name_;
  const Trouble trouble_;
  std::atomic<uint64_t> calls_{0};
  std::mutex mutex_;  // Guards chance_.
  std::mt19937_64 chance_;
};

// One such server, with health and reflection. Dropping it stops it.
class EchoBackend {
 public:
  // `name`: what replies are from; empty: ":PORT".
  EchoBackend(const std::string& address, const std::string& name, const Trouble& trouble);
  // Throws a Stop if the address can't be had.
  void Start();
  const std::string& address() const { return server_.addresses()[0]; }
  Echo& echo() { return echo_; }
  HealthService& health() { return health_; }
  Server& server() { return server_; }

 private:
  Echo echo_;
  HealthService health_;
  ReflectionService reflection_;
  Server server_;
};

// ":50051" as an address of all interfaces; others stay.
std::string ListenAddress(const std::string& text);

}  // namespace rondo::cli

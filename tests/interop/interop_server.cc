// gRPC's interop test server: interop_server --port 10000 [--host 127.0.0.1] [--server_id ID]
//
// Prints `listening on HOST:PORT` when it is ready; ends, after a drain, on SIGINT or SIGTERM.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>

#include "google/rpc/status.pb.h"
#include "rondo/health.h"
#include "rondo/orca.h"
#include "rondo/reflection.h"
#include "rondo/server.h"
#include "rondo/service.h"
#include "test.rondo.pb.h"
#include "test_metadata.h"

namespace {

using grpc::testing::EchoStatus;
using grpc::testing::Empty;
using grpc::testing::Payload;
using grpc::testing::PayloadType;
using grpc::testing::SimpleRequest;
using grpc::testing::SimpleResponse;
using grpc::testing::StreamingInputCallRequest;
using grpc::testing::StreamingInputCallResponse;
using grpc::testing::StreamingOutputCallRequest;
using grpc::testing::StreamingOutputCallResponse;
using rondo::ServerCall;
using rondo::Task;
using namespace rondo::interop;

constexpr int kLargestPayload = 64 << 20;

absl::Status CheckPayload(PayloadType type, int size) {
  if (type != grpc::testing::COMPRESSABLE) {
    return absl::InvalidArgumentError("response_type: there is no payload type " +
                                      std::to_string(type));
  }
  if (size < 0 || size > kLargestPayload) {
    return absl::InvalidArgumentError("response size " + std::to_string(size) +
                                      ": must be from 0 to " + std::to_string(kLargestPayload));
  }
  return absl::OkStatus();
}

absl::Status StatusOf(const EchoStatus& wanted) {
  return absl::Status(static_cast<absl::StatusCode>(wanted.code()), wanted.message());
}

template <class Request>
absl::Status CheckCompression(const ServerCall& call, const Request& request) {
  if (!request.has_expect_compressed()) return absl::OkStatus();
  const bool came = call.request_was_compressed();
  if (came == request.expect_compressed().value()) return absl::OkStatus();
  return absl::InvalidArgumentError(came ? "expect_compressed: the request came compressed"
                                         : "expect_compressed: the request came uncompressed");
}

rondo::LoadReport ReportOf(const grpc::testing::TestOrcaReport& wanted) {
  rondo::LoadReport report{.cpu = wanted.cpu_utilization(), .memory = wanted.memory_utilization()};
  for (const auto& [key, value] : wanted.request_cost()) {
    report.named.push_back({"request_cost." + key, value});
  }
  for (const auto& [key, value] : wanted.utilization()) {
    report.named.push_back({"utilization." + key, value});
  }
  return report;
}

class InteropService final : public grpc::testing::TestServiceService {
 public:
  InteropService(std::string id, rondo::ServerLoad load)
      : id_(std::move(id)), load_(std::move(load)) {}

  Task<absl::StatusOr<Empty>> EmptyCall(ServerCall& call, Empty /*request*/) override {
    Answer(call);
    co_return Empty();
  }

  Task<absl::StatusOr<SimpleResponse>> UnaryCall(ServerCall& call, SimpleRequest request) override {
    Answer(call);
    if (const auto details = call.metadata().Find(kDetails)) co_return WithDetails(*details);
    if (request.response_status().code() != 0) co_return StatusOf(request.response_status());
    if (absl::Status s = CheckCompression(call, request); !s.ok()) co_return s;
    absl::Status s = CheckPayload(request.response_type(), request.response_size());
    if (!s.ok()) co_return s;
    if (request.has_orca_per_query_report()) {
      call.ReportLoad(ReportOf(request.orca_per_query_report()));
    }
    if (request.response_compressed().value()) call.SetCompression(rondo::Compression::kGzip);
    SimpleResponse response;
    response.mutable_payload()->set_body(std::string(request.response_size(), '\0'));
    if (request.fill_server_id()) response.set_server_id(id_);
    co_return response;
  }

  Task<absl::Status> StreamingOutputCall(
      ServerCall& call, StreamingOutputCallRequest request,
      rondo::Writer<StreamingOutputCallResponse>& replies) override {
    Answer(call);
    for (const auto& parameters : request.response_parameters()) {
      if (parameters.compressed().value()) call.SetCompression(rondo::Compression::kGzip);
    }
    co_return co_await Send(request, replies);
  }

  Task<absl::StatusOr<StreamingInputCallResponse>> StreamingInputCall(
      ServerCall& call, rondo::Reader<StreamingInputCallRequest>& requests) override {
    Answer(call);
    int sum = 0;
    while (auto request = co_await requests.Read()) {
      if (absl::Status s = CheckCompression(call, *request); !s.ok()) co_return s;
      sum += static_cast<int>(request->payload().body().size());
    }
    StreamingInputCallResponse response;
    response.set_aggregated_payload_size(sum);
    co_return response;
  }

  Task<absl::Status> FullDuplexCall(
      ServerCall& call,
      rondo::ReaderWriter<StreamingOutputCallRequest, StreamingOutputCallResponse>& stream)
      override {
    Answer(call);
    LoadTurn turn(*this);
    while (auto request = co_await stream.Read()) {
      if (request->response_status().code() != 0) co_return StatusOf(request->response_status());
      if (request->has_orca_oob_report()) {
        while (!turn.Take()) co_await rondo::Sleep(std::chrono::milliseconds(10));
        load_.Set(ReportOf(request->orca_oob_report()));
      }
      absl::Status sent = co_await Send(*request, stream);
      if (!sent.ok()) co_return sent;
    }
    co_return absl::OkStatus();
  }

  Task<absl::Status> HalfDuplexCall(
      ServerCall& call,
      rondo::ReaderWriter<StreamingOutputCallRequest, StreamingOutputCallResponse>& stream)
      override {
    Answer(call);
    StreamingOutputCallRequest all;  // Their parameters, one after the other.
    while (auto request = co_await stream.Read()) {
      all.mutable_response_parameters()->MergeFrom(request->response_parameters());
    }
    co_return co_await Send(all, stream);
  }

 private:
  // One call at a time may say what the server reports, until it ends: clients that test this at
  // once wait for one another.
  class LoadTurn {
   public:
    explicit LoadTurn(InteropService& service) : service_(service) {}
    LoadTurn(const LoadTurn&) = delete;
    LoadTurn& operator=(const LoadTurn&) = delete;
    ~LoadTurn() {
      if (has_it_) service_.load_taken_ = false;
    }
    bool Take() {
      has_it_ = has_it_ || !service_.load_taken_.exchange(true);
      return has_it_;
    }

   private:
    InteropService& service_;
    bool has_it_ = false;
  };

  // The replies that a request asks for.
  template <class Out>
  Task<absl::Status> Send(const StreamingOutputCallRequest& request, Out& out) {
    for (const auto& parameters : request.response_parameters()) {
      absl::Status s = CheckPayload(request.response_type(), parameters.size());
      if (!s.ok()) co_return s;
      if (parameters.interval_us() > 0) {
        co_await rondo::Sleep(std::chrono::microseconds(parameters.interval_us()));
      }
      StreamingOutputCallResponse response;
      response.mutable_payload()->set_body(std::string(parameters.size(), '\0'));
      const rondo::WriteOptions options{.compress = parameters.compressed().value()};
      if (!co_await out.Write(response, options))
        co_return absl::CancelledError("the caller has gone");
    }
    co_return absl::OkStatus();
  }

  // Does what the call's metadata asks for, and counts it if it is cancelled.
  void Answer(ServerCall& call) {
    call.OnCancel([this] { cancelled_.fetch_add(1, std::memory_order_relaxed); });
    for (const auto& [key, value] : call.metadata()) {
      if (key == kEchoInitial || key == kEcho) call.AddHeader(key, value);
      if (key == kEchoTrailing || key == kEchoBin) call.AddTrailer(key, value);
      if (key == kTell) call.AddHeader(kTold, Tell(call, value));
    }
  }
  std::string Tell(const ServerCall& call, std::string_view what) const {
    if (what == "cancelled") return std::to_string(cancelled_.load(std::memory_order_relaxed));
    if (!call.deadline().has_value()) return "none";
    const auto left = *call.deadline() - std::chrono::steady_clock::now();
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(left).count());
  }
  static absl::Status WithDetails(std::string_view details) {
    google::rpc::Status wanted;
    if (!wanted.ParseFromArray(details.data(), static_cast<int>(details.size()))) {
      return absl::InvalidArgumentError(std::string(kDetails) + ": not a google.rpc.Status");
    }
    absl::Status status(static_cast<absl::StatusCode>(wanted.code()), wanted.message());
    status.SetPayload(kDetailsPayload,
                      absl::Cord(absl::string_view(details.data(), details.size())));
    return status;
  }

  const std::string id_;
  rondo::ServerLoad load_;
  std::atomic<bool> load_taken_{false};
  std::atomic<int> cancelled_{0};
};

int Serve(const std::string& host, int port, std::string id, rondo::Credentials credentials) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // Before any thread starts: sigwait gets them.

  if (id.empty()) id = host + ":" + std::to_string(port);
  const rondo::ServerLoad load;
  InteropService service(std::move(id), load);
  rondo::OrcaService orca(load, {.min_report_period = std::chrono::milliseconds(100)});
  rondo::HealthService health;
  rondo::ReflectionService reflection;
  rondo::Server server({.credentials = std::move(credentials),
                        .listen = {host + ":" + std::to_string(port)},
                        .max_concurrent_streams = 1000});
  server.Add(service);
  server.Add(orca);
  server.Add(health);
  server.Add(reflection);
  if (absl::Status s = server.Start(); !s.ok()) {
    std::fprintf(stderr, "interop_server: %s\n", s.ToString().c_str());
    return 1;
  }
  std::printf("listening on %s\n", server.addresses()[0].c_str());
  std::fflush(stdout);
  int which = 0;
  sigwait(&ends, &which);
  (void)server.Drain(std::chrono::seconds(1));  // Calls that go on for longer are cut off.
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("gRPC's interop test server");
  std::string host = "127.0.0.1", id;
  int port = 10000;
  bool use_tls = false;
  rondo::TlsOptions tls;
  app.add_option("--host", host, "address to listen on");
  app.add_option("--port", port, "port to listen on; 0: any");
  app.add_option("--server_id", id, "what fill_server_id gives; default: HOST:PORT");
  app.add_option("--use_tls", use_tls, "TLS instead of plaintext");
  app.add_option("--tls_cert_file", tls.certificate_file, "PEM");
  app.add_option("--tls_key_file", tls.private_key_file, "PEM");
  CLI11_PARSE(app, argc, argv);
  return Serve(host, port, id, use_tls ? rondo::Tls(tls) : rondo::Insecure());
}

// rondo health: asks gRPC's health service.
#include <algorithm>
#include <map>

#include "cli.h"
#include "flags.h"
#include "grpc/health/v1/health.rondo.pb.h"
#include "json_text.h"
#include "stop.h"

namespace rondo::cli {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using grpc::health::v1::HealthListRequest;
using grpc::health::v1::HealthStub;

struct HealthFlags {
  std::string target, service;
  bool watch = false, all = false;
  std::optional<Duration> timeout;
  Output output = Output::kText;
  ConnectionFlags connection;
};

void Show(const HealthFlags& flags, const std::string& service,
          HealthCheckResponse::ServingStatus status, Io io) {
  const std::string& name = HealthCheckResponse::ServingStatus_Name(status);
  if (flags.output == Output::kJson) {
    io.out << "{\"service\": " << Quote(service) << ", \"status\": " << Quote(name) << "}"
           << std::endl;
  } else {
    io.out << name << (flags.all ? " " + (service.empty() ? "(the server)" : service) : "")
           << std::endl;
  }
}

int ExitOf(HealthCheckResponse::ServingStatus status) {
  return status == HealthCheckResponse::SERVING ? kOk : kNotWell;
}

Stop Failure(const HealthFlags& flags, const absl::Status& status) {
  const bool missing = status.code() == absl::StatusCode::kUnimplemented;
  const bool unknown = status.code() == absl::StatusCode::kNotFound;
  return Failed(flags.target, status,
                missing   ? "it has no health service, or an older one"
                : unknown ? "--all tells which services it knows of, and without a name the server "
                            "as a whole is asked"
                          : "");
}

int Check(HealthStub& stub, const HealthFlags& flags, const CallOptions& options, Io io) {
  HealthCheckRequest request;
  request.set_service(flags.service);
  const auto reply = stub.Check(request, options);
  if (!reply.ok()) throw Failure(flags, reply.status());
  Show(flags, flags.service, reply->status(), io);
  return ExitOf(reply->status());
}

int ListAll(HealthStub& stub, const HealthFlags& flags, const CallOptions& options, Io io) {
  const auto reply = stub.List(HealthListRequest(), options);
  if (!reply.ok()) throw Failure(flags, reply.status());
  // In order: a map of protobuf has none.
  const std::map<std::string, HealthCheckResponse> all(reply->statuses().begin(),
                                                       reply->statuses().end());
  int exit = kOk;
  for (const auto& [service, status] : all) {
    Show(flags, service, status.status(), io);
    exit = std::max(exit, ExitOf(status.status()));
  }
  return exit;
}

// Until the server ends it, or the time is over: which is no failure of what was asked for.
int Watch(HealthStub& stub, const HealthFlags& flags, const CallOptions& options, Io io) {
  HealthCheckRequest request;
  request.set_service(flags.service);
  auto stream = stub.Watch(request, options);
  int exit = kNotWell;  // Of what was heard last.
  while (auto reply = stream.Read()) {
    Show(flags, flags.service, reply->status(), io);
    exit = ExitOf(reply->status());
  }
  const absl::Status status = stream.Finish();
  if (status.ok() || (flags.timeout && status.code() == absl::StatusCode::kDeadlineExceeded)) {
    return exit;
  }
  throw Failure(flags, status);
}

int RunHealth(const HealthFlags& flags, Io io) {
  if (flags.watch && flags.all) throw Stop(kUsage, "--watch and --all can't be had together");
  if (flags.all && !flags.service.empty()) {
    throw Stop(kUsage, "\"" + flags.service + "\": --all asks for all services; leave it out");
  }
  const Channel channel = flags.connection.Open(flags.target, io);
  HealthStub stub(channel);
  const Duration limit =
      flags.timeout.value_or(flags.watch ? Duration() : std::chrono::seconds(10));
  const CallOptions options{.timeout = limit, .metadata = flags.connection.headers()};
  if (flags.watch) return Watch(stub, flags, options, io);
  return flags.all ? ListAll(stub, flags, options, io) : Check(stub, flags, options, io);
}

}  // namespace

void AddHealth(CLI::App& app, Io io, Command& run) {
  auto flags = std::make_shared<HealthFlags>();
  CLI::App* command = app.add_subcommand("health", "ask a server whether it serves");
  command->add_option("TARGET", flags->target, "the server, such as localhost:50051")
      ->required()
      ->type_name("");
  command->add_option("SERVICE", flags->service, "whose health to ask; default: the server's")
      ->type_name("");
  command->add_flag("--watch", flags->watch, "tell every change, until interrupted or --timeout");
  command->add_flag("--all", flags->all, "tell all services that the server knows the health of");
  AddParsed(*command, "--timeout", flags->timeout, ParseLimit,
            "longest wait; default 10s, for --watch none")
      ->type_name("DURATION");
  AddOutput(*command, flags->output);
  flags->connection.AddTo(*command);
  command->footer(
      "Examples:\n"
      "  rondo health --plaintext localhost:50051\n"
      "  rondo health --plaintext localhost:50051 shop.Cart --watch\n"
      "Exit status: 0 if it serves, 3 if it doesn't, 64 and the gRPC code if it didn't answer.");
  command->callback([flags, io, &run] { run = [flags, io] { return RunHealth(*flags, io); }; });
}

}  // namespace rondo::cli

// gRPC's interop test client: interop_client --server_port 10000 --test_case large_unary
//
// Exit status 0: the case passed; 1: it failed, and why is on stderr; 2: it can't be run.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "interop_cases.h"

namespace rondo::interop {

void Require(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what.c_str());
  std::fflush(nullptr);
  std::_Exit(1);  // Calls may be in flight on the loops.
}

void RequireOk(const absl::Status& status, const std::string& what) {
  Require(status.ok(), what + ": " + status.ToString());
}

void RequireCode(const absl::Status& status, absl::StatusCode code, const std::string& what) {
  Require(status.code() == code,
          what + ": got " + status.ToString() + ", want " + absl::StatusCodeToString(code));
}

Channel OpenChannel(const Settings& settings) {
  absl::StatusOr<Channel> channel = Channel::Create(
      settings.target,
      {.credentials = settings.credentials, .default_service_config = settings.service_config});
  RequireOk(channel.status(), "channel to " + settings.target);
  return *std::move(channel);
}

grpc::testing::SimpleRequest SizedRequest(int request_size, int response_size) {
  grpc::testing::SimpleRequest request;
  request.mutable_payload()->set_body(std::string(request_size, '\0'));
  request.set_response_size(response_size);
  return request;
}

grpc::testing::StreamingOutputCallRequest Ask(int response_size, int request_size) {
  grpc::testing::StreamingOutputCallRequest request;
  request.add_response_parameters()->set_size(response_size);
  request.mutable_payload()->set_body(std::string(request_size, '\0'));
  return request;
}

}  // namespace rondo::interop

namespace {

using rondo::interop::Settings;

struct Flags {
  std::string host = "127.0.0.1", test_case = "large_unary";
  int port = 10000;
  bool use_tls = false, use_test_ca = false;
  rondo::TlsOptions tls;
  Settings settings;
};

void Declare(CLI::App& app, Flags& flags) {
  Settings& s = flags.settings;
  app.add_option("--server_host", flags.host, "host to connect to");
  app.add_option("--server_port", flags.port, "port to connect to");
  app.add_option("--target", s.target, "takes the place of host and port");
  app.add_option("--test_case", flags.test_case, "which case to run; \"list\" lists them");
  app.add_option("--service_config_json", s.service_config, "default service config");
  app.add_option("--use_tls", flags.use_tls, "TLS instead of plaintext");
  app.add_option("--use_test_ca", flags.use_test_ca, "trust --ca_file instead of the system");
  app.add_option("--ca_file", flags.tls.roots_file, "PEM");
  app.add_option("--server_host_override", flags.tls.server_name,
                 "name that the server's certificate must be good for");
  app.add_option("--soak_iterations", s.soak_iterations, "calls of a soak case");
  app.add_option("--soak_max_failures", s.soak_max_failures, "how many may fail or be late");
  app.add_option("--soak_per_iteration_max_acceptable_latency_ms",
                 s.soak_per_iteration_max_acceptable_latency_ms,
                 "a call that takes longer is late");
  app.add_option("--soak_overall_timeout_seconds", s.soak_overall_timeout_seconds,
                 "all calls must be done by then");
  app.add_option("--soak_min_time_ms_between_rpcs", s.soak_min_time_ms_between_rpcs,
                 "from start to start, for each thread");
  app.add_option("--soak_request_size", s.soak_request_size, "bytes");
  app.add_option("--soak_response_size", s.soak_response_size, "bytes");
  app.add_option("--soak_num_threads", s.soak_num_threads, "threads that share the calls")
      ->check(CLI::PositiveNumber);
}

int RunCase(Flags& flags) {
  rondo::interop::Cases cases;
  rondo::interop::AddStandardCases(cases);
  rondo::interop::AddSoakCases(cases);
  rondo::interop::AddCompressionCases(cases);
  rondo::interop::AddOrcaCases(cases);
  rondo::interop::AddNegativeCases(cases);
  rondo::interop::AddFurtherCases(cases);
  if (flags.test_case == "list") {
    for (const auto& entry : cases) std::printf("%s\n", entry.first.c_str());
    return 0;
  }
  const auto found = cases.find(flags.test_case);
  if (found == cases.end()) {
    std::fprintf(stderr, "interop_client: there is no case %s\n", flags.test_case.c_str());
    return 2;
  }
  Settings& settings = flags.settings;
  if (!flags.use_test_ca) flags.tls.roots_file.clear();
  if (flags.use_tls) settings.credentials = rondo::Tls(flags.tls);
  if (settings.target.empty()) settings.target = flags.host + ":" + std::to_string(flags.port);
  found->second({settings, grpc::testing::TestServiceStub(OpenChannel(settings))});
  std::printf("passed\n");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("gRPC's interop test client");
  Flags flags;
  Declare(app, flags);
  CLI11_PARSE(app, argc, argv);
  return RunCase(flags);
}

#pragma once
// The cases of gRPC's interop suite, and this project's additions (README.md), as a client has
// them. Threads: each case runs on the thread that calls it, which may block.
#include <map>
#include <string>

#include "rondo/channel.h"
#include "test.rondo.pb.h"

namespace rondo::interop {

// What the cases need to know; the flags that gRPC's test clients share.
struct Settings {
  std::string target;
  std::string service_config;
  rondo::Credentials credentials = rondo::Insecure();
  int soak_iterations = 10;
  int soak_max_failures = 0;
  int soak_per_iteration_max_acceptable_latency_ms = 1000;
  int soak_overall_timeout_seconds = 10;
  int soak_min_time_ms_between_rpcs = 0;
  int soak_request_size = 271'828;
  int soak_response_size = 314'159;
  int soak_num_threads = 1;
};

struct Client {
  const Settings& settings;
  grpc::testing::TestServiceStub stub;
};

using Case = void (*)(const Client&);
using Cases = std::map<std::string, Case>;

// Says why the case failed and ends the program, unless `holds`.
void Require(bool holds, const std::string& what);
void RequireOk(const absl::Status& status, const std::string& what);
void RequireCode(const absl::Status& status, absl::StatusCode code, const std::string& what);

rondo::Channel OpenChannel(const Settings& settings);
grpc::testing::SimpleRequest SizedRequest(int request_size, int response_size);
grpc::testing::StreamingOutputCallRequest Ask(int response_size, int request_size = 0);

void AddStandardCases(Cases& cases);     // standard_cases.cc: gRPC's own.
void AddCompressionCases(Cases& cases);  // compression_cases.cc: gRPC's own.
void AddSoakCases(Cases& cases);         // soak_cases.cc: rpc_soak, channel_soak.
void AddOrcaCases(Cases& cases);         // orca_cases.cc: gRPC's own.
void AddNegativeCases(Cases& cases);     // negative_cases.cc: gRPC's own, and one of ours.
void AddFurtherCases(Cases& cases);      // further_cases.cc: ours.

}  // namespace rondo::interop

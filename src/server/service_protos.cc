#include "server/service_protos.h"

#include <string>

#include "base/text.h"
#include "wire/descriptors.h"

namespace rondo::server {
namespace {

// As published by grpc/grpc-proto, without the comments.
constexpr std::string_view kHealth = R"(
syntax = "proto3";
package grpc.health.v1;
option go_package = "google.golang.org/grpc/health/grpc_health_v1";
option java_multiple_files = true;
option java_outer_classname = "HealthProto";
option java_package = "io.grpc.health.v1";
message HealthCheckRequest { string service = 1; }
message HealthCheckResponse {
  enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
  ServingStatus status = 1;
}
message HealthListRequest {}
message HealthListResponse { map<string, HealthCheckResponse> statuses = 1; }
service Health {
  rpc Check(HealthCheckRequest) returns (HealthCheckResponse);
  rpc List(HealthListRequest) returns (HealthListResponse);
  rpc Watch(HealthCheckRequest) returns (stream HealthCheckResponse);
}
)";

// Behind the package's line; both versions are alike.
constexpr std::string_view kReflection = R"(
service ServerReflection {
  rpc ServerReflectionInfo(stream ServerReflectionRequest) returns (stream ServerReflectionResponse);
}
message ServerReflectionRequest {
  string host = 1;
  oneof message_request {
    string file_by_filename = 3;
    string file_containing_symbol = 4;
    ExtensionRequest file_containing_extension = 5;
    string all_extension_numbers_of_type = 6;
    string list_services = 7;
  }
}
message ExtensionRequest { string containing_type = 1; int32 extension_number = 2; }
message ServerReflectionResponse {
  string valid_host = 1;
  ServerReflectionRequest original_request = 2;
  oneof message_response {
    FileDescriptorResponse file_descriptor_response = 4;
    ExtensionNumberResponse all_extension_numbers_response = 5;
    ListServiceResponse list_services_response = 6;
    ErrorResponse error_response = 7;
  }
}
message FileDescriptorResponse { repeated bytes file_descriptor_proto = 1; }
message ExtensionNumberResponse { string base_type_name = 1; repeated int32 extension_number = 2; }
message ListServiceResponse { repeated ServiceResponse service = 1; }
message ServiceResponse { string name = 1; }
message ErrorResponse { int32 error_code = 1; string error_message = 2; }
)";

// As published by cncf/xds, without the comments and the rules of its validator.
constexpr std::string_view kLoadReport = R"(
syntax = "proto3";
package xds.data.orca.v3;
option java_outer_classname = "OrcaLoadReportProto";
option java_multiple_files = true;
option java_package = "com.github.xds.data.orca.v3";
option go_package = "github.com/cncf/xds/go/xds/data/orca/v3";
message OrcaLoadReport {
  double cpu_utilization = 1;
  double mem_utilization = 2;
  uint64 rps = 3 [deprecated = true];
  map<string, double> request_cost = 4;
  map<string, double> utilization = 5;
  double rps_fractional = 6;
  double eps = 7;
  map<string, double> named_metrics = 8;
  double application_utilization = 9;
}
)";
constexpr std::string_view kOrca = R"(
syntax = "proto3";
package xds.service.orca.v3;
option java_outer_classname = "OrcaProto";
option java_multiple_files = true;
option java_package = "com.github.xds.service.orca.v3";
option go_package = "github.com/cncf/xds/go/xds/service/orca/v3";
import "xds/data/orca/v3/orca_load_report.proto";
import "google/protobuf/duration.proto";
service OpenRcaService {
  rpc StreamCoreMetrics(OrcaLoadReportRequest) returns (stream xds.data.orca.v3.OrcaLoadReport);
}
message OrcaLoadReportRequest {
  google.protobuf.Duration report_interval = 1;
  repeated string request_cost_names = 2;
}
)";

std::string Reflection(std::string_view version) {
  return wire::CompileProto(
      Cat("grpc/reflection/", version, "/reflection.proto"),
      Cat("syntax = \"proto3\"; package grpc.reflection.", version, ";", kReflection));
}

}  // namespace

std::string_view HealthProto() {
  static const auto& file =
      *new std::string(wire::CompileProto("grpc/health/v1/health.proto", kHealth));
  return file;
}

std::string_view LoadReportProto() {
  static const auto& file =
      *new std::string(wire::CompileProto("xds/data/orca/v3/orca_load_report.proto", kLoadReport));
  return file;
}

std::string_view OrcaProto() {
  static const auto& file = *new std::string(wire::CompileProto(
      "xds/service/orca/v3/orca.proto", kOrca, {LoadReportProto(), wire::DurationProto()}));
  return file;
}

std::string_view ReflectionProto() {
  static const auto& file = *new std::string(Reflection("v1"));
  return file;
}

std::string_view ReflectionAlphaProto() {
  static const auto& file = *new std::string(Reflection("v1alpha"));
  return file;
}

}  // namespace rondo::server

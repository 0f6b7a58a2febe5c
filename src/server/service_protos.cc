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

// As published by grpc/grpc-proto, without the comments and without what only the details of socket
// options need.
constexpr std::string_view kChannelz = R"(
syntax = "proto3";
package grpc.channelz.v1;
import "google/protobuf/any.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
option go_package = "google.golang.org/grpc/channelz/grpc_channelz_v1";
option java_multiple_files = true;
option java_package = "io.grpc.channelz.v1";
option java_outer_classname = "ChannelzProto";
message ChannelRef { int64 channel_id = 1; string name = 2; reserved 3, 4, 5, 6, 7, 8; }
message SubchannelRef { int64 subchannel_id = 7; string name = 8; reserved 1, 2, 3, 4, 5, 6; }
message SocketRef { int64 socket_id = 3; string name = 4; reserved 1, 2, 5, 6, 7, 8; }
message ServerRef { int64 server_id = 5; string name = 6; reserved 1, 2, 3, 4, 7, 8; }
message Channel {
  ChannelRef ref = 1;
  ChannelData data = 2;
  repeated ChannelRef channel_ref = 3;
  repeated SubchannelRef subchannel_ref = 4;
  repeated SocketRef socket_ref = 5;
}
message Subchannel {
  SubchannelRef ref = 1;
  ChannelData data = 2;
  repeated ChannelRef channel_ref = 3;
  repeated SubchannelRef subchannel_ref = 4;
  repeated SocketRef socket_ref = 5;
}
message ChannelConnectivityState {
  enum State {
    UNKNOWN = 0; IDLE = 1; CONNECTING = 2; READY = 3; TRANSIENT_FAILURE = 4; SHUTDOWN = 5;
  }
  State state = 1;
}
message ChannelData {
  ChannelConnectivityState state = 1;
  string target = 2;
  ChannelTrace trace = 3;
  int64 calls_started = 4;
  int64 calls_succeeded = 5;
  int64 calls_failed = 6;
  google.protobuf.Timestamp last_call_started_timestamp = 7;
}
message ChannelTraceEvent {
  string description = 1;
  enum Severity { CT_UNKNOWN = 0; CT_INFO = 1; CT_WARNING = 2; CT_ERROR = 3; }
  Severity severity = 2;
  google.protobuf.Timestamp timestamp = 3;
  oneof child_ref { ChannelRef channel_ref = 4; SubchannelRef subchannel_ref = 5; }
}
message ChannelTrace {
  int64 num_events_logged = 1;
  google.protobuf.Timestamp creation_timestamp = 2;
  repeated ChannelTraceEvent events = 3;
}
message Server { ServerRef ref = 1; ServerData data = 2; repeated SocketRef listen_socket = 3; }
message ServerData {
  ChannelTrace trace = 1;
  int64 calls_started = 2;
  int64 calls_succeeded = 3;
  int64 calls_failed = 4;
  google.protobuf.Timestamp last_call_started_timestamp = 5;
}
message Socket {
  SocketRef ref = 1;
  SocketData data = 2;
  Address local = 3;
  Address remote = 4;
  Security security = 5;
  string remote_name = 6;
}
message SocketData {
  int64 streams_started = 1;
  int64 streams_succeeded = 2;
  int64 streams_failed = 3;
  int64 messages_sent = 4;
  int64 messages_received = 5;
  int64 keep_alives_sent = 6;
  google.protobuf.Timestamp last_local_stream_created_timestamp = 7;
  google.protobuf.Timestamp last_remote_stream_created_timestamp = 8;
  google.protobuf.Timestamp last_message_sent_timestamp = 9;
  google.protobuf.Timestamp last_message_received_timestamp = 10;
  google.protobuf.Int64Value local_flow_control_window = 11;
  google.protobuf.Int64Value remote_flow_control_window = 12;
  repeated SocketOption option = 13;
}
message Address {
  message TcpIpAddress { bytes ip_address = 1; int32 port = 2; }
  message UdsAddress { string filename = 1; }
  message OtherAddress { string name = 1; google.protobuf.Any value = 2; }
  oneof address {
    TcpIpAddress tcpip_address = 1; UdsAddress uds_address = 2; OtherAddress other_address = 3;
  }
}
message Security {
  message Tls {
    oneof cipher_suite { string standard_name = 1; string other_name = 2; }
    bytes local_certificate = 3;
    bytes remote_certificate = 4;
  }
  message OtherSecurity { string name = 1; google.protobuf.Any value = 2; }
  oneof model { Tls tls = 1; OtherSecurity other = 2; }
}
message SocketOption { string name = 1; string value = 2; google.protobuf.Any additional = 3; }
service Channelz {
  rpc GetTopChannels(GetTopChannelsRequest) returns (GetTopChannelsResponse);
  rpc GetServers(GetServersRequest) returns (GetServersResponse);
  rpc GetServer(GetServerRequest) returns (GetServerResponse);
  rpc GetServerSockets(GetServerSocketsRequest) returns (GetServerSocketsResponse);
  rpc GetChannel(GetChannelRequest) returns (GetChannelResponse);
  rpc GetSubchannel(GetSubchannelRequest) returns (GetSubchannelResponse);
  rpc GetSocket(GetSocketRequest) returns (GetSocketResponse);
}
message GetTopChannelsRequest { int64 start_channel_id = 1; int64 max_results = 2; }
message GetTopChannelsResponse { repeated Channel channel = 1; bool end = 2; }
message GetServersRequest { int64 start_server_id = 1; int64 max_results = 2; }
message GetServersResponse { repeated Server server = 1; bool end = 2; }
message GetServerRequest { int64 server_id = 1; }
message GetServerResponse { Server server = 1; }
message GetServerSocketsRequest {
  int64 server_id = 1; int64 start_socket_id = 2; int64 max_results = 3;
}
message GetServerSocketsResponse { repeated SocketRef socket_ref = 1; bool end = 2; }
message GetChannelRequest { int64 channel_id = 1; }
message GetChannelResponse { Channel channel = 1; }
message GetSubchannelRequest { int64 subchannel_id = 1; }
message GetSubchannelResponse { Subchannel subchannel = 1; }
message GetSocketRequest { int64 socket_id = 1; }
message GetSocketResponse { Socket socket = 1; }
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

std::string_view ChannelzProto() {
  static const auto& file = *new std::string(
      wire::CompileProto("grpc/channelz/v1/channelz.proto", kChannelz,
                         {wire::WellKnownProto("any"), wire::WellKnownProto("timestamp"),
                          wire::WellKnownProto("wrappers")}));
  return file;
}

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
  static const auto& file =
      *new std::string(wire::CompileProto("xds/service/orca/v3/orca.proto", kOrca,
                                          {LoadReportProto(), wire::WellKnownProto("duration")}));
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

#pragma once
// The .proto files of the services that the library brings along, as serialised
// FileDescriptorProtos, for reflection.
// Threads: any.
#include <string_view>

namespace rondo::server {

std::string_view ChannelzProto();         // grpc/channelz/v1/channelz.proto
std::string_view HealthProto();           // grpc/health/v1/health.proto
std::string_view LoadReportProto();       // xds/data/orca/v3/orca_load_report.proto
std::string_view OrcaProto();             // xds/service/orca/v3/orca.proto, which imports it
std::string_view ReflectionProto();       // grpc/reflection/v1/reflection.proto
std::string_view ReflectionAlphaProto();  // grpc/reflection/v1alpha/reflection.proto

}  // namespace rondo::server

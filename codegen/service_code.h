#pragma once
// The code of one service: its method constants, its stub, its two bases for handlers. Threads:
// none.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/printer.h>

namespace rondo::codegen {

// What the definitions of the services of a file have in common.
void PrintProtoFile(google::protobuf::io::Printer& out,
                    const google::protobuf::FileDescriptor& file);
void PrintDeclarations(google::protobuf::io::Printer& out,
                       const google::protobuf::ServiceDescriptor& service);
void PrintDefinitions(google::protobuf::io::Printer& out,
                      const google::protobuf::ServiceDescriptor& service);

}  // namespace rondo::codegen

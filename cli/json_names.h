#pragma once
// protoc writes every field's JSON name into descriptors, also where it is the usual one: noise
// where descriptors are shown as text.
// Threads: none of its own.
#include <google/protobuf/descriptor.pb.h>

namespace rondo::cli {

// Takes away the JSON names that fields have anyway.
void DropUsualJsonNames(google::protobuf::FileDescriptorProto& file);

}  // namespace rondo::cli

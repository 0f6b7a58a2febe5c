#pragma once
// Writes x.rondo.pb.h and x.rondo.pb.cc for x.proto. Threads: none.
#include <google/protobuf/compiler/code_generator.h>

#include <string>

namespace rondo::codegen {

class Generator final : public google::protobuf::compiler::CodeGenerator {
 public:
  uint64_t GetSupportedFeatures() const override { return FEATURE_PROTO3_OPTIONAL; }
  bool Generate(const google::protobuf::FileDescriptor* file, const std::string& parameter,
                google::protobuf::compiler::GeneratorContext* context,
                std::string* error) const override;
};

}  // namespace rondo::codegen

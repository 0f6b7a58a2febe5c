// protoc-gen-rondo: stubs and services for protoc. `protoc --rondo_out=DIR x.proto`.
#include <google/protobuf/compiler/plugin.h>

#include "generator.h"

int main(int argc, char** argv) {
  const rondo::codegen::Generator generator;
  return google::protobuf::compiler::PluginMain(argc, argv, &generator);
}

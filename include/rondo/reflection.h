#pragma once
// gRPC's server reflection (grpc.reflection.v1 and v1alpha): how grpcurl and its like learn what a
// server serves.
//   rondo::ReflectionService reflection;
//   server.Add(reflection);
#include <memory>
#include <string_view>
#include <vector>

#include "rondo/server.h"

namespace rondo {

// Lists every service of the server that it is added to, and hands out their .proto files: those
// that generated services bring along, those that are linked into the program, and those that were
// added here. Each file goes once a call, followed by what it imports. It tells everybody the names
// of everything: leave it out where that is not for everybody.
// Threads: any, all methods; it belongs to one server.
class ReflectionService final : public Service {
 public:
  ReflectionService();
  ReflectionService(const ReflectionService&) = delete;
  ReflectionService& operator=(const ReflectionService&) = delete;
  ~ReflectionService() override;

  // Further files, for services that no generated code stands behind (a proxy): a serialised
  // FileDescriptorSet, as `protoc --descriptor_set_out --include_imports` writes it. A file of a
  // name that is there already is passed over. INVALID_ARGUMENT: it is none, or two files define
  // the same name.
  absl::Status AddFiles(std::string_view file_descriptor_set);

  std::vector<ServerMethod> Methods() override;
  std::string_view ProtoFile() const override;
  absl::Status OnStart(const ServedServices& served) override;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace rondo

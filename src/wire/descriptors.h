#pragma once
// .proto files as reflection hands them out: serialised FileDescriptorProtos, found by name,
// symbol or extension.
// Threads: any, all methods.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace rondo::wire {

// Compiles a .proto; empty if it is wrong. `imports`: the files that it imports, serialised,
// each after those that it imports itself.
std::string CompileProto(std::string_view name, std::string_view source,
                         const std::vector<std::string_view>& imports = {});
// One of google/protobuf/: "duration", "timestamp", "any" or "wrappers"; empty: another.
std::string WellKnownProto(std::string_view name);

// Files that were added, and behind them those that generated code has linked into the program.
class DescriptorFiles {
 public:
  DescriptorFiles();
  DescriptorFiles(const DescriptorFiles&) = delete;
  DescriptorFiles& operator=(const DescriptorFiles&) = delete;
  ~DescriptorFiles();

  // INVALID_ARGUMENT: not a FileDescriptorProto, or it says of a name what another file says too.
  // A file of a name that is there already is passed over.
  absl::Status Add(std::string_view file);

  std::optional<std::string> ByName(std::string_view name) const;
  std::optional<std::string> BySymbol(std::string_view symbol) const;  // "a.B", "a.Service.Method"
  std::optional<std::string> ByExtension(std::string_view type, int number) const;
  std::optional<std::vector<int>> ExtensionsOf(std::string_view type) const;  // Sorted.

 private:
  struct Data;
  const std::unique_ptr<Data> data_;
};

// The name of a serialised file, and those of the files that it imports.
struct FileNames {
  std::string name;
  std::vector<std::string> imports;
};
FileNames NamesOf(std::string_view file);

}  // namespace rondo::wire

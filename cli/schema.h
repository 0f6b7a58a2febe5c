#pragma once
// What services and messages are: from .proto files, from descriptor sets, or from the server's own
// reflection.
// Threads: any for pool(), one at a time for everything else.
#include <google/protobuf/descriptor.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "io.h"
#include "rondo/channel.h"
#include "rondo/metadata.h"

namespace rondo::cli {

class Schema {
 public:
  virtual ~Schema() = default;
  // Full names, sorted.
  virtual std::vector<std::string> Services() = 0;
  virtual const google::protobuf::DescriptorPool& pool() const = 0;
  // After a look into the pool that found nothing: throws if it was looked for in vain, and not
  // just isn't there.
  virtual void Check() {}

  // These throw a Stop that names what there is instead.
  const google::protobuf::ServiceDescriptor& Service(const std::string& name);
  // "pkg.Service/Method", also with "/" before it or "." in between.
  const google::protobuf::MethodDescriptor& Method(const std::string& name);
};

// From a server. `headers` go with each question. The channel's calls may take `timeout`.
std::unique_ptr<Schema> ReflectedSchema(Channel channel, Metadata headers, Duration timeout);

// --proto, --import-path, --protoset.
class SchemaFlags {
 public:
  void AddTo(CLI::App& command);
  bool given() const { return !protos_.empty() || !sets_.empty(); }
  std::unique_ptr<Schema> Open(Io io) const;  // Requires given().

 private:
  std::vector<std::string> protos_, imports_, sets_;
};

}  // namespace rondo::cli

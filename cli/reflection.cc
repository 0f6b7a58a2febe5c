// The schema that a server tells of itself: grpc.reflection.v1, or v1alpha where a server knows
// only that.
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/descriptor_database.h>

#include <algorithm>
#include <map>

#include "grpc/reflection/v1/reflection.rondo.pb.h"
#include "json_names.h"
#include "pool_errors.h"
#include "rondo/stub.h"
#include "schema.h"
#include "stop.h"

namespace rondo::cli {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptorProto;
using grpc::reflection::v1::ServerReflectionRequest;
using grpc::reflection::v1::ServerReflectionResponse;

// What a server may send before we say that it is too much.
constexpr size_t kMostFiles = 1000;

using Info =
    MethodOf<ServerReflectionRequest, ServerReflectionResponse, MethodKind::kBidirectional>;
constexpr Info kV1("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
constexpr Info kAlpha("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");

// Asks a server, for a descriptor pool. What goes wrong is kept: the pool's code is none to throw
// through.
class Reflection final : public google::protobuf::DescriptorDatabase {
 public:
  Reflection(Channel channel, Metadata headers, Duration timeout)
      : channel_(std::move(channel)), headers_(std::move(headers)), timeout_(timeout) {}

  const absl::Status& status() const { return status_; }

  std::vector<std::string> Services() {
    ServerReflectionRequest request;
    request.set_list_services("*");
    std::vector<std::string> names;
    const ServerReflectionResponse response = Ask(request);
    for (const auto& service : response.list_services_response().service()) {
      names.push_back(service.name());
    }
    std::ranges::sort(names);
    return names;
  }

  bool FindFileByName(const std::string& name, FileDescriptorProto* out) override {
    if (Has(name, out)) return true;
    ServerReflectionRequest request;
    request.set_file_by_filename(name);
    Keep(Ask(request));
    return Has(name, out);
  }
  bool FindFileContainingSymbol(const std::string& symbol, FileDescriptorProto* out) override {
    ServerReflectionRequest request;
    request.set_file_containing_symbol(symbol);
    return Has(Keep(Ask(request)), out);
  }
  bool FindFileContainingExtension(const std::string& type, int number,
                                   FileDescriptorProto* out) override {
    ServerReflectionRequest request;
    request.mutable_file_containing_extension()->set_containing_type(type);
    request.mutable_file_containing_extension()->set_extension_number(number);
    return Has(Keep(Ask(request)), out);
  }

 private:
  bool Has(const std::string& name, FileDescriptorProto* out) const {
    const auto it = files_.find(name);
    if (it == files_.end()) return false;
    *out = it->second;
    return true;
  }

  // Returns the name of the first file, the one that was asked for.
  std::string Keep(const ServerReflectionResponse& response) {
    std::string first;
    for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
      FileDescriptorProto file;
      if (!file.ParseFromString(bytes)) {
        Fail(absl::InternalError("the server's reflection sent what is no file descriptor"));
        return "";
      }
      if (first.empty()) first = file.name();
      const std::string name = file.name();
      DropUsualJsonNames(file);
      files_.emplace(name, std::move(file));
    }
    if (files_.size() > kMostFiles) {
      Fail(absl::ResourceExhaustedError("the server's reflection sent more than " +
                                        std::to_string(kMostFiles) + " files"));
    }
    return first;
  }

  void Fail(absl::Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

  // An answer, empty if there is none. Each question has a call of its own: what a server sends
  // once a call is kept here.
  ServerReflectionResponse Ask(const ServerReflectionRequest& request) {
    if (!status_.ok()) return {};
    absl::StatusOr<ServerReflectionResponse> response = AskBy(*method_, request);
    if (response.status().code() == absl::StatusCode::kUnimplemented && method_ == &kV1) {
      method_ = &kAlpha;
      response = AskBy(*method_, request);
    }
    if (response.ok()) return *std::move(response);
    Fail(response.status());
    return {};
  }
  absl::StatusOr<ServerReflectionResponse> AskBy(const Info& method,
                                                 const ServerReflectionRequest& request) {
    ReadWriteStream<ServerReflectionRequest, ServerReflectionResponse> stream(
        channel_, method, {.timeout = timeout_, .metadata = headers_});
    stream.Write(request);
    stream.WritesDone();
    if (std::optional<ServerReflectionResponse> response = stream.Read()) return *response;
    absl::Status status = stream.Finish();
    if (!status.ok()) return status;
    return absl::InternalError("the server's reflection ended without an answer");
  }

  const Channel channel_;
  const Metadata headers_;
  const Duration timeout_;
  const Info* method_ = &kV1;
  std::map<std::string, FileDescriptorProto> files_;
  absl::Status status_;
};

class Reflected final : public Schema {
 public:
  Reflected(Channel channel, Metadata headers, Duration timeout)
      : target_(channel.target()),
        reflection_(std::move(channel), std::move(headers), timeout),
        pool_(&reflection_, &errors_) {}

  std::vector<std::string> Services() override {
    std::vector<std::string> names = reflection_.Services();
    Check();
    return names;
  }
  const DescriptorPool& pool() const override { return pool_; }
  void Check() override {
    const absl::Status& status = reflection_.status();
    if (status.ok() && errors_.first().empty()) return;
    if (status.ok()) {
      throw Failed(target_, absl::InternalError("the server's reflection makes no sense: " +
                                                errors_.first()));
    }
    const bool missing = status.code() == absl::StatusCode::kUnimplemented;
    throw Failed(target_, status,
                 missing ? "it has no reflection service (neither v1 nor v1alpha): say what it "
                           "serves with --proto or --protoset"
                         : "");
  }

 private:
  const std::string target_;
  Reflection reflection_;
  PoolErrors errors_;
  DescriptorPool pool_;
};

}  // namespace

std::unique_ptr<Schema> ReflectedSchema(Channel channel, Metadata headers, Duration timeout) {
  return std::make_unique<Reflected>(std::move(channel), std::move(headers), timeout);
}

}  // namespace rondo::cli

#include "status_details.h"

#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include <memory>

#include "absl/strings/escaping.h"
#include "google/rpc/status.pb.h"
#include "json_text.h"

namespace rondo::cli {
namespace {

// Where rondo keeps a google.rpc.Status within an absl::Status.
constexpr const char* kPayload = "type.googleapis.com/google.rpc.Status";

std::string Show(const google::protobuf::Any& detail, const google::protobuf::DescriptorPool& pool,
                 google::protobuf::DynamicMessageFactory& factory) {
  const std::string& url = detail.type_url();
  if (const auto* type = pool.FindMessageTypeByName(url.substr(url.rfind('/') + 1))) {
    const std::unique_ptr<google::protobuf::Message> message(factory.GetPrototype(type)->New());
    std::string json;
    if (message->ParseFromString(detail.value()) &&
        google::protobuf::util::MessageToJsonString(*message, &json).ok()) {
      return type->full_name() + " " + json;
    }
  }
  return url + " " + Quote(absl::Base64Escape(detail.value()));
}

}  // namespace

std::vector<std::string> StatusDetails(const absl::Status& status,
                                       const google::protobuf::DescriptorPool& pool) {
  std::vector<std::string> out;
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayload);
  google::rpc::Status rich;
  if (!payload || !rich.ParseFromString(std::string(*payload))) return out;
  google::protobuf::DynamicMessageFactory factory(&pool);
  for (const google::protobuf::Any& detail : rich.details()) {
    out.push_back(Show(detail, pool, factory));
  }
  return out;
}

}  // namespace rondo::cli

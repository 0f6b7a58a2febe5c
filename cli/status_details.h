#pragma once
// What a failed call says besides code and text: google.rpc.Status in grpc-status-details-bin.
// Threads: any.
#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace rondo::cli {

// Each detail as JSON; one of a type that nobody knows as its type and its bytes in base64.
std::vector<std::string> StatusDetails(const absl::Status& status,
                                       const google::protobuf::DescriptorPool& pool);

}  // namespace rondo::cli

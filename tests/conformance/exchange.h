#pragma once
// What both conformance programs need: length-prefixed messages on stdin and stdout, and the
// suite's own forms of metadata and statuses. Threads: reading is for one thread; writing is for
// one at a time.
#include <google/protobuf/message_lite.h>
#include <google/protobuf/repeated_ptr_field.h>

#include "conformance.pb.h"
#include "rondo/metadata.h"

namespace rondo::conformance {

using Headers = google::protobuf::RepeatedPtrField<connectrpc::conformance::v1::Header>;

// Four bytes length, big-endian, then the message. False: the input has ended, or is wrong.
bool ReadMessage(google::protobuf::MessageLite& message);
bool WriteMessage(const google::protobuf::MessageLite& message);

// The suite's headers are ASCII: values of "-bin" keys are base64 there.
Metadata ToMetadata(const Headers& headers);
void FromMetadata(const Metadata& metadata, Headers& headers);

absl::Status ToStatus(const connectrpc::conformance::v1::Error& error);
connectrpc::conformance::v1::Error FromStatus(const absl::Status& status);

}  // namespace rondo::conformance

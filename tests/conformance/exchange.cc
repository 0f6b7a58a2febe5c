#include "exchange.h"

#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"
#include "wire/base64.h"

namespace rondo::conformance {
namespace {

using connectrpc::conformance::v1::Error;
using connectrpc::conformance::v1::Header;

// Where rondo keeps a google.rpc.Status within an absl::Status.
constexpr const char* kDetailsPayload = "type.googleapis.com/google.rpc.Status";

bool IsBinary(std::string_view key) { return key.ends_with("-bin"); }

std::string Lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// A value that isn't base64 is taken as it is.
std::string Decoded(const std::string& value) {
  std::string bytes;
  return wire::AppendDecodedBase64(bytes, value) ? bytes : value;
}
std::string Encoded(const std::string& bytes) {
  std::string text;
  wire::AppendBase64(text, bytes);
  return text;
}

}  // namespace

bool ReadMessage(google::protobuf::MessageLite& message) {
  constexpr size_t kLargest = 64 << 20;
  uint8_t prefix[4];
  if (std::fread(prefix, 1, 4, stdin) != 4) return false;
  const size_t size = size_t{prefix[0]} << 24 | prefix[1] << 16 | prefix[2] << 8 | prefix[3];
  if (size > kLargest) return false;
  std::string bytes(size, '\0');
  return std::fread(bytes.data(), 1, size, stdin) == size && message.ParseFromString(bytes);
}

bool WriteMessage(const google::protobuf::MessageLite& message) {
  const std::string bytes = message.SerializeAsString();
  std::string all;
  for (int shift = 24; shift >= 0; shift -= 8) all += static_cast<char>(bytes.size() >> shift);
  all += bytes;
  return std::fwrite(all.data(), 1, all.size(), stdout) == all.size() && std::fflush(stdout) == 0;
}

Metadata ToMetadata(const Headers& headers) {
  Metadata metadata;
  for (const Header& header : headers) {
    const std::string key = Lower(header.name());
    for (const std::string& value : header.value()) {
      metadata.Add(key, IsBinary(key) ? Decoded(value) : value);
    }
  }
  return metadata;
}

void FromMetadata(const Metadata& metadata, Headers& headers) {
  for (const auto& [key, value] : metadata) {
    Header* header = nullptr;
    for (Header& known : headers) {
      if (known.name() == key) header = &known;
    }
    if (header == nullptr) (header = headers.Add())->set_name(key);
    header->add_value(IsBinary(key) ? Encoded(value) : value);
  }
}

absl::Status ToStatus(const Error& error) {
  absl::Status status(static_cast<absl::StatusCode>(error.code()), error.message());
  if (status.ok() || error.details().empty()) return status;
  google::rpc::Status rpc;
  rpc.set_code(error.code());
  rpc.set_message(error.message());
  *rpc.mutable_details() = error.details();
  const std::string bytes = rpc.SerializeAsString();
  status.SetPayload(kDetailsPayload, absl::Cord(absl::string_view(bytes)));
  return status;
}

Error FromStatus(const absl::Status& status) {
  Error error;
  error.set_code(static_cast<int>(status.code()));
  error.set_message(std::string(status.message()));
  google::rpc::Status rpc;
  if (const auto details = status.GetPayload(kDetailsPayload);
      details.has_value() && rpc.ParseFromString(std::string(*details))) {
    *error.mutable_details() = rpc.details();
  }
  return error;
}

}  // namespace rondo::conformance

#pragma once
// Metadata to header fields and back (gRPC over HTTP/2, "Custom-Metadata").
// Threads: any; nothing here has state.
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "rondo/metadata.h"
#include "wire/base64.h"

namespace rondo::wire {

inline bool IsBinaryKey(std::string_view key) { return key.ends_with("-bin"); }
// Fields that say how the call is carried, and never show in metadata: pseudo-headers, te,
// content-type, grpc-timeout, grpc-status and their like, what HTTP/2 forbids ("connection").
// "grpc-previous-rpc-attempts" and others that gRPC shows to the application are not among them.
bool IsProtocolField(std::string_view name);

// OK, or INTERNAL with the first offending entry: `metadata key "Tenant": ...`. Wrong is a key that
// is empty, has a byte outside [0-9a-z_.-], begins with "grpc-" or is a protocol field; a value
// without
// "-bin" in its key that has a byte outside 0x20-0x7e.
absl::Status CheckMetadata(const Metadata& metadata);

// Calls emit(name, value) for each entry, in order; the views live as long as `metadata` and
// `room`, which keeps the base64 texts (what it held before is gone). Spaces round a value are
// dropped, as the protocol allows: HTTP/2 refuses them (RFC 9113 section 8.2.1). "user-agent" is
// passed over, since a channel writes its own: a proxy may hand on what it got. Requires:
// CheckMetadata said OK.
template <class Emit>
void EncodeMetadata(const Metadata& metadata, std::string& room, Emit emit);

// Adds one received field to `out`. Protocol fields are passed over. The value of a "-bin" key may
// be several values joined by commas; INTERNAL if one is not base64: that ends this call, and
// nothing else: `metadata key "trace-bin": "?" is not base64`.
absl::Status DecodeField(std::string_view name, std::string_view value, Metadata& out);

// ---- Details.

inline std::string_view WithoutSpaces(std::string_view value) {
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
  return value;
}

template <class Emit>
void EncodeMetadata(const Metadata& metadata, std::string& room, Emit emit) {
  room.clear();
  size_t size = 0;
  for (const auto& [key, value] : metadata) {
    if (IsBinaryKey(key)) size += Base64Size(value.size());
  }
  room.reserve(size);  // So that no view moves.
  for (const auto& [key, value] : metadata) {
    if (key == "user-agent") continue;
    if (!IsBinaryKey(key)) {
      emit(std::string_view(key), WithoutSpaces(value));
      continue;
    }
    const size_t from = room.size();
    AppendBase64(room, value);
    emit(std::string_view(key), std::string_view(room).substr(from));
  }
}

}  // namespace rondo::wire

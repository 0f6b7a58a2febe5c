#pragma once
// Metadata to header fields and back (gRPC over HTTP/2, "Custom-Metadata").
// Threads: any; nothing here has state.
#include <string_view>

#include "absl/status/status.h"
#include "rondo/metadata.h"
#include "wire/fields.h"

namespace rondo::wire {

// A host that a pick sets in place of the channel's ":authority": INTERNAL unless it is visible
// ASCII.
absl::Status CheckAuthority(std::string_view authority);

inline bool IsBinaryKey(std::string_view key) { return key.ends_with("-bin"); }
// Fields that say how the call is carried, and never show in metadata: pseudo-headers, te,
// content-type, grpc-timeout, grpc-status and their like, what HTTP/2 forbids ("connection").
// "grpc-previous-rpc-attempts" and others that gRPC shows to the application are not among them.
bool IsProtocolField(std::string_view name);

// Fills `out` with a field for each entry, in order; the views live as long as `metadata` and
// `out`. INTERNAL, with `out` empty, names the first offending entry: `metadata key "Tenant": ...`.
// Wrong is a key that is empty, has a byte outside [0-9a-z_.-], begins with "grpc-" (but for
// "grpc-trace-bin", A72) or is a protocol field; a value without "-bin" in its key that has a byte
// outside 0x20-0x7e. Spaces round a value are dropped, as the protocol allows: HTTP/2 refuses them
// (RFC 9113 section 8.2.1). "user-agent" is passed over, since a channel writes its own: a proxy
// may hand on what it got. So is `except`, which the caller sends by other means.
absl::Status EncodeMetadata(const Metadata& metadata, Fields& out,
                            std::string_view except = "user-agent");

// Adds one received field to `out`. Protocol fields are passed over. The value of a "-bin" key may
// be several values joined by commas; INTERNAL if one is not base64: that ends this call, and
// nothing else: `metadata key "trace-bin": "?" is not base64`.
absl::Status DecodeField(std::string_view name, std::string_view value, Metadata& out);

// Adds all of a received block. The first error; what is right was added all the same.
template <class Block>
absl::Status DecodeMetadata(const Block& block, Metadata& out) {
  absl::Status first;
  for (const auto& field : block.fields) first.Update(DecodeField(field.name, field.value, out));
  return first;
}

}  // namespace rondo::wire

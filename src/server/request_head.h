#pragma once
// What the headers of a request say, and whether they may pass.
// Threads: none of its own.
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "http2/headers.h"
#include "rondo/metadata.h"
#include "rondo/time.h"
#include "wire/compression.h"

namespace rondo::server {

struct RequestHead {
  enum class Kind : uint8_t {
    kCall,
    kRefused,         // A gRPC request; `why` is its status.
    kWrongMethod,     // Plain HTTP: 405.
    kWrongMediaType,  // Likewise: 415.
  };
  Kind kind = Kind::kCall;
  absl::Status why;
  std::string_view path;  // A view of the headers.
  std::optional<Duration> timeout;
  Compression encoding = Compression::kIdentity;  // Of the requests.
  bool strange_encoding = false;  // Refused for it: the answer must say which ones there are.
  wire::Encodings accepted;       // Of replies.
  int64_t pushback_ms = 0;        // Refused: what the caller is told to wait; 0: nothing.
};

// Fills `metadata` on the way. Refused are headers of more than `max_bytes` (RESOURCE_EXHAUSTED), a
// malformed grpc-timeout or "-bin" value (INTERNAL), a grpc-encoding that we don't know
// (UNIMPLEMENTED). `peer`: for the texts.
RequestHead ReadRequestHead(const http2::Headers& headers, uint32_t max_bytes,
                            std::string_view peer, Metadata& metadata);

}  // namespace rondo::server

#pragma once
// How messages are compressed on their way (gRPC's doc/compression.md).
// Threads: none of its own.
#include <cstdint>

namespace rondo {

// What grpc-encoding and grpc-accept-encoding name. Every channel and server takes all of them.
enum class Compression : uint8_t {
  kIdentity,  // "identity": as it is.
  kGzip,      // "gzip" (RFC 1952).
  kDeflate,   // "deflate": the zlib format (RFC 1950), as everywhere in HTTP.
};

// Of one message in a stream. Trivially copyable on purpose, like CallOptions.
struct WriteOptions {
  // False: this one goes as it is, whatever its call's compression. For what is secret beside what
  // an attacker chooses (CRIME), or compressed already. A message that compression doesn't make
  // shorter goes as it is in any case.
  bool compress = true;
};

}  // namespace rondo

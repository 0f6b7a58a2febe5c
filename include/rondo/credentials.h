#pragma once
// How connections are protected. Plaintext must be asked for: Insecure().
#include <cstdint>

namespace rondo {

struct Credentials {
  enum class Kind : uint8_t { kNone, kInsecure };
  Kind kind = Kind::kNone;
};
inline Credentials Insecure() { return {Credentials::Kind::kInsecure}; }

}  // namespace rondo

#include "base/hash.h"

#define XXH_INLINE_ALL  // No library to link.
#include <xxhash.h>

namespace rondo {

uint64_t Hash64(std::string_view bytes, uint64_t seed) {
  return XXH64(bytes.data(), bytes.size(), seed);
}

HashStream::HashStream(uint64_t seed) {
  static_assert(sizeof(XXH64_state_t) <= sizeof state_ && alignof(XXH64_state_t) <= 8);
  XXH64_reset(reinterpret_cast<XXH64_state_t*>(state_), seed);
}
void HashStream::Add(std::string_view bytes) {
  XXH64_update(reinterpret_cast<XXH64_state_t*>(state_), bytes.data(), bytes.size());
}
uint64_t HashStream::Sum() const {
  return XXH64_digest(reinterpret_cast<const XXH64_state_t*>(state_));
}

}  // namespace rondo

#pragma once
// XXH64, the hash of gRPC's ring_hash and random_subsetting (A42, A68): not for secrets.
// Threads: any; a HashStream is one thread's.
#include <cstdint>
#include <string_view>

namespace rondo {

uint64_t Hash64(std::string_view bytes, uint64_t seed = 0);

// The same over bytes that come in pieces. Allocates nothing.
class HashStream {
 public:
  explicit HashStream(uint64_t seed = 0);
  void Add(std::string_view bytes);
  uint64_t Sum() const;

 private:
  alignas(8) unsigned char state_[88];
};

}  // namespace rondo

#pragma once
// How many seeds a test runs, and which.
// Threads: none.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

namespace rondo::stack {

// How much longer a seed takes.
#if defined(RONDO_SANITIZED)
inline constexpr uint64_t kSlower = 6;
#else
inline constexpr uint64_t kSlower = 1;
#endif

// The first seed and the one past the last. RONDO_SEED=17 runs that one only, RONDO_SEEDS=10000 so
// many.
inline std::pair<uint64_t, uint64_t> Seeds(uint64_t usual) {
  if (const char* one = std::getenv("RONDO_SEED")) {
    const uint64_t seed = std::strtoull(one, nullptr, 10);
    return {seed, seed + 1};
  }
  if (const char* many = std::getenv("RONDO_SEEDS")) {
    return {1, 1 + std::strtoull(many, nullptr, 10)};
  }
  return {1, 1 + usual / kSlower};
}

}  // namespace rondo::stack

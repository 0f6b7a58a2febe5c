#pragma once
// How often this thread has asked malloc and its kin for memory, C libraries included. Link
// count_malloc.cc. Threads: each reads its own.
#include <cstdint>

namespace bench {
extern thread_local uint64_t mallocs;
}  // namespace bench

#pragma once
// How often this thread has called operator new. Link count_new.cc.
// Threads: each reads its own.
#include <cstdint>

namespace bench {
extern thread_local uint64_t allocations;
}  // namespace bench

#pragma once
// How often this thread has called operator new, and for how many bytes. Link count_new.cc.
// Threads: each reads its own.
#include <cstdint>

namespace bench {
extern thread_local uint64_t allocations;
extern thread_local int64_t allocated_bytes;  // Less what this thread has freed.
}  // namespace bench

// Counts allocations of each thread; in a file of its own so that the compiler can't pair new with
// free.
#include "count_new.h"

#include <malloc.h>

#include <cstdlib>
#include <new>

thread_local uint64_t bench::allocations = 0;
thread_local int64_t bench::allocated_bytes = 0;

namespace {
void* Counted(void* p) {
  if (p == nullptr) throw std::bad_alloc();
  ++bench::allocations;
  bench::allocated_bytes += static_cast<int64_t>(malloc_usable_size(p));
  return p;
}
void Free(void* p) {
  bench::allocated_bytes -= static_cast<int64_t>(malloc_usable_size(p));
  std::free(p);
}
}  // namespace

void* operator new(size_t n) { return Counted(std::malloc(n)); }
void* operator new(size_t n, std::align_val_t alignment) {
  const auto align = static_cast<size_t>(alignment);
  return Counted(std::aligned_alloc(align, (n + align - 1) / align * align));
}
void operator delete(void* p) noexcept { Free(p); }
void operator delete(void* p, size_t) noexcept { Free(p); }
void operator delete(void* p, std::align_val_t) noexcept { Free(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { Free(p); }

// Counts allocations of each thread; in a file of its own so that the compiler can't pair new with
// free.
#include "count_new.h"

#include <cstdlib>
#include <new>

thread_local uint64_t bench::allocations = 0;

void* operator new(size_t n) {
  ++bench::allocations;
  if (void* p = std::malloc(n)) return p;
  throw std::bad_alloc();
}
void* operator new(size_t n, std::align_val_t alignment) {
  ++bench::allocations;
  const auto align = static_cast<size_t>(alignment);
  if (void* p = std::aligned_alloc(align, (n + align - 1) / align * align)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { std::free(p); }

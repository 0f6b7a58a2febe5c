// Stands before glibc's malloc in this program and all its libraries.
#include "count_malloc.h"

#include <cstddef>

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
}

thread_local uint64_t bench::mallocs = 0;

extern "C" {
void* malloc(size_t n) {
  ++bench::mallocs;
  return __libc_malloc(n);
}
void* calloc(size_t count, size_t n) {
  ++bench::mallocs;
  return __libc_calloc(count, n);
}
void* realloc(void* p, size_t n) {
  ++bench::mallocs;
  return __libc_realloc(p, n);
}
void* aligned_alloc(size_t alignment, size_t n) {
  ++bench::mallocs;
  return __libc_memalign(alignment, n);
}
}

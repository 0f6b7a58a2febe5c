#include "oracle/nghttp2_memory.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace rondo::http2 {
namespace {

// As large as the strictest alignment, so that what follows it is aligned.
struct alignas(std::max_align_t) Front {
  size_t size;  // Of the block without this.
};

std::pmr::memory_resource& Resource(void* user) {
  return *static_cast<std::pmr::memory_resource*>(user);
}
Front* FrontOf(void* p) { return static_cast<Front*>(p) - 1; }

void* Allocate(size_t size, void* user) {
  auto* front = static_cast<Front*>(Resource(user).allocate(sizeof(Front) + size, alignof(Front)));
  front->size = size;
  return front + 1;
}

void Free(void* p, void* user) {
  if (p == nullptr) return;
  Front* front = FrontOf(p);
  Resource(user).deallocate(front, sizeof(Front) + front->size, alignof(Front));
}

void* Clear(size_t count, size_t size, void* user) {  // nghttp2 asks for small records only.
  void* p = Allocate(count * size, user);
  std::memset(p, 0, count * size);
  return p;
}

void* Resize(void* p, size_t size, void* user) {
  if (p == nullptr) return Allocate(size, user);
  void* next = Allocate(size, user);
  std::memcpy(next, p, std::min(size, FrontOf(p)->size));
  Free(p, user);
  return next;
}

}  // namespace

nghttp2_mem Nghttp2Memory(std::pmr::memory_resource& memory) {
  return {&memory, &Allocate, &Free, &Clear, &Resize};
}

}  // namespace rondo::http2

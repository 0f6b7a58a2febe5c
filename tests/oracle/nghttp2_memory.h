#pragma once
// Lets nghttp2 allocate from a memory resource: its eleven allocations a call then cost a free
// list's push and pop.
// Threads: the resource's.
#include <nghttp2/nghttp2.h>

#include <memory_resource>

namespace rondo::http2 {

// What it returns may be copied; blocks remember their size in front of themselves.
nghttp2_mem Nghttp2Memory(std::pmr::memory_resource& memory);

}  // namespace rondo::http2

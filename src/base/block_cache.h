#pragma once
// Blocks of memory for large messages. The allocator gives such blocks back to the system at once
// and gets them anew, page by page, for the next message; a loop keeps some instead.
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <utility>
#include <vector>

#include "rondo/slice.h"

namespace rondo {

// What a loop has kept. AllocateBlock and FreeBlock use the cache that works on their thread, if
// one does. Threads: one at a time.
class BlockCache {
 public:
  static constexpr size_t kKept = 8 << 20;  // Bytes; a block that would be too much is not kept.
  // Sizes are rounded up, by a fifth at most: four steps for each power of two, to 7 MiB. What is
  // larger is not kept.
  static constexpr size_t kClasses = 36;
  static constexpr size_t SizeOf(size_t index) { return (4 + index % 4) << (12 + index / 4); }
  static size_t IndexOf(size_t size);  // kClasses: too large.

  BlockCache() = default;
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;
  ~BlockCache();

  size_t kept() const { return kept_; }
  // Gives back what nobody has needed since the last Trim.
  void Trim();

  // Until its end, this thread's blocks come from `cache` and go there.
  class Use {
   public:
    explicit Use(BlockCache& cache) : outer_(std::exchange(here, &cache)) {}
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() { here = outer_; }

   private:
    BlockCache* const outer_;
  };

 private:
  friend void* detail::AllocateBlock(size_t size);
  friend void detail::FreeBlock(void* block) noexcept;
  struct Head;  // Before each block.
  struct Class {
    Head* first = nullptr;
    size_t count = 0;
    size_t spare = 0;  // The fewest that lay here since the last Trim.
  };

  Head* Take(size_t index);
  bool Keep(Head& block);
  void GiveBack(Class& c, size_t index);

  static constinit thread_local BlockCache* here;

  std::array<Class, kClasses> classes_;
  size_t kept_ = 0;
};

// For vectors of bytes that may become large.
template <class T>
struct BlockAllocator {
  using value_type = T;
  BlockAllocator() = default;
  template <class U>
  explicit BlockAllocator(const BlockAllocator<U>&) {}

  T* allocate(size_t n) {
    if (n > std::numeric_limits<size_t>::max() / 2 / sizeof(T)) throw std::bad_array_new_length();
    const size_t size = n * sizeof(T);
    return static_cast<T*>(size < detail::kLargeBlock ? ::operator new(size)
                                                      : detail::AllocateBlock(size));
  }
  void deallocate(T* memory, size_t n) noexcept {
    if (n * sizeof(T) < detail::kLargeBlock) return ::operator delete(memory);
    detail::FreeBlock(memory);
  }
  friend bool operator==(const BlockAllocator&, const BlockAllocator&) { return true; }
};

using ByteVector = std::vector<uint8_t, BlockAllocator<uint8_t>>;

}  // namespace rondo

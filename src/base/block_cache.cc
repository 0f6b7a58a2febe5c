#include "base/block_cache.h"

#include <algorithm>
#include <bit>

#include "base/keep_memory.h"

namespace rondo {

struct alignas(std::max_align_t) BlockCache::Head {
  size_t index;
  Head* next;
};

constinit thread_local BlockCache* BlockCache::here = nullptr;

size_t BlockCache::IndexOf(size_t size) {
  if (size > SizeOf(kClasses - 1)) return kClasses;
  const size_t over = std::max(size, SizeOf(0)) - 1;
  const int power = std::bit_width(over) - 3;  // `over` is 4 to 7 of these, and a rest.
  return static_cast<size_t>(power - 12) * 4 + (over >> power) - 4 + 1;
}

BlockCache::~BlockCache() {
  for (size_t i = 0; i < kClasses; ++i) {
    while (classes_[i].count > 0) GiveBack(classes_[i], i);
  }
}

void BlockCache::Trim() {
  for (size_t i = 0; i < kClasses; ++i) {
    for (Class& c = classes_[i]; c.spare > 0; --c.spare) GiveBack(c, i);
    classes_[i].spare = classes_[i].count;
  }
}

BlockCache::Head* BlockCache::Take(size_t index) {
  Class& c = classes_[index];
  if (c.count == 0) return nullptr;
  Head* block = c.first;
  c.first = block->next;
  c.spare = std::min(c.spare, --c.count);
  kept_ -= SizeOf(index);
  return block;
}

bool BlockCache::Keep(Head& block) {
  if (kept_ + SizeOf(block.index) > kKept) return false;
  Class& c = classes_[block.index];
  block.next = std::exchange(c.first, &block);
  ++c.count;
  kept_ += SizeOf(block.index);
  return true;
}

void BlockCache::GiveBack(Class& c, size_t index) {
  Head* block = c.first;
  c.first = block->next;
  --c.count;
  kept_ -= SizeOf(index);
  ::operator delete(block);
}

namespace detail {

void* AllocateBlock(size_t size) {
  using Head = BlockCache::Head;
  const size_t index = BlockCache::IndexOf(size);
  const bool keep = RONDO_KEEP_MEMORY != 0 && index < BlockCache::kClasses;
  Head* block = keep && BlockCache::here != nullptr ? BlockCache::here->Take(index) : nullptr;
  if (block == nullptr) {
    const size_t room = keep ? BlockCache::SizeOf(index) : size;
    block = static_cast<Head*>(::operator new(sizeof(Head) + room));
  }
  block->index = keep ? index : BlockCache::kClasses;
  return block + 1;
}

void FreeBlock(void* block) noexcept {
  auto* head = static_cast<BlockCache::Head*>(block) - 1;
  const bool keep = head->index < BlockCache::kClasses && BlockCache::here != nullptr;
  if (keep && BlockCache::here->Keep(*head)) return;
  ::operator delete(head);
}

}  // namespace detail
}  // namespace rondo

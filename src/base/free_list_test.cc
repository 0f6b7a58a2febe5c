#include "base/free_list.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace rondo {
namespace {

struct Counting : std::pmr::memory_resource {
  int taken = 0, given = 0;
  void* do_allocate(size_t n, size_t align) override {
    ++taken;
    return std::pmr::new_delete_resource()->allocate(n, align);
  }
  void do_deallocate(void* p, size_t n, size_t align) override {
    ++given;
    std::pmr::new_delete_resource()->deallocate(p, n, align);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

TEST(FreeList, AFreedBlockIsGivenOutAgainForEverySizeOfItsClass) {
  Counting above;
  FreeList list(&above);
  void* p = list.allocate(100);
  list.deallocate(p, 100);
  EXPECT_EQ(list.allocate(65), p);
  list.deallocate(p, 65);
  EXPECT_EQ(list.allocate(128), p);
  list.deallocate(p, 128);
  EXPECT_EQ(above.taken, 1);
}

TEST(FreeList, EachBlockHoldsWhatWasAskedFor) {
  FreeList list;
  std::vector<std::pair<void*, size_t>> blocks;
  for (size_t n = 1; n < 10000; n = n * 3 / 2 + 1) {
    void* p = list.allocate(n);
    std::memset(p, 1, n);
    blocks.emplace_back(p, n);
  }
  for (const auto& [p, n] : blocks) list.deallocate(p, n);
}

TEST(FreeList, LargeBlocksAndWhatIsBeyondTheCapGoBackAtOnce) {
  Counting above;
  FreeList list(&above);
  list.deallocate(list.allocate(FreeList::kLargest + 1), FreeList::kLargest + 1);
  EXPECT_EQ(above.given, 1);
  std::vector<void*> many;
  for (size_t i = 0; i < 2 * FreeList::kKept / 4096; ++i) many.push_back(list.allocate(4096));
  for (void* p : many) list.deallocate(p, 4096);
  EXPECT_EQ(static_cast<size_t>(above.given), 1 + FreeList::kKept / 4096);
}

TEST(FreeList, WhatIsKeptGoesBackInTheEnd) {
  Counting above;
  {
    FreeList list(&above);
    list.deallocate(list.allocate(40), 40);
    EXPECT_EQ(above.given, 0);
  }
  EXPECT_EQ(above.given, above.taken);
}

}  // namespace
}  // namespace rondo

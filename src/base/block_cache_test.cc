#include "base/block_cache.h"

#include <memory>
#include <string>
#include <thread>

#include "base/keep_memory.h"
#include "gtest/gtest.h"

namespace rondo {
namespace {

constexpr bool kKeeps = RONDO_KEEP_MEMORY != 0;
constexpr size_t kMiB = 1 << 20;

TEST(BlockCacheTest, ABlockIsAtMostAQuarterLargerThanAskedFor) {
  for (size_t i = 0; i < BlockCache::kClasses; ++i) {
    EXPECT_EQ(BlockCache::IndexOf(BlockCache::SizeOf(i)), i);
    EXPECT_EQ(BlockCache::IndexOf(BlockCache::SizeOf(i) + 1), i + 1);
    if (i > 0) {
      EXPECT_LE(BlockCache::SizeOf(i), BlockCache::SizeOf(i - 1) * 5 / 4);
    }
  }
  EXPECT_EQ(BlockCache::SizeOf(0), detail::kLargeBlock);
  EXPECT_EQ(BlockCache::IndexOf(SIZE_MAX), BlockCache::kClasses);
}

TEST(BlockCacheTest, WhatIsFreedComesBackToTheNextThatNeedsSuchASize) {
  BlockCache cache;
  const BlockCache::Use use(cache);
  void* first = detail::AllocateBlock(kMiB);
  detail::FreeBlock(first);
  EXPECT_EQ(cache.kept(), kKeeps ? kMiB : 0);
  void* other = detail::AllocateBlock(2 * kMiB);
  void* second = detail::AllocateBlock(kMiB - 1);
  if (kKeeps) {
    EXPECT_EQ(second, first);
    EXPECT_NE(other, first);
  }
  EXPECT_EQ(cache.kept(), 0u);
  detail::FreeBlock(second);
  detail::FreeBlock(other);
}

TEST(BlockCacheTest, NoMoreIsKeptThanItsLimit) {
  BlockCache cache;
  const BlockCache::Use use(cache);
  void* blocks[10];
  for (void*& block : blocks) block = detail::AllocateBlock(kMiB);
  for (void* block : blocks) detail::FreeBlock(block);
  EXPECT_EQ(cache.kept(), kKeeps ? BlockCache::kKept : 0);
}

TEST(BlockCacheTest, ABlockLargerThanTheLargestIsNotKept) {
  BlockCache cache;
  const BlockCache::Use use(cache);
  detail::FreeBlock(detail::AllocateBlock(7 * kMiB + 1));
  EXPECT_EQ(cache.kept(), 0u);
}

TEST(BlockCacheTest, TrimGivesBackWhatNobodyHasNeededSinceTheLastOne) {
  BlockCache cache;
  const BlockCache::Use use(cache);
  void* a = detail::AllocateBlock(kMiB);
  void* b = detail::AllocateBlock(kMiB);
  detail::FreeBlock(a);
  detail::FreeBlock(b);
  cache.Trim();
  EXPECT_EQ(cache.kept(), kKeeps ? 2 * kMiB : 0) << "both have just been in use";
  detail::FreeBlock(detail::AllocateBlock(kMiB));
  cache.Trim();
  EXPECT_EQ(cache.kept(), kKeeps ? kMiB : 0) << "one has been needed, one not";
  cache.Trim();
  EXPECT_EQ(cache.kept(), 0u);
}

TEST(BlockCacheTest, ABlockMayBeFreedOnAThreadWithoutACache) {
  BlockCache cache;
  void* block = nullptr;
  {
    const BlockCache::Use use(cache);
    block = detail::AllocateBlock(kMiB);
  }
  std::thread([block] { detail::FreeBlock(block); }).join();
  EXPECT_EQ(cache.kept(), 0u);
}

TEST(BlockCacheTest, AnInnerLoopUsesItsOwnCache) {
  BlockCache outer, inner;
  const BlockCache::Use use(outer);
  {
    const BlockCache::Use within(inner);
    detail::FreeBlock(detail::AllocateBlock(kMiB));
  }
  EXPECT_EQ(inner.kept(), kKeeps ? kMiB : 0);
  detail::FreeBlock(detail::AllocateBlock(kMiB));
  EXPECT_EQ(outer.kept(), kKeeps ? kMiB : 0);
}

TEST(BlockCacheTest, AVectorOfBytesGrowsFromASmallBlockIntoALargeOne) {
  BlockCache cache;
  const BlockCache::Use use(cache);
  ByteVector bytes(100, 7);
  bytes.resize(kMiB, 8);
  EXPECT_EQ(bytes[99], 7);
  EXPECT_EQ(bytes[kMiB - 1], 8);
  ByteVector().swap(bytes);
  EXPECT_EQ(cache.kept(), kKeeps ? kMiB : 0);
}

TEST(SliceTest, MakesRoomOfAnySizeAndLetsItBeFilled) {
  for (const size_t size : {size_t{0}, size_t{1}, detail::kLargeBlock - 1, detail::kLargeBlock}) {
    const Slice slice = Slice::Make(size, [&](uint8_t* to) { std::fill_n(to, size, 'x'); });
    EXPECT_EQ(std::string(slice.bytes().begin(), slice.bytes().end()), std::string(size, 'x'));
  }
}

}  // namespace
}  // namespace rondo

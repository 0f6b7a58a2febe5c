#pragma once
// A memory resource that keeps what is freed and gives it out again: a loop's protocol records come
// and go in a few sizes, so in steady state nothing reaches malloc.
// Threads: one at a time.
#include <array>
#include <bit>
#include <cstddef>
#include <memory_resource>

namespace rondo {

class FreeList final : public std::pmr::memory_resource {
 public:
  // Blocks of more than this go to `above` directly: they are rare, and keeping them is dear.
  static constexpr size_t kLargest = 4096;
  // Of one size class; a burst of a thousand streams is kept, not a burst of a million.
  static constexpr size_t kKept = 256 << 10;

  explicit FreeList(std::pmr::memory_resource* above = std::pmr::new_delete_resource())
      : above_(above) {}
  FreeList(const FreeList&) = delete;
  FreeList& operator=(const FreeList&) = delete;
  ~FreeList() override {
    for (size_t i = 0; i < kClasses; ++i) {
      while (Node* node = free_[i].first) {
        free_[i].first = node->next;
        above_->deallocate(node, Size(i));
      }
    }
  }

 private:
  struct Node {
    Node* next;
  };
  struct Class {
    Node* first = nullptr;
    size_t bytes = 0;
  };
  static constexpr size_t kSmallest = 32;
  static constexpr size_t kClasses = std::countr_zero(kLargest) - std::countr_zero(kSmallest) + 1;

  static constexpr size_t Size(size_t index) { return kSmallest << index; }
  static size_t Index(size_t bytes) {
    return bytes <= kSmallest ? 0 : std::bit_width((bytes - 1) / kSmallest);
  }

  void* do_allocate(size_t bytes, size_t align) override {
    if (bytes > kLargest || align > alignof(std::max_align_t)) {
      return above_->allocate(bytes, align);
    }
    const size_t index = Index(bytes);
    Class& c = free_[index];
    if (c.first == nullptr) return above_->allocate(Size(index));
    c.bytes -= Size(index);
    Node* node = c.first;
    c.first = node->next;
    return node;
  }
  void do_deallocate(void* p, size_t bytes, size_t align) override {
    if (bytes > kLargest || align > alignof(std::max_align_t)) {
      return above_->deallocate(p, bytes, align);
    }
    const size_t index = Index(bytes);
    Class& c = free_[index];
    if (c.bytes + Size(index) > kKept) return above_->deallocate(p, Size(index));
    c.bytes += Size(index);
    c.first = new (p) Node{c.first};
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::pmr::memory_resource* const above_;
  std::array<Class, kClasses> free_{};
};

}  // namespace rondo

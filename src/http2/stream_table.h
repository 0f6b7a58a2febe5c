#pragma once
// From a stream's id to its record. Threads: one at a time.
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rondo::http2 {

// Open addressing, at most half full; ids count upwards, so a multiplicative hash spreads them
// evenly. Nothing is allocated for a stream once the table has its size.
template <class Node>
class StreamTable {
 public:
  Node* Find(uint32_t id) const {
    if (slots_.empty()) return nullptr;
    for (size_t i = Home(id);; i = Next(i)) {
      Node* node = slots_[i];
      if (node == nullptr || node->id == id) return node;
    }
  }
  void Add(Node* node) {
    if (2 * ++used_ > slots_.size()) Grow();
    Place(node);
  }
  void Remove(const Node* node) {
    --used_;
    size_t hole = Home(node->id);
    while (slots_[hole] != node) hole = Next(hole);
    // Moves back what was pushed past the hole.
    for (size_t i = Next(hole); slots_[i] != nullptr; i = Next(i)) {
      const size_t home = Home(slots_[i]->id);
      if (((i - home) & mask()) < ((i - hole) & mask())) continue;
      slots_[hole] = slots_[i];
      hole = i;
    }
    slots_[hole] = nullptr;
  }

 private:
  static constexpr size_t kFirst = 8;

  size_t mask() const { return slots_.size() - 1; }
  size_t Home(uint32_t id) const { return ((id >> 1) * 0x9e3779b1u >> 16) & mask(); }
  size_t Next(size_t i) const { return (i + 1) & mask(); }
  void Place(Node* node) {
    size_t i = Home(node->id);
    while (slots_[i] != nullptr) i = Next(i);
    slots_[i] = node;
  }
  void Grow() {
    std::vector<Node*> old(slots_.empty() ? kFirst : 2 * slots_.size());
    old.swap(slots_);
    for (Node* node : old) {
      if (node != nullptr) Place(node);
    }
  }

  std::vector<Node*> slots_;
  size_t used_ = 0;
};

}  // namespace rondo::http2

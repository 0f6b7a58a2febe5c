#pragma once
// The pool of a session's stream records, and the list of those that are open.
// Threads: one at a time.
#include <deque>
#include <memory_resource>

namespace rondo::http2 {

// Node has `Node *prev, *next` and `void Clear()`. Records are recycled last in first out, so the
// hot one is in cache; a deque never moves them.
template <class Node>
class StreamPool {
 public:
  explicit StreamPool(std::pmr::memory_resource& memory) : nodes_(&memory) {}

  Node* Get() {
    Node* node = free_;
    if (node != nullptr) {
      free_ = node->next;
    } else {
      node = &nodes_.emplace_back();
    }
    node->prev = nullptr;
    node->next = open_;
    if (open_ != nullptr) open_->prev = node;
    open_ = node;
    return node;
  }
  void Put(Node* node) {
    (node->prev != nullptr ? node->prev->next : open_) = node->next;
    if (node->next != nullptr) node->next->prev = node->prev;
    node->Clear();
    node->next = free_;
    free_ = node;
  }
  Node* open() const { return open_; }  // Newest first.

 private:
  std::pmr::deque<Node> nodes_;
  Node *free_ = nullptr, *open_ = nullptr;
};

}  // namespace rondo::http2

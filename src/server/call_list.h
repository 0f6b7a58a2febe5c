#pragma once
// Calls in a list that threads through them.
// Threads: one.
#include "server/call.h"

namespace rondo::server {

class CallList {
 public:
  CallList() = default;
  CallList(const CallList&) = delete;
  CallList& operator=(const CallList&) = delete;

  Call* first() const { return first_; }
  void Add(Call& call) {
    call.prev = nullptr;
    call.next = first_;
    if (first_ != nullptr) first_->prev = &call;
    first_ = &call;
  }
  void Remove(Call& call) {
    (call.prev != nullptr ? call.prev->next : first_) = call.next;
    if (call.next != nullptr) call.next->prev = call.prev;
    call.prev = call.next = nullptr;
  }

 private:
  Call* first_ = nullptr;
};

}  // namespace rondo::server

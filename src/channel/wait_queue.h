#pragma once
// First in, first out, of things that carry their own links: calls that wait for a picker, or for a
// free stream. A call stands in one queue at a time and leaves it by itself when it ends.
// Threads: home.

#include <cstddef>

namespace rondo::channel {

template <class T>
class WaitQueue;

// Base of what can wait.
template <class T>
class Waiter {
 public:
  bool waiting() const { return queue_ != nullptr; }
  void LeaveQueue() {
    if (queue_ != nullptr) queue_->Remove(*this);
  }

 protected:
  ~Waiter() { LeaveQueue(); }

 private:
  friend class WaitQueue<T>;
  WaitQueue<T>* queue_ = nullptr;
  Waiter *prev_ = nullptr, *next_ = nullptr;
};

template <class T>
class WaitQueue {
 public:
  WaitQueue() = default;
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;
  ~WaitQueue() {
    while (!empty()) Remove(*first_);
  }
  bool empty() const { return first_ == nullptr; }
  size_t size() const { return size_; }
  void Push(Waiter<T>& waiter) {
    waiter.queue_ = this;
    waiter.prev_ = last_;
    waiter.next_ = nullptr;
    (last_ != nullptr ? last_->next_ : first_) = &waiter;
    last_ = &waiter;
    ++size_;
  }
  T& Front() { return static_cast<T&>(*first_); }
  T& Pop() {
    Waiter<T>& waiter = *first_;
    Remove(waiter);
    return static_cast<T&>(waiter);
  }
  void Remove(Waiter<T>& waiter) {
    (waiter.prev_ != nullptr ? waiter.prev_->next_ : first_) = waiter.next_;
    (waiter.next_ != nullptr ? waiter.next_->prev_ : last_) = waiter.prev_;
    waiter.queue_ = nullptr;
    --size_;
  }
  template <class F>
  void ForEach(F each) {
    for (Waiter<T>* w = first_; w != nullptr; w = w->next_) each(static_cast<T&>(*w));
  }
  // Takes all of `other`, behind what is here.
  void TakeAll(WaitQueue& other) {
    while (!other.empty()) Push(other.Pop());
  }

 private:
  friend class Waiter<T>;
  Waiter<T>*first_ = nullptr, *last_ = nullptr;
  size_t size_ = 0;
};

}  // namespace rondo::channel

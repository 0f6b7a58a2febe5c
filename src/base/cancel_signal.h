#pragma once
// How a call on a server tells the calls that were made for it (CallOptions::parent) that it has
// been cancelled. Threads: any.
#include <mutex>

namespace rondo {

class CancelSignal {
 public:
  // Removed before it goes.
  class Listener {
   public:
    Listener() = default;
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

   protected:
    ~Listener() = default;

   private:
    friend class CancelSignal;
    // On the thread that fires, once; may not come back to the signal.
    virtual void OnCancelled() = 0;
    Listener *previous_ = nullptr, *next_ = nullptr;
    bool listed_ = false;
  };

  CancelSignal() = default;
  CancelSignal(const CancelSignal&) = delete;
  CancelSignal& operator=(const CancelSignal&) = delete;

  // False: it has been fired, and this one will not be told.
  bool Add(Listener& listener) {
    const std::lock_guard lock(mutex_);
    if (fired_) return false;
    listener.next_ = first_;
    if (first_ != nullptr) first_->previous_ = &listener;
    first_ = &listener;
    listener.listed_ = true;
    return true;
  }
  void Remove(Listener& listener) {
    const std::lock_guard lock(mutex_);
    if (!listener.listed_) return;
    listener.listed_ = false;
    (listener.previous_ != nullptr ? listener.previous_->next_ : first_) = listener.next_;
    if (listener.next_ != nullptr) listener.next_->previous_ = listener.previous_;
    listener.previous_ = listener.next_ = nullptr;
  }
  void Fire() {
    const std::lock_guard lock(mutex_);
    if (fired_) return;
    fired_ = true;
    for (Listener* l = first_; l != nullptr; l = l->next_) l->OnCancelled();
  }

 private:
  std::mutex mutex_;
  bool fired_ = false;
  Listener* first_ = nullptr;
};

}  // namespace rondo

#pragma once
// Work for a loop that may stop before it comes to it: then `otherwise` runs in its place, on
// whichever thread drops it.
// Threads: made on one, run or dropped on another.
#include <utility>

#include "rondo/function.h"

namespace rondo::server {

class Errand {
 public:
  Errand(Function<void()> work, Function<void()> otherwise)
      : work_(std::move(work)), otherwise_(std::move(otherwise)) {}
  Errand(Errand&&) noexcept = default;
  Errand& operator=(Errand&&) = delete;
  ~Errand() {
    if (otherwise_) otherwise_();
  }
  void operator()() {
    otherwise_ = nullptr;
    work_();
  }

 private:
  Function<void()> work_, otherwise_;
};

}  // namespace rondo::server

// Memory of coroutine frames: a call makes two or three of a few hundred bytes, over and over.
// Threads: a list belongs to its thread; a frame freed elsewhere joins that thread's list.
#include <cstddef>
#include <new>

#include "base/keep_memory.h"
#include "rondo/task.h"

namespace rondo::detail {
namespace {

constexpr size_t kStep = 128;            // Sizes are rounded up to it.
constexpr size_t kClasses = 16;          // Frames above 2 KiB aren't kept.
constexpr size_t kKeptBytes = 64 << 10;  // Of each class.

struct Free {
  Free* next;
};

class FrameLists {
 public:
  ~FrameLists() {
    for (Class& c : classes_) {
      while (c.first != nullptr) ::operator delete(Pop(c));
    }
  }
  void* Take(size_t i) { return classes_[i].first != nullptr ? Pop(classes_[i]) : nullptr; }
  bool Keep(size_t i, void* frame) {
    Class& c = classes_[i];
    if (c.bytes >= kKeptBytes) return false;
    c.first = new (frame) Free{c.first};
    c.bytes += (i + 1) * kStep;
    return true;
  }

 private:
  struct Class {
    Free* first = nullptr;
    size_t bytes = 0;
  };
  void* Pop(Class& c) {
    Free* frame = c.first;
    c.first = frame->next;
    c.bytes -= (static_cast<size_t>(&c - classes_) + 1) * kStep;
    return frame;
  }
  Class classes_[kClasses];
};

// Frames may still be freed when the thread's own objects are gone already: then the flag, which
// needs no destructor, sends them straight back.
thread_local bool gone = false;
struct Owner {
  FrameLists lists;
  ~Owner() { gone = true; }
};
FrameLists* Lists() {
  if (gone) return nullptr;
  thread_local Owner owner;
  return &owner.lists;
}

size_t ClassOf(size_t size) { return (size - 1) / kStep; }

}  // namespace

void* AllocateFrame(size_t size) {
  const size_t i = ClassOf(size);
  if (RONDO_KEEP_MEMORY == 0 || i >= kClasses) return ::operator new(size);
  if (FrameLists* lists = Lists()) {
    if (void* frame = lists->Take(i)) return frame;
  }
  return ::operator new((i + 1) * kStep);
}

void FreeFrame(void* frame, size_t size) noexcept {
  const size_t i = ClassOf(size);
  if (RONDO_KEEP_MEMORY != 0 && i < kClasses) {
    FrameLists* lists = Lists();
    if (lists != nullptr && lists->Keep(i, frame)) return;
  }
  ::operator delete(frame);
}

}  // namespace rondo::detail

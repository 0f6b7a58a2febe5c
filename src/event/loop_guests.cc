// Tasks that nobody awaits, in a list for each loop: a loop that stops ends them, on its thread.
#include <memory>
#include <vector>

#include "event/event_loop.h"
#include "rondo/spawn.h"

namespace rondo::detail {

class GuestList final : public event::StopNode {
 public:
  // The list of `loop`, which belongs to the calling thread; null if the loop isn't one of ours and
  // can't tell of its end.
  static GuestList* Of(Loop& loop) {
    for (const auto& list : lists) {
      if (list->loop_ == &loop) return list.get();
    }
    auto* events = dynamic_cast<event::EventLoop*>(&loop);
    if (events == nullptr) return nullptr;
    lists.push_back(std::unique_ptr<GuestList>(new GuestList(loop)));
    events->WatchStop(*lists.back());
    return lists.back().get();
  }
  void Add(LoopGuest& guest) {
    guest.next_ = &ring_;
    guest.previous_ = ring_.previous_;
    guest.previous_->next_ = guest.next_->previous_ = &guest;
  }

 private:
  struct Ring final : LoopGuest {
    void OnEvict() override {}
  };
  explicit GuestList(Loop& loop) : loop_(&loop) {}
  void OnLoopStop() override {
    // One that goes may take others with it, or bring new ones.
    while (ring_.next_ != &ring_) ring_.next_->OnEvict();
    std::erase_if(lists, [this](const auto& list) { return list.get() == this; });
  }

  static thread_local std::vector<std::unique_ptr<GuestList>> lists;
  Loop* const loop_;
  Ring ring_;
};
thread_local std::vector<std::unique_ptr<GuestList>> GuestList::lists;

void LoopGuest::Enter(Loop& loop) {
  if (GuestList* list = GuestList::Of(loop)) list->Add(*this);
}
LoopGuest::~LoopGuest() {
  next_->previous_ = previous_;
  previous_->next_ = next_;
}

}  // namespace rondo::detail

// Tasks that nobody awaits, in a list of their loop's: a loop that stops ends them, on its thread.
#include <memory>
#include <utility>

#include "event/event_loop.h"
#include "rondo/spawn.h"

namespace rondo::detail {

class GuestList final : public event::StopNode {
 public:
  // The list of `loop`, on whose thread the caller is; null if the loop isn't one of ours and can't
  // tell of its end.
  static GuestList* Of(Loop& loop) {
    auto* events = dynamic_cast<event::EventLoop*>(&loop);
    if (events == nullptr) return nullptr;
    if (events->guests() == nullptr) events->guests() = std::make_shared<GuestList>();
    auto& list = static_cast<GuestList&>(*events->guests());
    if (!std::exchange(list.watches_, true)) events->WatchStop(list);
    return &list;
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
  void OnLoopStop() override {
    // One that goes may take others with it, or bring new ones.
    while (ring_.next_ != &ring_) ring_.next_->OnEvict();
    watches_ = false;  // A goodbye may still start a task.
  }

  bool watches_ = false;
  Ring ring_;
};

void LoopGuest::Enter(Loop& loop) {
  if (GuestList* list = GuestList::Of(loop)) list->Add(*this);
}
LoopGuest::~LoopGuest() {
  next_->previous_ = previous_;
  previous_->next_ = next_;
}

}  // namespace rondo::detail

#include <utility>

#include "event/event_loop.h"

namespace rondo::event {

void TimerNode::Disarm() {
  if (queue_ != nullptr) queue_->Disarm(*this);
}

TimerQueue::~TimerQueue() {
  for (TimerNode* node : heap_) node->queue_ = nullptr;
  for (TimerNode* node : due_) {
    if (node != nullptr) node->queue_ = nullptr;
  }
}

void TimerQueue::Arm(TimerNode& node, Time at) {
  node.Disarm();
  node.queue_ = this;
  node.at_ = at;
  node.sequence_ = sequence_++;
  heap_.push_back(&node);
  node.index_ = heap_.size() - 1;
  Up(node.index_);
}

void TimerQueue::Disarm(TimerNode& node) {
  node.queue_ = nullptr;
  if ((node.index_ & kDue) != 0) {
    due_[node.index_ & ~kDue] = nullptr;
    return;
  }
  const size_t hole = node.index_;
  TimerNode* last = heap_.back();
  heap_.pop_back();
  if (last == &node) return;
  Place(*last, hole);
  Up(hole);
  Down(last->index_);
}

TimerNode& TimerQueue::PopFirst() {
  TimerNode& first = *heap_.front();
  TimerNode* last = heap_.back();
  heap_.pop_back();
  if (last != &first) {
    Place(*last, 0);
    Down(0);
  }
  return first;
}

// First takes all that is due, then fires it: what is armed meanwhile can't get in between.
void TimerQueue::Run(Time now) {
  while (!heap_.empty() && heap_.front()->at_ <= now) {
    TimerNode& due = PopFirst();
    due.index_ = due_.size() | kDue;
    due_.push_back(&due);
  }
  for (size_t i = 0; i < due_.size(); ++i) {
    TimerNode* node = std::exchange(due_[i], nullptr);
    if (node == nullptr) continue;
    node->queue_ = nullptr;
    node->OnTimer();
  }
  due_.clear();
}

void TimerQueue::Place(TimerNode& node, size_t index) {
  heap_[index] = &node;
  node.index_ = index;
}

void TimerQueue::Up(size_t index) {
  TimerNode& node = *heap_[index];
  while (index > 0) {
    const size_t parent = (index - 1) / 2;
    if (!Before(node, *heap_[parent])) break;
    Place(*heap_[parent], index);
    index = parent;
  }
  Place(node, index);
}

void TimerQueue::Down(size_t index) {
  TimerNode& node = *heap_[index];
  for (;;) {
    size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && Before(*heap_[child + 1], *heap_[child])) ++child;
    if (!Before(*heap_[child], node)) break;
    Place(*heap_[child], index);
    index = child;
  }
  Place(node, index);
}

}  // namespace rondo::event

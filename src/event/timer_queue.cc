#include <utility>

#include "event/event_loop.h"

namespace rondo::event {

void TimerNode::Disarm() {
  if (queue_ != nullptr) queue_->Disarm(*this);
}

TimerQueue::~TimerQueue() {
  for (TimerNode* node : heap_) node->queue_ = nullptr;
}

void TimerQueue::Arm(TimerNode& node, Time at) {
  if (node.queue_ != nullptr) node.queue_->Disarm(node);
  node.queue_ = this;
  node.at_ = at;
  node.sequence_ = sequence_++;
  heap_.push_back(&node);
  node.index_ = heap_.size() - 1;
  Up(node.index_);
}

void TimerQueue::Disarm(TimerNode& node) {
  const size_t hole = node.index_;
  TimerNode* last = heap_.back();
  heap_.pop_back();
  node.queue_ = nullptr;
  if (last == &node) return;
  Place(*last, hole);
  Up(hole);
  Down(last->index_);
}

void TimerQueue::Run(Time now) {
  const uint64_t later = sequence_;  // What is armed from here on waits for the next call.
  while (!heap_.empty() && heap_.front()->at_ <= now && heap_.front()->sequence_ < later) {
    TimerNode& due = *heap_.front();
    Disarm(due);
    due.OnTimer();
  }
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

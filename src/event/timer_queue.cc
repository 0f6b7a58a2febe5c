#include "event/timer_queue.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace rondo::event {

void TimerNode::Disarm() {
  if (queue_ != nullptr) queue_->Disarm(*this);
}

bool TimerWheel::Add(TimerNode& node) {
  const int64_t tick = TickOf(node.at_);
  if (tick <= now_ || tick - now_ >= kSlots) return false;
  if (slots_ == nullptr) slots_ = std::make_unique<std::array<TimerNode*, kSlots>>();
  const size_t slot = SlotOf(tick);
  TimerNode*& first = (*slots_)[slot];
  node.before_ = &first;
  node.after_ = first;
  if (first != nullptr) first->before_ = &node.after_;
  first = &node;
  used_[slot / kWordBits] |= uint64_t{1} << slot % kWordBits;
  used_words_ |= 1u << slot / kWordBits;
  ++count_;
  return true;
}

void TimerWheel::Remove(TimerNode& node) {
  if (node.after_ != nullptr) node.after_->before_ = node.before_;
  *node.before_ = node.after_;
  node.before_ = nullptr;
  --count_;
  const size_t slot = SlotOf(TickOf(node.at_));
  if ((*slots_)[slot] != nullptr) return;
  uint64_t& word = used_[slot / kWordBits];
  word &= ~(uint64_t{1} << slot % kWordBits);
  if (word == 0) used_words_ &= ~(1u << slot / kWordBits);
}

int64_t TimerWheel::FirstTick() const {
  const size_t start = SlotOf(now_ + 1);
  size_t word = start / kWordBits;
  uint64_t bits = used_[word] & ~uint64_t{0} << start % kWordBits;
  if (bits == 0) {  // The next word; at last the one it began with, for the slots before `start`.
    const int further = std::countr_zero(std::rotr(used_words_, static_cast<int>(word) + 1));
    word = (word + 1 + static_cast<size_t>(further)) % used_.size();
    bits = used_[word];
  }
  const size_t slot = word * kWordBits + static_cast<size_t>(std::countr_zero(bits));
  return now_ + 1 + static_cast<int64_t>((slot - start) % kSlots);
}

Time TimerWheel::next() const { return Time(std::chrono::nanoseconds(FirstTick() << kTickBits)); }

TimerNode* TimerWheel::Advance(Time now) {
  const int64_t tick = TickOf(now);
  if (tick <= now_) return nullptr;
  TimerNode* all = nullptr;
  while (count_ > 0 && FirstTick() <= tick) {
    TimerNode* node = (*slots_)[SlotOf(FirstTick())];
    while (node != nullptr) {
      TimerNode* after = node->after_;
      Remove(*node);
      node->after_ = std::exchange(all, node);
      node = after;
    }
  }
  now_ = tick;
  return all;
}

TimerQueue::~TimerQueue() {
  for (TimerNode* node = wheel_.Advance(Time::max()); node != nullptr; node = node->after_) {
    node->queue_ = nullptr;
  }
  for (TimerNode* node : heap_) node->queue_ = nullptr;
  for (TimerNode* node : due_) {
    if (node != nullptr) node->queue_ = nullptr;
  }
}

void TimerQueue::Arm(TimerNode& node, Time at) {
  node.Disarm();
  node.at_ = at;
  node.sequence_ = sequence_++;
  if (!wheel_.Add(node)) Push(node);
  node.queue_ = this;  // Last: without memory for its place it is not armed.
}

void TimerQueue::Disarm(TimerNode& node) {
  node.queue_ = nullptr;
  if (node.before_ != nullptr) {
    wheel_.Remove(node);
    return;
  }
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

Time TimerQueue::next() const {
  const Time near = heap_.empty() ? Time::max() : heap_.front()->at_;
  return wheel_.empty() ? near : std::min(near, wheel_.next());
}

void TimerQueue::Push(TimerNode& node) {
  heap_.push_back(&node);
  node.index_ = heap_.size() - 1;
  Up(node.index_);
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

void TimerQueue::Spill(Time now) noexcept {
  for (TimerNode* node = wheel_.Advance(now); node != nullptr;) {
    TimerNode* after = node->after_;
    Push(*node);
    node = after;
  }
}

// First takes all that is due, then fires it: what is armed meanwhile can't get in between.
void TimerQueue::Run(Time now) {
  Spill(now);
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

#include "event/event_loop.h"

#include <algorithm>
#include <utility>

namespace rondo::event {
namespace {

constexpr size_t kReadBuffer = 64 << 10;
// Flushes that lead to flushes are few; two parties that keep each other busy must let others in.
constexpr int kTurnEndRounds = 16;

// A one-shot timer that owns its function. It may be dropped inside that function.
class OwnedTimer final : public Timer {
 public:
  OwnedTimer(EventLoop& loop, Time at, Loop::Work fire)
      : node_(std::make_unique<Node>(std::move(fire))) {
    loop.Arm(*node_, at);
  }

 private:
  struct Node final : TimerNode {
    explicit Node(Loop::Work f) : fire(std::move(f)) {}
    void OnTimer() override {
      Loop::Work run = std::move(fire);  // Lives on, whatever becomes of this node.
      run();
    }
    Loop::Work fire;
  };
  std::unique_ptr<Node> node_;
};

}  // namespace

std::unique_ptr<Timer> EventLoop::After(Duration delay, Work fire) {
  return std::make_unique<OwnedTimer>(*this, Now() + std::max(delay, Duration{}), std::move(fire));
}

void EventLoop::Arm(TimerNode& node, Time at) {
  timers_.Arm(node, at);
  OnTimersChanged();
}

// ---- End of turn.

void EventLoop::AtTurnEnd(TurnNode& node) {
  if (node.loop_ != nullptr) return;
  node.loop_ = this;
  node.index_ = turn_.size();
  turn_.push_back(&node);
  if (turn_.size() == 1) OnTurnWork();
}

void TurnNode::Cancel() {
  if (loop_ == nullptr) return;
  std::exchange(loop_, nullptr)->turn_[index_] = nullptr;
}

void EventLoop::RunTurnEnd() {
  size_t next = 0;
  for (int round = 0; round < kTurnEndRounds && next < turn_.size(); ++round) {
    for (const size_t end = turn_.size(); next < end; ++next) {
      TurnNode* node = std::exchange(turn_[next], nullptr);
      if (node == nullptr) continue;
      node->loop_ = nullptr;
      node->OnTurnEnd();
    }
  }
  // What is left waits for the next turn, which comes at once.
  turn_.erase(turn_.begin(), turn_.begin() + static_cast<ptrdiff_t>(next));
  for (size_t i = 0; i < turn_.size(); ++i) {
    if (turn_[i] != nullptr) turn_[i]->index_ = i;
  }
}

// ---- The loop's end.

void EventLoop::WatchStop(StopNode& node) {
  node.Unwatch();
  node.loop_ = this;
  node.before_ = last_stop_;
  node.after_ = nullptr;
  (last_stop_ == nullptr ? first_stop_ : last_stop_->after_) = &node;
  last_stop_ = &node;
}

void StopNode::Unwatch() {
  EventLoop* loop = std::exchange(loop_, nullptr);
  if (loop == nullptr) return;
  (before_ == nullptr ? loop->first_stop_ : before_->after_) = after_;
  (after_ == nullptr ? loop->last_stop_ : after_->before_) = before_;
}

void EventLoop::TellStop() {
  // Owners first: they were there before what they own.
  while (first_stop_ != nullptr) {
    StopNode& node = *first_stop_;
    node.Unwatch();
    node.OnLoopStop();
  }
}

std::span<uint8_t> EventLoop::read_buffer() {
  if (read_buffer_ == nullptr) read_buffer_ = std::make_unique<uint8_t[]>(kReadBuffer);
  return {read_buffer_.get(), kReadBuffer};
}

}  // namespace rondo::event

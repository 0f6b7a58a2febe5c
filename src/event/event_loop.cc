#include "event/event_loop.h"

#include <algorithm>
#include <utility>

namespace rondo::event {
namespace {

constexpr size_t kReadBuffer = 64 << 10;

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
}

void TurnNode::Cancel() {
  if (loop_ == nullptr) return;
  std::exchange(loop_, nullptr)->turn_[index_] = nullptr;
}

void EventLoop::RunTurnEnd() {
  for (size_t i = 0; i < turn_.size(); ++i) {
    TurnNode* node = std::exchange(turn_[i], nullptr);
    if (node == nullptr) continue;
    node->loop_ = nullptr;
    node->OnTurnEnd();
  }
  turn_.clear();
}

// ---- The loop's end.

void EventLoop::WatchStop(StopNode& node) {
  node.loop_ = this;
  stop_.push_back(&node);
}

void StopNode::Unwatch() {
  if (loop_ != nullptr) std::erase(std::exchange(loop_, nullptr)->stop_, this);
}

void EventLoop::TellStop() {
  // Owners first: they were there before what they own.
  while (!stop_.empty()) {
    StopNode* node = stop_.front();
    stop_.erase(stop_.begin());
    node->loop_ = nullptr;
    node->OnLoopStop();
  }
}

std::span<uint8_t> EventLoop::read_buffer() {
  if (read_buffer_ == nullptr) read_buffer_ = std::make_unique<uint8_t[]>(kReadBuffer);
  return {read_buffer_.get(), kReadBuffer};
}

}  // namespace rondo::event

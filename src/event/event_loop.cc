#include "event/event_loop.h"

#include <algorithm>
#include <utility>

namespace rondo::event {
namespace {

constexpr size_t kReadBuffer = 64 << 10;
// Flushes that lead to flushes are few; two parties that keep each other busy must let others in.
constexpr int kTurnEndRounds = 4;  // Of work until none is left, then a flush.
constexpr int kWorkRounds = 128;   // Work that never rests must not keep the rest from going out.

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
  const bool first = !has_turn_work();
  TurnNodes& nodes = NodesOf(node.phase_);
  node.index_ = nodes.size();
  nodes.push_back(&node);
  if (first) OnTurnWork();
}

void TurnNode::Cancel() {
  if (loop_ == nullptr) return;
  std::exchange(loop_, nullptr)->NodesOf(phase_)[index_] = nullptr;
}

// What is left after the last round waits for the next turn, which comes at once.
void EventLoop::RunTurnEnd() {
  for (int round = 0; round < kTurnEndRounds && has_turn_work(); ++round) {
    for (int i = 0; i < kWorkRounds && !work_.empty(); ++i) RunRound(work_);
    RunRound(flush_);
  }
}

// Those that stand there now. What they schedule is for the next round.
void EventLoop::RunRound(TurnNodes& nodes) {
  const size_t end = nodes.size();
  for (size_t i = 0; i < end; ++i) {
    TurnNode* node = std::exchange(nodes[i], nullptr);
    if (node == nullptr) continue;
    node->loop_ = nullptr;
    node->OnTurnEnd();
  }
  nodes.erase(nodes.begin(), nodes.begin() + static_cast<ptrdiff_t>(end));
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i] != nullptr) nodes[i]->index_ = i;
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

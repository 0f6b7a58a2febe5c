#pragma once
// One modelled server. Times are seconds of virtual time, work is seconds at speed 1.
// Threads: one at a time.
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <queue>
#include <unordered_set>
#include <vector>

namespace rondo::lab {

struct ServerModel {
  enum class Queue : uint8_t {
    kSharing,  // All calls run at once and share `cores`, none faster than one core.
    kFifo,     // `cores` calls run, the others wait in their order.
    kNone,     // Calls don't get in each other's way.
  };
  Queue queue = Queue::kSharing;
  double cores = 1;
  double speed = 1;
};

// Work is attained at one rate by all calls that run: so one number, `attained_`, tells how far
// each is, and a change of the rate costs nothing a call. O(log n) a call.
class Server {
 public:
  static constexpr double kNever = std::numeric_limits<double>::infinity();

  explicit Server(ServerModel model) : model_(model) {}
  // Returns what Cancel() is to be told. Other than `call`, which the caller may use again as soon
  // as the call was given up, no two arrivals have the same.
  uint64_t Arrive(uint32_t call, double work, double now) {
    Pass(now);
    ++in_flight_;
    const uint64_t ticket = next_ticket_++;
    if (model_.queue == ServerModel::Queue::kFifo && running() >= model_.cores) {
      waiting_.push_back({work, ticket, call});
    } else {
      running_.push({attained_ + work, ticket, call});
    }
    return ticket;
  }
  // The call whose turn to end it is, at `now`, which is NextEnd().
  uint32_t Finish(double now) {
    Pass(now);
    attained_ = running_.top().work;  // Not a rounding less.
    const uint32_t call = running_.top().call;
    running_.pop();
    --in_flight_;
    ++finished_;
    Refill();
    Forget();
    return call;
  }
  // The caller gave up: the call stops using the server.
  void Cancel(uint64_t ticket, double now) {
    Pass(now);
    --in_flight_;
    for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
      if (it->ticket != ticket) continue;
      waiting_.erase(it);
      return;
    }
    gone_.insert(ticket);
    Refill();
    Forget();
  }
  // When the next call ends, if nothing else happens; kNever: none does.
  double NextEnd() const {
    const double rate = Rate();
    if (running_.empty() || rate <= 0) return kNever;
    return now_ + (running_.top().work - attained_) / rate;
  }
  // Brings used() up to now.
  void Advance(double now) { Pass(now); }
  // What others on the same machine leave: the share of `cores` that there is. 1: all.
  void SetShare(double share, double now) {
    Pass(now);
    share_ = share;
  }
  void SetSpeed(double speed, double now) {  // 0: frozen.
    Pass(now);
    model_.speed = speed;
  }
  uint32_t in_flight() const { return in_flight_; }
  uint64_t finished() const { return finished_; }
  // The sum of the seconds that calls have spent here, up to the last change: divided by a time,
  // the mean of in_flight() in it.
  double held() const { return held_; }
  // Core-seconds that were used up to the last change.
  double used() const { return used_; }
  const ServerModel& model() const { return model_; }

 private:
  double running() const { return static_cast<double>(running_.size() - gone_.size()); }
  // Seconds of work a second, for each call that runs.
  double Rate() const {
    const double cores = model_.cores * share_, n = running();
    if (model_.queue == ServerModel::Queue::kNone || n == 0) return model_.speed;
    const double each = cores / (model_.queue == ServerModel::Queue::kFifo ? model_.cores : n);
    return model_.speed * (each < 1 ? each : 1);
  }
  void Pass(double now) {
    const double done = Rate() * (now - now_);
    attained_ += done;
    used_ += done * running();
    held_ += in_flight_ * (now - now_);
    now_ = now;
  }
  void Refill() {
    while (!waiting_.empty() && running() < model_.cores) {
      const Turn& next = waiting_.front();
      running_.push({attained_ + next.work, next.ticket, next.call});
      waiting_.pop_front();
    }
  }
  void Forget() {
    // What was given up leaves when it comes to the top, so the top always is in flight.
    while (!gone_.empty() && gone_.erase(running_.top().ticket) > 0) running_.pop();
  }

  struct Turn {
    double work;  // While it waits; while it runs: what `attained_` is at its end.
    uint64_t ticket;
    uint32_t call;
    bool operator>(const Turn& o) const {
      return work != o.work ? work > o.work : ticket > o.ticket;
    }
  };
  ServerModel model_;
  double now_ = 0, attained_ = 0, share_ = 1, used_ = 0, held_ = 0;
  uint32_t in_flight_ = 0;
  uint64_t finished_ = 0, next_ticket_ = 0;
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> running_;
  std::deque<Turn> waiting_;
  std::unordered_set<uint64_t> gone_;  // Tickets given up, still in running_.
};

}  // namespace rondo::lab

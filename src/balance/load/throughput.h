#pragma once
// How many calls a backend answers in a second, and how quickly: what brpc's `la` weighs by.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "rondo/time.h"

namespace rondo {

// What the ends of a backend's calls add to. Threads: any.
class CallTally {
 public:
  struct Sums {
    uint64_t answered = 0;  // Calls.
    uint64_t waited = 0;    // Nanoseconds, those of failures too.
  };
  void Answered(Duration latency, Time now) {
    answered_.fetch_add(1, std::memory_order_relaxed);
    Failed(latency, now);
  }
  // A failure takes time and answers nothing. A stream of hours says no more than that it was slow.
  static constexpr Duration kLongest = std::chrono::seconds(30);  // Of one call.
  void Failed(Duration time, Time now) {
    const Duration counted = std::clamp(time, Duration(1), kLongest);
    waited_.fetch_add(static_cast<uint64_t>(counted.count()), std::memory_order_relaxed);
    Heard(now);
  }
  // A call ended, or the first of several begins.
  void Heard(Time now) { heard_.store(now.time_since_epoch().count(), std::memory_order_relaxed); }
  // How long calls in flight have waited for a sign; means nothing if none is in flight.
  Duration Silence(Time now) const {
    return Duration(now.time_since_epoch().count() - heard_.load(std::memory_order_relaxed));
  }
  Sums Get() const {
    return {answered_.load(std::memory_order_relaxed), waited_.load(std::memory_order_relaxed)};
  }

 private:
  std::atomic<uint64_t> answered_{0}, waited_{0};
  std::atomic<int64_t> heard_{0};
};

// About the last 128 answers, whenever they came: idle time counts from the next answer on.
// Threads: home.
class Throughput {
 public:
  static constexpr double kWindow = 128;
  static constexpr double kSlowest = 30e9;  // Nanoseconds; no mean is above.

  explicit Throughput(Time since) : at_(since) {}

  // `sums`: since it began.
  void Take(const CallTally::Sums& sums, Time now) {
    const auto answered = static_cast<double>(sums.answered - last_.answered);
    const auto waited = static_cast<double>(sums.waited - last_.waited);
    if (waited == 0) return;
    const double keep = answered_ + answered <= kWindow ? 1
                        : answered >= kWindow           ? 0
                                                        : (kWindow - answered) / answered_;
    answered_ = answered_ * keep + answered;
    waited_ = std::min(waited_ * keep + waited, kSlowest * std::max(answered_, 1.0));
    span_ = span_ * keep + std::max(0.0, static_cast<double>((now - at_).count()));
    last_ = sums;
    at_ = now;
  }
  bool knows_latency() const { return waited_ > 0; }
  double latency() const { return waited_ / std::max(answered_, 1.0); }  // Nanoseconds, the mean.
  // Whether the rate means something yet: a full window, or a second of it.
  bool knows_rate() const { return answered_ > 0 && (answered_ >= kWindow || span_ >= 1e9); }
  double rate() const { return answered_ / std::max(span_, 1.0); }  // A nanosecond.

 private:
  CallTally::Sums last_;
  Time at_;
  double answered_ = 0, waited_ = 0, span_ = 0;
};

}  // namespace rondo

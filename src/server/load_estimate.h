#pragma once
// How long a call takes that begins now: from calls that began when about as many were in flight
// (Prequal, NSDI'24, section 4).
// Threads: one at a time.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "rondo/time.h"

namespace rondo::server {

class LoadEstimate {
 public:
  static constexpr Duration kOldest = std::chrono::seconds(1);

  // A call that began as the `in_flight`th has ended.
  void Add(int64_t in_flight, Duration latency, Time now) {
    ended_[next_] = {in_flight, latency, now};
    next_ = (next_ + 1) % ended_.size();
    count_ = std::min(count_ + 1, ended_.size());
  }
  // The median of those, among the last 64 that ended within a second, whose number was closest to
  // `in_flight`; if none did, among the last 64 of any age. 0: none ever ended. O(64).
  Duration At(int64_t in_flight, Time now) const {
    std::array<Ended, kKept> recent;
    size_t n = 0;
    for (size_t i = 0; i < count_; ++i) {
      if (now - ended_[i].at <= kOldest) recent[n++] = ended_[i];
    }
    if (n == 0) {
      std::copy_n(ended_.begin(), count_, recent.begin());
      n = count_;
    }
    if (n == 0) return {};
    constexpr size_t kAlike = 9;
    const size_t alike = std::min(n, kAlike);
    const auto apart = [&](const Ended& e) { return std::abs(e.in_flight - in_flight); };
    std::partial_sort(recent.begin(), recent.begin() + alike, recent.begin() + n,
                      [&](const Ended& a, const Ended& b) {
                        return apart(a) != apart(b) ? apart(a) < apart(b) : a.at > b.at;
                      });
    const auto median = recent.begin() + alike / 2;
    std::nth_element(recent.begin(), median, recent.begin() + alike,
                     [](const Ended& a, const Ended& b) { return a.latency < b.latency; });
    return median->latency;
  }

 private:
  static constexpr size_t kKept = 64;
  struct Ended {
    int64_t in_flight = 0;
    Duration latency{};
    Time at{};
  };
  std::array<Ended, kKept> ended_;
  size_t next_ = 0, count_ = 0;
};

}  // namespace rondo::server

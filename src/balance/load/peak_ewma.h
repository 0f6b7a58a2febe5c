#pragma once
// Finagle's peak EWMA of a backend's latency: a slow answer counts at once, a quick one little by
// little.
// Threads: any. Of two answers at once one may be lost, which an average can bear.
#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>

#include "rondo/time.h"

namespace rondo {

class PeakEwma {
 public:
  // Of what an old value keeps after `time`: as e^(-time/decay), within some percent where it
  // matters.
  static float Kept(Duration time, Duration decay) {
    const float x =
        std::max(0.0f, static_cast<float>(time.count()) / static_cast<float>(decay.count()));
    return 1 / (1 + x * (1 + x * (0.5f + x * (1.0f / 6 + x / 24))));
  }
  // Nanoseconds, falling while nothing is observed; 0: nothing was yet.
  float At(Time now, Duration decay) const {
    const State s = Load();
    return s.cost == 0 ? 0 : s.cost * Kept(Since(s, now), decay);
  }
  void Observe(Duration latency, Time now, Duration decay) {
    const State s = Load();
    const float sample = std::max(1.0f, static_cast<float>(latency.count()));
    float cost = sample;
    if (sample < s.cost) {
      const float kept = Kept(Since(s, now), decay);
      cost = s.cost * kept + sample * (1 - kept);
    }
    state_.store(std::bit_cast<uint64_t>(State{cost, Stamp(now)}), std::memory_order_relaxed);
  }

 private:
  // In one word, so that a reader sees a cost and its time.
  struct State {
    float cost;
    uint32_t stamp;  // About milliseconds; wraps after 52 days.
  };
  static constexpr int kStampBits = 20;
  static uint32_t Stamp(Time t) {
    return static_cast<uint32_t>(static_cast<uint64_t>(Duration(t.time_since_epoch()).count()) >>
                                 kStampBits);
  }
  // Another loop's clock may be a little behind: no time has passed then.
  static Duration Since(const State& s, Time now) {
    const auto passed = static_cast<int32_t>(Stamp(now) - s.stamp);
    return Duration(int64_t{std::max(passed, 0)} << kStampBits);
  }
  State Load() const { return std::bit_cast<State>(state_.load(std::memory_order_relaxed)); }

  std::atomic<uint64_t> state_{0};
};

}  // namespace rondo

#pragma once
// All chance of a simulation, from one seed.
// Threads: one.
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "rondo/time.h"

namespace rondo::stack {

// SplitMix64: the same on every machine, unlike std's distributions.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  size_t Roll(size_t below) { return Next() % below; }
  bool Percent(size_t chance) { return Roll(100) < chance; }
  Duration Milliseconds(size_t below) { return std::chrono::milliseconds(Roll(below)); }

 private:
  uint64_t state_;
};

}  // namespace rondo::stack

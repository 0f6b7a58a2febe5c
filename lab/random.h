#pragma once
// Draws of the simulator, from one seed. Threads: one at a time.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "rondo/pick.h"

namespace rondo::lab {

// Uniform in (0, 1].
inline double Uniform(Chance& chance) {
  return (static_cast<double>(chance.Next() >> 11) + 1) * 0x1p-53;
}
inline double Exponential(Chance& chance, double mean) { return -mean * std::log(Uniform(chance)); }
inline double StandardNormal(Chance& chance) {
  const double radius = std::sqrt(-2 * std::log(Uniform(chance)));
  return radius * std::cos(2 * std::numbers::pi * Uniform(chance));
}

// How much work a call is, or how long something takes; never below 0.
struct Distribution {
  enum class Kind : uint8_t { kConstant, kExponential, kNormal, kUniform };
  Kind kind = Kind::kConstant;
  double mean = 0;  // Of kUniform: the middle. Of kNormal: before what is below 0 is drawn anew.
  double deviation = 0;  // Of kNormal; of kUniform: half the width.

  double Draw(Chance& chance) const {
    switch (kind) {
      case Kind::kConstant:
        return mean;
      case Kind::kExponential:
        return Exponential(chance, mean);
      case Kind::kUniform:
        return std::max(0.0, mean + deviation * (2 * Uniform(chance) - 1));
      case Kind::kNormal:
        break;
    }
    for (;;) {
      if (const double x = mean + deviation * StandardNormal(chance); x >= 0) return x;
    }
  }
  // The mean of what Draw gives.
  double Mean() const {
    if (kind != Kind::kNormal || deviation == 0) return mean;
    const double a = -mean / deviation;
    const double density = std::exp(-a * a / 2) / std::sqrt(2 * std::numbers::pi);
    const double above = 0.5 * std::erfc(a / std::numbers::sqrt2);
    return mean + deviation * density / above;
  }
};

}  // namespace rondo::lab

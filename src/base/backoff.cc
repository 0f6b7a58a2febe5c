#include "base/backoff.h"

#include <algorithm>
#include <cmath>

namespace rondo {

Duration Backoff::Wait(int n, double chance) const {
  const double limit = static_cast<double>(max.count());
  // A large n overflows to infinity, which the limit cuts.
  const double wait = std::min(limit, static_cast<double>(base.count()) * std::pow(multiplier, n));
  return Duration(static_cast<Duration::rep>(wait * (1 + jitter * (2 * chance - 1))));
}

}  // namespace rondo

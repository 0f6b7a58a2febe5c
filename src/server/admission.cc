#include "server/admission.h"

#include <algorithm>
#include <chrono>

namespace rondo::server {

bool Admission::Guest::Take(size_t connections) {
  Admission& a = admission_;
  size_t calls = a.calls_.load(std::memory_order_relaxed);
  while (a.Fits(calls, calls_, connections)) {
    if (!a.calls_.compare_exchange_weak(calls, calls + 1, std::memory_order_relaxed)) continue;
    if (calls_++ == 0) a.busy_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  a.refused_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

// An eighth is kept for connections that have less than their share: so a newcomer finds room
// beside one that would take all, and what that one gives back goes to the others until all have
// their share.
bool Admission::Fits(size_t calls, size_t mine, size_t connections) const {
  const size_t kept = std::max<size_t>(limit_ / 8, 1);
  if (calls + kept < limit_ || (connections <= 1 && calls < limit_)) return true;
  if (calls >= limit_) return false;
  const size_t busy = busy_.load(std::memory_order_relaxed) + (mine == 0 ? 1 : 0);
  return mine < std::max<size_t>(limit_ / std::max<size_t>(busy, 2), 1);
}

int64_t Admission::NextPushbackMs() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  if (pushback_ <= Duration{}) return 0;
  // Steps of the golden ratio fill the time between once and twice the pushback evenly.
  const uint32_t step = turn_.fetch_add(1, std::memory_order_relaxed) * 2654435769U;
  const double times = 1 + static_cast<double>(step) * 0x1p-32;
  return std::max<int64_t>(1, duration_cast<milliseconds>(pushback_ * times).count());
}

}  // namespace rondo::server

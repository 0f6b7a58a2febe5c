#include "rondo/backend.h"

namespace rondo {

// The sequence lock, without fences (thread sanitizers don't know them):
// 1. A writer makes the number odd, stores each value (release), makes the number even (release).
// 2. A reader loads the number (acquire), each value (acquire), and the number again. If it read
// any
//    value of a write, it synchronises with that store and so sees that write's odd number or a
//    later one: the numbers differ, it reads once more.
LoadReport LoadCell::Report(ReportSource source) const {
  const Slot& slot = reports_[static_cast<size_t>(source)];
  for (;;) {
    const uint32_t before = slot.sequence.load(std::memory_order_acquire);
    double v[5];
    for (int i = 0; i < 5; ++i) v[i] = slot.value[i].load(std::memory_order_acquire);
    const Time at{Duration(slot.at.load(std::memory_order_acquire))};
    if (before % 2 == 0 && slot.sequence.load(std::memory_order_relaxed) == before) {
      return {v[0], v[1], v[2], v[3], v[4], at, {}};
    }
  }
}

void LoadCell::Put(ReportSource source, const LoadReport& r) {
  Slot& slot = reports_[static_cast<size_t>(source)];
  uint32_t before = slot.sequence.load(std::memory_order_relaxed);
  // Acquire: our values must not be stored before those of the write that we follow.
  if (before % 2 != 0 ||
      !slot.sequence.compare_exchange_strong(before, before + 1, std::memory_order_acquire,
                                             std::memory_order_relaxed)) {
    return;
  }
  const double v[5] = {r.cpu, r.memory, r.application, r.qps, r.eps};
  for (int i = 0; i < 5; ++i) {
    // Not `v < 0 ? 0 : v`: that would keep a NaN.
    slot.value[i].store(v[i] > 0 ? v[i] : 0, std::memory_order_release);
  }
  slot.at.store(r.at.time_since_epoch().count(), std::memory_order_release);
  slot.sequence.store(before + 2, std::memory_order_release);
  const auto i = static_cast<size_t>(source);
  if (r.named.empty() && !has_named_[i].load(std::memory_order_relaxed)) return;
  has_named_[i].store(!r.named.empty(), std::memory_order_relaxed);
  const std::lock_guard lock(named_mutex_);
  named_[i] = r.named;
}

std::vector<NamedFigure> LoadCell::Named(ReportSource source) const {
  const std::lock_guard lock(named_mutex_);
  return named_[static_cast<size_t>(source)];
}

void LoadCell::End(const CallEnd& end) {
  if (!end.started) {
    calls_.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  calls_.fetch_add(kEnded - 1, std::memory_order_relaxed);
  // After the sum: a reader of both must not find more failures than ends.
  if (!end.status.ok()) failed_.fetch_add(1, std::memory_order_release);
  // Two that end at once may lose a sample: harmless in an average.
  const int64_t old = latency_.load(std::memory_order_relaxed);
  const int64_t next = old == 0 ? end.latency.count() : old + (end.latency.count() - old) / 8;
  latency_.store(next, std::memory_order_relaxed);
  if (end.report != nullptr) Put(ReportSource::kPerCall, *end.report);
}

}  // namespace rondo

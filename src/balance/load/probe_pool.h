#pragma once
// Prequal's pool of probes (NSDI'24, section 4): what some servers have said of themselves a moment
// ago, and which of them is best. Threads: one at a time; SharedProbePool adds the rest.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "rondo/pick.h"
#include "rondo/time.h"

namespace rondo {

struct ProbeRules {
  uint32_t size = 16;  // Probes that are kept at most.
  Duration oldest{};   // Older ones are dropped.
  double hot_quantile =
      0.84;             // Of the calls in flight that were told last; above it a server is hot.
  double uses = 1;      // How many calls a probe serves; at least 1. Rounded by chance.
  double removals = 1;  // After a call, besides. Rounded by chance.
};

// `x` as a whole number that is `x` on average.
inline uint32_t RoundedByChance(double x, Chance& chance) {
  const auto whole = static_cast<uint32_t>(x);
  const double rest = x - whole;
  return whole + (rest > 0 && chance.Below(1 << 24) < rest * (1 << 24) ? 1 : 0);
}

class ProbePool {
 public:
  static constexpr double kUnknown = std::numeric_limits<double>::infinity();
  struct Probe {
    uint32_t backend = 0;
    double in_flight = 0;  // As the server said, and one for each call that was sent for it.
    double latency = 0;    // In any unit; kUnknown: the server can't say.
    Time at{};
    uint32_t uses = 1;  // Left.
  };

  // At capacity in the place of the oldest.
  void Insert(const Probe& probe, const ProbeRules& rules) {
    if (probes_.size() >= rules.size) Remove(Oldest());
    probes_.push_back(probe);
    if (told_.size() < kWindow) {
      told_.push_back(probe.in_flight);
    } else {
      told_[next_] = probe.in_flight;
      next_ = (next_ + 1) % kWindow;
    }
    double sorted[kWindow];
    std::copy(told_.begin(), told_.end(), sorted);
    const auto at = static_cast<size_t>(rules.hot_quantile * static_cast<double>(told_.size() - 1));
    std::nth_element(sorted, sorted + at, sorted + told_.size());
    hot_above_ = sorted[at];
  }

  // The best one's backend, which then has one more call; none if there are fewer than two probes
  // to choose from. `skip` is bool(uint32_t backend). `load`: by how much a call counts there.
  // O(size), no allocation.
  template <class Skip, class Load>
  std::optional<uint32_t> Choose(const ProbeRules& rules, Time now, Chance& chance, Skip skip,
                                 Load load) {
    for (size_t i = probes_.size(); i-- > 0;) {
      if (now - probes_[i].at > rules.oldest) Remove(i);
    }
    if (probes_.size() < 2) return std::nullopt;
    size_t best = kNone;
    for (size_t i = 0; i < probes_.size(); ++i) {
      if (!skip(probes_[i].backend) && (best == kNone || IsBetter(probes_[i], probes_[best]))) {
        best = i;
      }
    }
    if (best == kNone) return std::nullopt;
    const uint32_t chosen = probes_[best].backend;
    probes_[best].in_flight += load(chosen);
    if (--probes_[best].uses == 0) Remove(best);
    for (uint32_t n = RoundedByChance(rules.removals, chance); n > 0 && !probes_.empty(); --n) {
      Remove((worst_next_ = !worst_next_) ? Worst() : Oldest());
    }
    return chosen;
  }

  // With `to[backend]` for each backend; without those for which it is kGone.
  static constexpr uint32_t kGone = UINT32_MAX;
  void Renumber(const std::vector<uint32_t>& to) {
    for (size_t i = probes_.size(); i-- > 0;) {
      probes_[i].backend = probes_[i].backend < to.size() ? to[probes_[i].backend] : kGone;
      if (probes_[i].backend == kGone) Remove(i);
    }
  }
  const std::vector<Probe>& probes() const { return probes_; }
  double hot_above() const { return hot_above_; }

 private:
  static constexpr size_t kWindow = 128, kNone = SIZE_MAX;

  bool IsHot(const Probe& p) const { return p.in_flight > hot_above_; }
  // HCL: of the cold ones the quickest, or if that is unknown of both, the one with fewer calls; if
  // all are hot, the one with the fewest calls.
  bool IsBetter(const Probe& a, const Probe& b) const {
    if (IsHot(a) != IsHot(b)) return IsHot(b);
    if (IsHot(a) || a.latency == b.latency) return a.in_flight < b.in_flight;
    return a.latency < b.latency;
  }
  // If any is hot, the hot one with the most calls; else the slowest.
  size_t Worst() const {
    size_t worst = 0;
    for (size_t i = 1; i < probes_.size(); ++i) {
      if (IsBetter(probes_[worst], probes_[i])) worst = i;
    }
    return worst;
  }
  size_t Oldest() const {
    return static_cast<size_t>(
        std::min_element(probes_.begin(), probes_.end(),
                         [](const Probe& a, const Probe& b) { return a.at < b.at; }) -
        probes_.begin());
  }
  void Remove(size_t i) {
    probes_[i] = probes_.back();
    probes_.pop_back();
  }

  std::vector<Probe> probes_;
  std::vector<double> told_;  // Calls in flight, of the last probes.
  size_t next_ = 0;
  double hot_above_ = 0;
  bool worst_next_ = false;
};

// One for several threads that never wait: whoever finds it in use goes without. Threads: any.
class alignas(64) SharedProbePool {
 public:
  // `use` is void(ProbePool&), and short. False: somebody else is at it.
  template <class F>
  bool TryUse(F use) {
    if (busy_.exchange(true, std::memory_order_acquire)) return false;
    use(pool_);
    busy_.store(false, std::memory_order_release);
    return true;
  }

 private:
  std::atomic<bool> busy_{false};
  ProbePool pool_;
};

}  // namespace rondo

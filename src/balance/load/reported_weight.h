#pragma once
// A weight from a server's load reports (A58, A114): calls a second for each unit of utilisation.
// Threads: home.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "rondo/backend.h"
#include "rondo/time.h"

namespace rondo {

enum class Utilization : uint8_t { kApplication, kCpu, kMemory };

// Which figures of a report say how busy its server is (A114).
struct UtilizationMetrics {
  std::vector<Utilization> standard{};
  std::vector<std::string> named{};  // As LoadReport::named has them.
};

// The largest of those that were asked for; none of them there, or none asked for: that of the
// application, else of the processor.
inline double UtilizationOf(const LoadReport& r, const UtilizationMetrics& asked) {
  double most = 0;
  for (Utilization u : asked.standard) {
    most = std::max(most, u == Utilization::kApplication ? r.application
                          : u == Utilization::kCpu       ? r.cpu
                                                         : r.memory);
  }
  for (const std::string& name : asked.named) {
    for (const NamedFigure& figure : r.named) {
      if (figure.name == name) most = std::max(most, figure.value);
    }
  }
  if (most > 0) return most;
  return r.application > 0 ? r.application : r.cpu;
}

// 0: the report is of no use.
inline double WeightOf(const LoadReport& r, const UtilizationMetrics& asked, double error_penalty) {
  const double used = UtilizationOf(r, asked);
  if (!(used > 0) || !(r.qps > 0)) return 0;
  const double weight = r.qps / (used + r.eps / r.qps * error_penalty);
  return std::isfinite(weight) && weight > 0 ? weight : 0;
}

class ReportedWeight {
 public:
  struct Limits {
    Duration blackout, expiration;
  };
  enum class Use : uint8_t { kUsable, kNotYet, kStale };

  // `at`: when the report came. Older ones than the last are ignored, and those of no use.
  void Take(double weight, Time at) {
    if (!(weight > 0) || at <= last_) return;
    if (since_ == Time{}) since_ = at;
    last_ = at;
    weight_ = weight;
  }
  // 0 unless usable.
  double At(Time now, const Limits& limits, Use& use) {
    use = Use::kNotYet;
    if (last_ == Time{}) return 0;
    if (now - last_ >= limits.expiration) {
      since_ = Time{};  // What comes next is in blackout again.
      use = Use::kStale;
      return 0;
    }
    if (limits.blackout > Duration{} && (since_ == Time{} || now - since_ < limits.blackout)) {
      return 0;
    }
    use = Use::kUsable;
    return weight_;
  }

 private:
  Time since_{}, last_{};  // Time{}: never.
  double weight_ = 0;
};

}  // namespace rondo

#pragma once
// outlier_detection's piece of a service config (A50).
// Threads: any.
#include <algorithm>
#include <cstdint>
#include <optional>

#include "rondo/config.h"

namespace rondo {

struct SuccessRateEjection {
  uint32_t stdev_factor = 1900;  // Thousandths.
  uint32_t enforcement = 100, minimum_hosts = 5, request_volume = 100;
};
struct FailurePercentageEjection {
  uint32_t threshold = 85, enforcement = 100, minimum_hosts = 5, request_volume = 50;
};
struct OutlierDetectionConfig {
  Duration interval = std::chrono::seconds(10), base = std::chrono::seconds(30),
           longest = std::chrono::seconds(300);
  uint32_t max_percent = 10;
  std::optional<SuccessRateEjection> success_rate;
  std::optional<FailurePercentageEjection> failure_percentage;
  ChildConfig child;

  bool ejects() const { return success_rate || failure_percentage; }
  // The n-th ejection in a row lasts that long.
  Duration EjectionTime(int n) const {
    const Duration most = std::max(base, longest);
    return base > Duration{} && n > most / base ? most : std::min(base * n, most);
  }

  void Read(ConfigReader& r) {
    r.Seconds("interval", interval);
    interval =
        std::clamp<Duration>(interval, std::chrono::milliseconds(100), std::chrono::hours(24));
    r.Seconds("baseEjectionTime", base);
    r.Seconds("maxEjectionTime", longest);
    r.Number("maxEjectionPercent", max_percent, 0u, 100u);
    r.Object("successRateEjection", [&](ConfigReader& c) {
      SuccessRateEjection& s = success_rate.emplace();
      c.Number("stdevFactor", s.stdev_factor);
      c.Number("enforcementPercentage", s.enforcement, 0u, 100u);
      c.Number("minimumHosts", s.minimum_hosts);
      c.Number("requestVolume", s.request_volume);
    });
    r.Object("failurePercentageEjection", [&](ConfigReader& c) {
      FailurePercentageEjection& f = failure_percentage.emplace();
      c.Number("threshold", f.threshold, 0u, 100u);
      c.Number("enforcementPercentage", f.enforcement, 0u, 100u);
      c.Number("minimumHosts", f.minimum_hosts);
      c.Number("requestVolume", f.request_volume);
    });
    r.Child("childPolicy", child);
  }
};

}  // namespace rondo

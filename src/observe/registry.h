#pragma once
// Counters, gauges and histograms by name and labels, and their text for Prometheus.
// Threads: any. A series is found under a lock, once, and then counted in without one; it lives as
// long as the registry.
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rondo/metrics.h"

namespace rondo {

namespace observe {

// A number that is added to.
class Sum {
 public:
  void Add(double n) { value_.fetch_add(n, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Histogram {
 public:
  // `bounds`: upper ones, inclusive and rising; of static life.
  explicit Histogram(std::span<const double> bounds);
  void Record(double value);
  std::span<const double> bounds() const { return bounds_; }
  uint64_t bucket(size_t i) const { return buckets_[i].load(std::memory_order_relaxed); }
  double sum() const { return sum_.value(); }

 private:
  const std::span<const double> bounds_;
  std::vector<std::atomic<uint64_t>> buckets_;  // One more than bounds.
  Sum sum_;
};

enum class Kind : uint8_t { kCounter, kUpDown, kHistogram };

// What all series of a name have in common.
struct Instrument {
  std::string_view name;  // gRPC's: "grpc.client.attempt.started".
  std::string_view help;
  Kind kind;
  std::string_view unit{};           // Behind the name: "seconds", "bytes" or nothing.
  std::span<const double> bounds{};  // Of kHistogram.
};

struct Label {
  std::string_view key, value;  // gRPC's key: "grpc.method".
};

// A66. Seconds.
inline constexpr double kLatencyBounds[] = {
    0,   .00001, .00005, .0001, .0003, .0006, .0008, .001, .002, .003, .004, .005, .006, .008,
    .01, .013,   .016,   .02,   .025,  .03,   .04,   .05,  .065, .08,  .1,   .13,  .16,  .2,
    .25, .3,     .4,     .5,    .65,   .8,    1,     2,    5,    10,   20,   50,   100};
// A66. Bytes.
inline constexpr double kSizeBounds[] = {0,        1024,      2048,       4096,      16384,
                                         65536,    262144,    1048576,    4194304,   16777216,
                                         67108864, 268435456, 1073741824, 4294967296};
// A96. Attempts.
inline constexpr double kRetryBounds[] = {1, 2, 3, 4, 5};
inline constexpr double kTransparentBounds[] = {1, 2, 3, 4, 5, 10};

}  // namespace observe

class Metrics::Registry {
 public:
  // The series of these labels; made if it isn't there. `instrument` is looked at only the first
  // time that its name is met, and must be of that kind.
  observe::Sum& Number(const observe::Instrument& instrument,
                       std::span<const observe::Label> labels);
  observe::Histogram& Distribution(const observe::Instrument& instrument,
                                   std::span<const observe::Label> labels);
  std::string Text() const;

 private:
  struct Family {
    std::string help, unit;
    observe::Kind kind;
    // By their labels as text: `grpc_method="a.B/C",grpc_status="OK"`.
    std::map<std::string, std::unique_ptr<observe::Sum>> numbers;
    std::map<std::string, std::unique_ptr<observe::Histogram>> distributions;
  };
  Family& Of(const observe::Instrument& instrument);

  mutable std::mutex mutex_;
  std::map<std::string, Family, std::less<>> families_;  // By gRPC's name.
};

}  // namespace rondo

#pragma once
// How a run went over its time, in slices of equal length. Threads: values.
#include <cstddef>
#include <vector>

#include "histogram.h"

namespace rondo::lab {

constexpr size_t kSlices = 60;  // Of a run, its warm-up included.

struct Slice {
  uint64_t calls = 0, errors = 0;  // That began in it.
  Histogram latency;               // Nanoseconds, of those of them that succeeded.
};
struct Series {
  double width = 0;  // Seconds of a slice.
  std::vector<Slice> slices = std::vector<Slice>(kSlices);
  // By slice, then by server: how many calls it had in flight, on average.
  std::vector<std::vector<double>> in_flight;

  Slice& At(double seconds) {
    const auto i = static_cast<size_t>(seconds / width);
    return slices[i < kSlices ? i : kSlices - 1];
  }
  // Of another run of the same scenario; `runs` are merged already.
  void Merge(const Series& other, size_t runs) {
    width = other.width;
    for (size_t i = 0; i < kSlices; ++i) {
      slices[i].calls += other.slices[i].calls;
      slices[i].errors += other.slices[i].errors;
      slices[i].latency.Merge(other.slices[i].latency);
    }
    in_flight.resize(other.in_flight.size());
    const auto n = static_cast<double>(runs);
    for (size_t i = 0; i < in_flight.size(); ++i) {
      in_flight[i].resize(other.in_flight[i].size());
      for (size_t k = 0; k < in_flight[i].size(); ++k) {
        in_flight[i][k] = (in_flight[i][k] * n + other.in_flight[i][k]) / (n + 1);
      }
    }
  }
};

}  // namespace rondo::lab

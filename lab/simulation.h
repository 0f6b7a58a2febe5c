#pragma once
// Runs one policy through one scenario. The policy is the production's own code, in as many
// channels as there are clients, on the test kit's harness. Threads: independent runs, any.
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "histogram.h"
#include "scenario.h"
#include "series.h"

namespace rondo::lab {

// What was measured of the calls that began after the warm-up.
struct Result {
  Histogram latency;  // Nanoseconds, of those that succeeded.
  uint64_t calls = 0, errors = 0;
  uint64_t unfinished = 0;               // Under way when the run ended.
  uint64_t slow = 0;                     // Took a second or more, or failed.
  std::vector<uint64_t> calls_to;        // By server.
  std::vector<uint32_t> connections_to;  // By server, at the end: of all clients.
  uint64_t cross_zone = 0, zoned = 0;    // Calls to another zone; of clients with a zone.
  uint64_t dials = 0;                    // Of all clients, from the first on.
  double duration = 0;                   // Seconds in which calls were counted.
  uint32_t most_in_flight = 0;           // At one server.
  uint64_t simulated = 0;                // Calls with those of the warm-up.
  Series series;                         // The warm-up included.
};

// Adds up what another run of the same came to; `runs` are in `sum` already.
void Merge(const Result& one, size_t runs, Result& sum);

// Told now and then how far the run is: the share (0..1) of its virtual time, and the calls so far.
using Progress = std::function<void(double done, uint64_t simulated)>;

// The same seed gives the same result. `policy` is an index. An error: the policy's config.
absl::StatusOr<Result> Simulate(const Scenario& scenario, size_t policy, uint64_t seed,
                                const Progress& progress = {});

}  // namespace rondo::lab

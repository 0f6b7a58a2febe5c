#pragma once
// How long to wait before trying again: doc/connection-backoff.md of gRPC.
// Threads: any; a value.
#include "rondo/time.h"

namespace rondo {

struct Backoff {
  Duration base = std::chrono::seconds(1);   // The wait number 0, before jitter. > 0
  double multiplier = 1.6;                   // Each wait is so much longer than the last. >= 1
  double jitter = 0.2;                       // Each wait is times 1 +- this. [0, 1)
  Duration max = std::chrono::seconds(120);  // No wait is longer, before jitter. >= base

  // The wait of number `n`, counted from 0. `chance` in [0, 1) decides the jitter.
  Duration Wait(int n, double chance) const;
};

}  // namespace rondo

#pragma once
// One seed's run: calls and faults by chance, then peace, then the end; and what must hold.
// Threads: one.
#include <cstdint>
#include <string>

#include "stack/script.h"

namespace rondo::stack {

// How likely each kind of trouble is in a step, in percent.
struct Mix {
  size_t network = 0;   // Resets, freezes, refusals, partitions, peers without power.
  size_t crashes = 0;   // Servers stop or are destroyed, and come back.
  size_t drains = 0;    // Servers drain, as long as it takes, and come back.
  size_t names = 0;     // The resolver's news: fewer, more, none, errors; other policies; idling.
  size_t closings = 0;  // Channels close and are opened again.
  bool abrupt_end = false;  // All goes at once while calls run.
  Habits habits{};
};

struct Outcome {
  uint64_t hash = 0;  // Of all that happened, in order.
  size_t calls = 0;
  std::string failure;  // Empty: every rule was kept.
};
Outcome RunStorm(uint64_t seed, const Mix& mix);

}  // namespace rondo::stack

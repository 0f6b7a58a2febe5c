#pragma once
// What pictures of a scenario show, as scripts of gnuplot that write one SVG file each.
// Threads: values.
#include <string>
#include <vector>

#include "report.h"

namespace rondo::lab {

struct Plot {
  std::string file;     // What the script writes, in its folder: "latency.svg".
  std::string caption;  // What one sees, in a sentence.
  std::string script;
};

// Of one scenario: latency as a distribution and over time, errors over time if there are any,
// the share of each server, and how many calls each had in flight.
std::vector<Plot> PlotsOf(const Outcome& outcome);
// Of a sweep, whose points are in the order of their values: latency and errors over it.
std::vector<Plot> PlotsOfSweep(const std::vector<Outcome>& points);

}  // namespace rondo::lab

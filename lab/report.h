#pragma once
// What runs of one policy came to, as numbers, a table and JSON. Threads: values.
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "scenario.h"
#include "simulation.h"

namespace rondo::lab {

// The metrics of a run, by their names (MetricNames()); milliseconds, shares of 1, or counts. What
// nothing was measured of is absent: times without a call that succeeded, shares without a call.
using Metrics = std::map<std::string, double>;
Metrics MetricsOf(const Result& result);
// Of each metric that all runs have the median over the seeds.
Metrics Median(const std::vector<Metrics>& runs);

struct Row {
  std::string policy;
  Metrics metrics;
};
void PrintTable(const Scenario& scenario, const std::vector<Row>& rows, std::ostream& out);
std::string ToJson(const Scenario& scenario, const std::vector<Row>& rows);
// What the scenario expects and didn't come, or isn't there; each a line.
std::vector<std::string> Unmet(const Scenario& scenario, const std::vector<Row>& rows);

}  // namespace rondo::lab

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
// Of each metric that all runs have: the median over the seeds, the least and the most.
struct Spread {
  double median = 0, least = 0, most = 0;
  bool operator==(const Spread&) const = default;
};
using Spreads = std::map<std::string, Spread>;
Spreads Over(const std::vector<Metrics>& runs);

struct Row {
  std::string policy;
  Spreads metrics;
  Result all{};  // Of all seeds, for pictures.
};
// What came of one scenario.
struct Outcome {
  Scenario scenario;
  std::vector<Row> rows;
};
// What tables show.
struct Column {
  const char *title, *metric;
  double scale = 1;
};
const std::vector<Column>& Columns();
// With as many digits as tell something.
std::string Number(double x);
// With the medians.
void PrintTable(const Scenario& scenario, const std::vector<Row>& rows, std::ostream& out);
// Every metric, as a list of scenarios.
std::string ToJson(const std::vector<Outcome>& outcomes);
// Every metric: a line each, below a line of titles.
std::string ToCsv(const std::vector<Outcome>& outcomes);
// What the scenario expects and didn't come, or isn't there; each a line.
std::vector<std::string> Unmet(const Scenario& scenario, const std::vector<Row>& rows);

}  // namespace rondo::lab

#pragma once
// The report as one HTML page that needs nothing else. Threads: one at a time.
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "report.h"

namespace rondo::lab {

// What came of one file: one outcome, or the points of a sweep.
using Section = std::vector<Outcome>;

// Writes report.html, results.json, results.csv, table.txt and the pictures (NAME/*.svg) into
// `folder`, which is made. FAILED_PRECONDITION: gnuplot isn't there.
absl::Status WriteReport(const std::string& folder, const std::vector<Section>& sections);

}  // namespace rondo::lab

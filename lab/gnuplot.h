#pragma once
// Pictures by the program gnuplot (Debian: gnuplot-nox). Threads: one at a time.
#include <string>

#include "absl/status/status.h"

namespace rondo::lab {

// Runs a script in `folder`, where its relative file names are. `program` is looked for in PATH.
// FAILED_PRECONDITION: there is none; INTERNAL: it ended with an error, which is quoted.
absl::Status RunGnuplot(const std::string& folder, const std::string& script,
                        const std::string& program = "gnuplot");

}  // namespace rondo::lab

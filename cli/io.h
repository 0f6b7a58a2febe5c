#pragma once
// Where a command reads and writes. Results go to `out`, everything else to `err`.
// Threads: one at a time.
#include <istream>
#include <ostream>

namespace rondo::cli {

struct Io {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

}  // namespace rondo::cli

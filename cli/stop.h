#pragma once
// How a command ends before its end. CLI11 tells of wrong usage by exceptions; the program's own
// reasons go the same way, to one place (Run) that prints them.
// Threads: values.
#include <stdexcept>
#include <string>

#include "absl/status/status.h"

namespace rondo::cli {

// The program's exit statuses; docs/cli.md lists them for users.
enum Exit : int {
  kOk = 0,
  kFailed = 1,  // Something of this machine: a file, an address to listen on.
  kUsage = 2,  // What was asked for can't be: flags, names that don't exist, data that doesn't fit.
  kNotWell = 3,  // What was looked at isn't well: `health`, `lint`, `demo`.
  kRpc = 64,     // A call failed: 64 + its gRPC code.
};

class Stop : public std::runtime_error {
 public:
  Stop(int exit, const std::string& why) : std::runtime_error(why), exit_(exit) {}
  int exit() const { return exit_; }

 private:
  int exit_;
};

// For a call that failed: `what: CODE: the words`. `hint`, if any, says what to do.
inline Stop Failed(const std::string& what, const absl::Status& status,
                   const std::string& hint = "") {
  return Stop(kRpc + static_cast<int>(status.code()),
              what + ": " + absl::StatusCodeToString(status.code()) +
                  (status.message().empty() ? "" : ": " + std::string(status.message())) +
                  (hint.empty() ? "" : "; " + hint));
}

}  // namespace rondo::cli

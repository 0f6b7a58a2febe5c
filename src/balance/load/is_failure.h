#pragma once
// Which ends of calls count against a backend.
// Threads: any.
#include "absl/status/status.h"

namespace rondo {

// Whether a status tells of the backend, and not of what was asked.
inline bool IsFailure(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

}  // namespace rondo

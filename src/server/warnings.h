#pragma once
// The lines of a log that a hostile client may cause: some at once, and then one a second. What was
// left out is counted and told with the next. Pure: the times are arguments.
// Threads: one at a time.
#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "rondo/time.h"

namespace rondo::server {

class Warnings {
 public:
  static constexpr double kAtOnce = 10, kASecond = 1;

  // The line; nullopt: not now.
  std::optional<std::string> Tell(std::string_view text, Time now) {
    const double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    room_ = std::min(kAtOnce, room_ + std::max(seconds, 0.0) * kASecond);
    if (room_ < 1) {
      ++left_out_;
      return std::nullopt;
    }
    room_ -= 1;
    const int left_out = std::exchange(left_out_, 0);
    if (left_out == 0) return std::string(text);
    return Cat(text, " (", left_out, " more were not told)");
  }

 private:
  double room_ = kAtOnce;
  Time last_{};
  int left_out_ = 0;
};

}  // namespace rondo::server

#pragma once
// The two time types of the whole library.
#include <chrono>

namespace rondo {

using Time = std::chrono::steady_clock::time_point;
using Duration = std::chrono::nanoseconds;

}  // namespace rondo

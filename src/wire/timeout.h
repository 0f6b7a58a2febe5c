#pragma once
// The grpc-timeout header: a positive number of at most 8 digits and a unit, such as "250m".
// Threads: any; nothing here has state.
#include <optional>
#include <string_view>

#include "rondo/time.h"

namespace rondo::wire {

// The text of a timeout, without allocation.
class TimeoutText {
 public:
  // Never promises more than 8 digits can say: the unit is the smallest that has room, rounded up,
  // so that the server never gives up before the client does; then the largest that says the same.
  // What is not positive becomes "1n", since the grammar knows no zero.
  std::string_view Set(Duration timeout);  // The view lives as long as this object.

 private:
  char text_[12];
};

// Nullopt: not 1 to 8 digits and one of H M S m u n. Zero is let through: such a deadline has
// passed. Too long for a Duration: the longest one.
std::optional<Duration> DecodeTimeout(std::string_view text);

}  // namespace rondo::wire

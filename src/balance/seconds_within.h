#pragma once
// A duration of a policy's config that has a range.
// Threads: as ConfigReader.
#include <string_view>

#include "base/text.h"
#include "rondo/config.h"

namespace rondo {

// As ConfigReader::Seconds, and an error outside of `min` .. `max`.
inline void SecondsWithin(ConfigReader& r, std::string_view name, Duration& out, Duration min,
                          Duration max) {
  Duration value = out;
  r.Seconds(name, value);
  const auto text = [](Duration d) { return Cat(std::chrono::duration<double>(d).count(), "s"); };
  if (r.ok() && r.Has(name) && (value < min || value > max)) {
    return r.Bad(name, Cat(text(value), " is not within ", text(min), "..", text(max)));
  }
  out = value;
}

}  // namespace rondo

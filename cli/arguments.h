#pragma once
// What flags' values mean, and grpcurl's spellings of them.
// Threads: any; nothing here has state.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "rondo/metadata.h"
#include "rondo/time.h"

namespace rondo::cli {

// "1.5s", "20ms", "3m": digits, perhaps a fraction, and one of ns us ms s m h.
// INVALID_ARGUMENT, also for what is negative or beyond 290 years.
absl::StatusOr<Duration> ParseDuration(std::string_view text);

// "5ms", "5ms±2ms" or "5ms+-2ms": about the first, up to the second more or less. The second is at
// most the first.
struct Spread {
  Duration middle{}, width{};
  friend bool operator==(const Spread&, const Spread&) = default;
};
absl::StatusOr<Spread> ParseSpread(std::string_view text);

// "1%" or "0.01", within 0..1.
absl::StatusOr<double> ParseShare(std::string_view text);

// "key: value", each; the value of a key that ends in "-bin" is in base64.
absl::StatusOr<Metadata> ParseHeaders(const std::vector<std::string>& lines);
// The way back: a value as a line can show it.
std::string ShowValue(std::string_view key, std::string_view value);

// grpcurl's single dashes ("-plaintext", "-proto=x") as this program's flags. Others stay.
std::vector<std::string> WithAliases(std::vector<std::string> arguments);

}  // namespace rondo::cli

#include "wire/timeout.h"

#include <charconv>
#include <limits>

namespace rondo::wire {
namespace {

struct Unit {
  char name;
  int64_t nanoseconds;
};
constexpr Unit kUnits[] = {{'n', 1},
                           {'u', 1'000},
                           {'m', 1'000'000},
                           {'S', 1'000'000'000},
                           {'M', 60'000'000'000},
                           {'H', 3'600'000'000'000}};
constexpr size_t kUnitCount = std::size(kUnits);
constexpr int64_t kMaxValue = 99'999'999;
constexpr size_t kMaxDigits = 8;

int64_t CeilDivide(int64_t a, int64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

}  // namespace

std::string_view TimeoutText::Set(Duration timeout) {
  const int64_t ns = timeout.count() > 0 ? timeout.count() : 1;
  size_t unit = 0;
  int64_t value = ns;
  while (value > kMaxValue) value = CeilDivide(ns, kUnits[++unit].nanoseconds);
  while (unit + 1 < kUnitCount) {
    const int64_t ratio = kUnits[unit + 1].nanoseconds / kUnits[unit].nanoseconds;
    if (value % ratio != 0) break;
    value /= ratio;
    ++unit;
  }
  char* end = std::to_chars(text_, text_ + sizeof text_, value).ptr;
  *end++ = kUnits[unit].name;
  return {text_, static_cast<size_t>(end - text_)};
}

std::optional<Duration> DecodeTimeout(std::string_view text) {
  if (text.size() < 2 || text.size() > kMaxDigits + 1) return std::nullopt;
  int64_t value = 0;
  for (const char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  for (const Unit& unit : kUnits) {
    if (unit.name != text.back()) continue;
    if (value > std::numeric_limits<int64_t>::max() / unit.nanoseconds) return Duration::max();
    return Duration(value * unit.nanoseconds);
  }
  return std::nullopt;
}

}  // namespace rondo::wire

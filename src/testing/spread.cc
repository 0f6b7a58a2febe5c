#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/text.h"
#include "rondo/testing.h"

namespace rondo::testing {
namespace {

int TotalOf(const Spread& spread) {
  int total = 0;
  for (const auto& [_, calls] : spread) total += calls;
  return total;
}
std::string Percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

}  // namespace

std::string Picture(const Spread& spread) {
  const int total = std::max(TotalOf(spread), 1);
  std::vector<std::pair<std::string, int>> rows(spread.begin(), spread.end());
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  size_t widest = 0;
  for (const auto& [where, _] : rows) widest = std::max(widest, where.size());
  std::string out;
  for (const auto& [where, calls] : rows) {
    const double share = static_cast<double>(calls) / total;
    const std::string count = Cat(calls), percent = Percent(share);
    out += Cat("  ", where, std::string(widest - where.size() + 2, ' '),
               std::string(7 - std::min<size_t>(count.size(), 7), ' '), count, "  ",
               std::string(7 - std::min<size_t>(percent.size(), 7), ' '), percent, "  ",
               std::string(static_cast<size_t>(share * 40 + 0.5), '#'), "\n");
  }
  return out;
}

std::string Unlike(const Spread& spread, const std::map<std::string, double>& expected,
                   double tolerance) {
  const int total = TotalOf(spread);
  const auto share_of = [&](const std::string& where) {
    const auto it = spread.find(where);
    return it == spread.end() || total == 0 ? 0.0 : static_cast<double>(it->second) / total;
  };
  std::string wrong;
  for (const auto& [where, share] : expected) {
    const double got = share_of(where);
    if (got >= share - tolerance && got <= share + tolerance) continue;
    wrong += Cat(where, " got ", Percent(got), " of ", total, " calls, not ", Percent(share),
                 " +- ", Percent(tolerance), "\n");
  }
  for (const auto& [where, calls] : spread) {
    if (!expected.contains(where)) wrong += Cat(where, " got ", calls, " calls, not 0\n");
  }
  return wrong.empty() ? "" : wrong + Picture(spread);
}

}  // namespace rondo::testing

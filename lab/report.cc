#include "report.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

namespace rondo::lab {
namespace {

template <class N>
void AddSpread(const std::vector<N>& of, const std::string& name, Metrics& out) {
  double sum = 0, squares = 0, most = 0, least = of.empty() ? 0 : static_cast<double>(of[0]);
  for (const N n : of) {
    const auto x = static_cast<double>(n);
    sum += x;
    squares += x * x;
    most = std::max(most, x);
    least = std::min(least, x);
  }
  const double n = static_cast<double>(of.size()), mean = n > 0 ? sum / n : 0;
  out[name + "_mean"] = mean;
  out[name + "_min"] = least;
  out[name + "_max"] = most;
  if (mean <= 0) return;
  out[name + "_max_to_mean"] = most / mean;
  out[name + "_cv"] = std::sqrt(std::max(0.0, squares / n - mean * mean)) / mean;
}

std::string Number(double x) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(x >= 100 ? 0 : x >= 10 ? 1 : x >= 1 ? 2 : 3) << x;
  return out.str();
}

}  // namespace

Metrics MetricsOf(const Result& r) {
  Metrics out;
  const auto ms = [&](double q) { return static_cast<double>(r.latency.Quantile(q)) / 1e6; };
  const auto calls = static_cast<double>(r.calls);
  out["calls"] = calls;
  // What nothing was measured of is left out: a 0 would meet every upper bound.
  if (r.calls > r.errors + r.unfinished) {
    out["mean_ms"] = r.latency.mean() / 1e6;
    out["p50_ms"] = ms(0.5);
    out["p90_ms"] = ms(0.9);
    out["p99_ms"] = ms(0.99);
    out["p99.9_ms"] = ms(0.999);
  }
  if (r.calls > 0) {
    out["error_share"] = static_cast<double>(r.errors) / calls;
    out["unfinished_share"] = static_cast<double>(r.unfinished) / calls;
    out["slow_share"] = static_cast<double>(r.slow) / calls;
  }
  out["most_in_flight"] = r.most_in_flight;
  AddSpread(r.calls_to, "calls_to_a_server", out);
  AddSpread(r.connections_to, "connections_to_a_server", out);
  return out;
}

Metrics Median(const std::vector<Metrics>& runs) {
  std::map<std::string, std::vector<double>> all;
  for (const Metrics& run : runs) {
    for (const auto& [name, value] : run) all[name].push_back(value);
  }
  Metrics out;
  for (auto& [name, values] : all) {
    if (values.size() < runs.size()) continue;  // A run without it must not go unseen.
    std::sort(values.begin(), values.end());
    const size_t half = values.size() / 2;
    out[name] = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  }
  return out;
}

void PrintTable(const Scenario& s, const std::vector<Row>& rows, std::ostream& out) {
  static const std::pair<const char*, const char*> kColumns[] = {
      {"mean ms", "mean_ms"},
      {"p50", "p50_ms"},
      {"p90", "p90_ms"},
      {"p99", "p99_ms"},
      {"p99.9", "p99.9_ms"},
      {"errors %", "error_share"},
      {">= 1 s %", "slow_share"},
      {"max/mean", "calls_to_a_server_max_to_mean"},
      {"in flight", "most_in_flight"},
      {"conns", "connections_to_a_server_mean"},
      {"min", "connections_to_a_server_min"},
      {"max", "connections_to_a_server_max"}};
  size_t widest = 6;
  for (const Row& row : rows) widest = std::max(widest, row.policy.size());
  out << s.name << ": " << s.about << "\n";
  out << std::left << std::setw(static_cast<int>(widest) + 2) << "policy" << std::right;
  for (const auto& [title, _] : kColumns) out << std::setw(10) << title;
  out << "\n";
  for (const Row& row : rows) {
    out << std::left << std::setw(static_cast<int>(widest) + 2) << row.policy << std::right;
    for (const auto& [title, metric] : kColumns) {
      const double scale = std::string_view(title).find('%') == std::string_view::npos ? 1 : 100;
      const auto it = row.metrics.find(metric);
      out << std::setw(10) << (it == row.metrics.end() ? "-" : Number(scale * it->second));
    }
    out << "\n";
  }
  for (const std::string& line : s.published) out << "published: " << line << "\n";
}

std::string ToJson(const Scenario& s, const std::vector<Row>& rows) {
  nlohmann::ordered_json json = {{"scenario", s.name}, {"seeds", s.seeds}};
  for (const Row& row : rows) json["policies"][row.policy] = row.metrics;
  json["published"] = s.published;
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::vector<std::string> Unmet(const Scenario& s, const std::vector<Row>& rows) {
  std::vector<std::string> out;
  for (const Expectation& e : s.expected) {
    for (const Row& row : rows) {
      if (row.policy != e.policy) continue;
      const auto got = row.metrics.find(e.metric);
      const bool there = got != row.metrics.end();
      if (there && got->second >= e.low && got->second <= e.high) continue;
      std::ostringstream line;
      line << s.name << ": " << e.policy << ": " << e.metric << " is ";
      if (there) {
        line << got->second;
      } else {
        line << "absent";
      }
      line << ", not within " << e.low << ".." << e.high;
      out.push_back(line.str());
    }
  }
  return out;
}

}  // namespace rondo::lab

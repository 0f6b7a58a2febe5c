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
  if (r.duration > 0) {  // Calls that succeed, a second.
    out["goodput"] = static_cast<double>(r.latency.count()) / r.duration;
  }
  out["dials"] = static_cast<double>(r.dials);
  if (r.zoned > 0) {
    out["cross_zone_share"] = static_cast<double>(r.cross_zone) / static_cast<double>(r.zoned);
  }
  out["most_in_flight"] = r.most_in_flight;
  AddSpread(r.calls_to, "calls_to_a_server", out);
  AddSpread(r.connections_to, "connections_to_a_server", out);
  return out;
}

Spreads Over(const std::vector<Metrics>& runs) {
  std::map<std::string, std::vector<double>> all;
  for (const Metrics& run : runs) {
    for (const auto& [name, value] : run) all[name].push_back(value);
  }
  Spreads out;
  for (auto& [name, values] : all) {
    if (values.size() < runs.size()) continue;  // A run without it must not go unseen.
    std::sort(values.begin(), values.end());
    const size_t half = values.size() / 2;
    const double median =
        values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
    out[name] = {median, values.front(), values.back()};
  }
  return out;
}

std::string Number(double x) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(x >= 100 ? 0 : x >= 10 ? 1 : x >= 1 ? 2 : 3) << x;
  return out.str();
}

const std::vector<Column>& Columns() {
  static const std::vector<Column>& columns =
      *new std::vector<Column>{{"mean ms", "mean_ms"},
                               {"p50", "p50_ms"},
                               {"p90", "p90_ms"},
                               {"p99", "p99_ms"},
                               {"p99.9", "p99.9_ms"},
                               {"errors %", "error_share", 100},
                               {">= 1 s %", "slow_share", 100},
                               {"max/mean", "calls_to_a_server_max_to_mean"},
                               {"in flight", "most_in_flight"},
                               {"conns", "connections_to_a_server_mean"},
                               {"min", "connections_to_a_server_min"},
                               {"max", "connections_to_a_server_max"}};
  return columns;
}

void PrintTable(const Scenario& s, const std::vector<Row>& rows, std::ostream& out) {
  size_t widest = 6;
  for (const Row& row : rows) widest = std::max(widest, row.policy.size());
  out << s.Title() << ": " << s.about << "\n";
  out << std::left << std::setw(static_cast<int>(widest) + 2) << "policy" << std::right;
  for (const Column& column : Columns()) out << std::setw(10) << column.title;
  out << "\n";
  for (const Row& row : rows) {
    out << std::left << std::setw(static_cast<int>(widest) + 2) << row.policy << std::right;
    for (const Column& column : Columns()) {
      const auto it = row.metrics.find(column.metric);
      const bool there = it != row.metrics.end();
      out << std::setw(10) << (there ? Number(column.scale * it->second.median) : "-");
    }
    out << "\n";
  }
  for (const std::string& line : s.published) out << "published: " << line << "\n";
}

std::string ToJson(const std::vector<Outcome>& outcomes) {
  auto json = nlohmann::ordered_json::array();
  for (const auto& [s, rows] : outcomes) {
    nlohmann::ordered_json one = {{"scenario", s.name}};
    if (!s.point.of.empty()) one["at"] = {{s.point.of, s.point.value}};
    one["seeds"] = s.seeds;
    for (const Row& row : rows) {
      for (const auto& [name, x] : row.metrics) {
        one["policies"][row.policy][name] = {
            {"median", x.median}, {"min", x.least}, {"max", x.most}};
      }
    }
    one["published"] = s.published;
    json.push_back(std::move(one));
  }
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string ToCsv(const std::vector<Outcome>& outcomes) {
  // RFC 4180: what is quoted may hold anything.
  const auto quoted = [](const std::string& text) {
    std::string out = "\"";
    for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
    return out + "\"";
  };
  std::ostringstream out;
  out << std::setprecision(9) << "scenario,of,at,policy,metric,median,min,max\n";
  for (const auto& [s, rows] : outcomes) {
    for (const Row& row : rows) {
      for (const auto& [name, x] : row.metrics) {
        out << quoted(s.name) << "," << quoted(s.point.of) << "," << s.point.value << ","
            << quoted(row.policy) << "," << name << "," << x.median << "," << x.least << ","
            << x.most << "\n";
      }
    }
  }
  return out.str();
}

namespace {

// The median of a metric; NaN: absent.
double Found(const std::vector<Row>& rows, const std::string& policy, const std::string& metric) {
  for (const Row& row : rows) {
    if (row.policy != policy) continue;
    if (const auto it = row.metrics.find(metric); it != row.metrics.end()) return it->second.median;
  }
  return std::nan("");
}
bool Ran(const std::vector<Row>& rows, const std::string& policy) {
  return std::any_of(rows.begin(), rows.end(), [&](const Row& r) { return r.policy == policy; });
}

}  // namespace

std::vector<std::string> Unmet(const Scenario& s, const std::vector<Row>& rows) {
  std::vector<std::string> out;
  for (const Expectation& e : s.expected) {
    // What wasn't asked to run isn't missed.
    if (!Ran(rows, e.policy) || (!e.than.empty() && !Ran(rows, e.than))) continue;
    double got = Found(rows, e.policy, e.metric);
    if (!e.than.empty()) got /= Found(rows, e.than, e.metric);
    if (got >= e.low && got <= e.high) continue;
    std::ostringstream line;
    line << s.Title() << ": " << e.policy << ": " << e.metric;
    if (!e.than.empty()) line << " by that of " << e.than;
    line << " is ";
    if (std::isnan(got)) {
      line << "absent";
    } else {
      line << got;
    }
    line << ", not within " << e.low << ".." << e.high;
    out.push_back(line.str());
  }
  return out;
}

}  // namespace rondo::lab

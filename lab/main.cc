// rondo-lab: runs scenario files and tells what came of each policy.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "page.h"
#include "report.h"
#include "scenario.h"
#include "simulation.h"

namespace rondo::lab {
namespace {

constexpr const char* kUsage =
    "usage: rondo-lab run [--policy a,b] [--seeds N] [--out FOLDER] [--json] [--check] "
    "SCENARIO.json...\n"
    "  --policy a,b   only these; what a scenario has no policy of that name for runs with its\n"
    "                 default config\n"
    "  --seeds N      the seeds 1 to N (at most 1000) in place of the scenario's\n"
    "  --out FOLDER   report.html with pictures (drawn by gnuplot), results.json, results.csv,\n"
    "                 table.txt\n"
    "  --json         all metrics as JSON on the standard output, in place of tables\n"
    "  --check        exit with 1 if what a scenario expects doesn't come\n";

struct Options {
  std::vector<std::string> policies;  // Empty: the scenario's.
  uint32_t seeds = 0;                 // 0: the scenario's.
  std::string out;
  bool json = false, check = false;
  std::vector<std::string> files;
};

std::vector<std::string> Split(std::string names) {
  std::vector<std::string> out;
  names += ',';
  for (size_t from = 0, to; (to = names.find(',', from)) != std::string::npos; from = to + 1) {
    if (to > from) out.push_back(names.substr(from, to - from));
  }
  return out;
}

bool Read(int count, char** words, Options& out) {
  if (count < 2 || std::string(words[1]) != "run") return false;
  for (int i = 2; i < count; ++i) {
    const std::string word = words[i];
    const bool more = i + 1 < count;
    if (word == "--json") {
      out.json = true;
    } else if (word == "--check") {
      out.check = true;
    } else if (word == "--policy" && more) {
      out.policies = Split(words[++i]);
      if (out.policies.empty()) return false;
    } else if (word == "--out" && more) {
      out.out = words[++i];
    } else if (word == "--seeds" && more) {
      const std::string_view text = words[++i];
      const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), out.seeds);
      const bool whole = wrong == std::errc() && end == text.data() + text.size();
      if (!whole || out.seeds < 1 || out.seeds > 1000) return false;
    } else if (word.starts_with("-")) {
      return false;
    } else {
      out.files.push_back(word);
    }
  }
  return !out.files.empty();
}

// What the options change of a scenario.
void Adjust(const Options& options, Scenario& s) {
  if (options.seeds > 0) {
    s.seeds.clear();
    for (uint32_t seed = 1; seed <= options.seeds; ++seed) s.seeds.push_back(seed);
  }
  if (options.policies.empty()) return;
  std::vector<std::pair<std::string, std::string>> chosen;
  for (const std::string& name : options.policies) {
    const auto has = [&](const auto& policy) { return policy.first == name; };
    const auto it = std::find_if(s.policies.begin(), s.policies.end(), has);
    chosen.emplace_back(name, it != s.policies.end() ? it->second : "[{\"" + name + "\":{}}]");
  }
  s.policies = std::move(chosen);
}

// Tells how far the work is, on the standard error: on a terminal in one line that is written anew,
// else a line for each run that ended.
class Teller {
 public:
  void Running(const std::string& what, double done, uint64_t calls) {
    if (!terminal_) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - told_ < std::chrono::milliseconds(100)) return;
    told_ = now;
    std::fprintf(stderr, "\r\033[K%s: %3.0f %%, %.2f million calls", what.c_str(), 100 * done,
                 static_cast<double>(calls) / 1e6);
  }
  void Ended(const std::string& what, uint64_t calls, double seconds) {
    std::fprintf(stderr, "%s%s: %.2f million calls in %.1f s%s", terminal_ ? "\r\033[K" : "",
                 what.c_str(), static_cast<double>(calls) / 1e6, seconds, terminal_ ? "" : "\n");
  }
  void Clear() {
    if (terminal_) std::fprintf(stderr, "\r\033[K");
  }

 private:
  const bool terminal_ = isatty(STDERR_FILENO) != 0;
  std::chrono::steady_clock::time_point told_{};
};

absl::StatusOr<Row> RunPolicy(const Scenario& s, size_t policy, Teller& teller,
                              uint64_t& simulated) {
  Row row{.policy = s.policies[policy].first, .metrics = {}};
  std::vector<Metrics> runs;
  for (const uint64_t seed : s.seeds) {
    const std::string what = s.Title() + ": " + row.policy + ", seed " + std::to_string(seed);
    const auto begun = std::chrono::steady_clock::now();
    absl::StatusOr<Result> result = Simulate(
        s, policy, seed, [&](double done, uint64_t calls) { teller.Running(what, done, calls); });
    if (!result.ok()) {
      return absl::InvalidArgumentError("policies." + row.policy + ": " +
                                        std::string(result.status().message()));
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    teller.Ended(what, result->simulated, took.count());
    simulated += result->simulated;
    Merge(*result, runs.size(), row.all);
    runs.push_back(MetricsOf(*result));
  }
  row.metrics = Over(runs);
  return row;
}

absl::StatusOr<Outcome> RunScenario(const Scenario& s, const Options& options) {
  Outcome out{.scenario = s, .rows = {}};
  Teller teller;
  uint64_t simulated = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (size_t p = 0; p < s.policies.size(); ++p) {
    absl::StatusOr<Row> row = RunPolicy(s, p, teller, simulated);
    if (!row.ok()) return row.status();
    out.rows.push_back(*std::move(row));
  }
  teller.Clear();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  if (!options.json) {
    PrintTable(s, out.rows, std::cout);
    std::cout << simulated << " calls in " << Number(took.count()) << " s, "
              << Number(static_cast<double>(simulated) / 1e6 / std::max(took.count(), 1e-9))
              << " million a second\n\n"
              << std::flush;
  }
  return out;
}

absl::StatusOr<Section> RunFile(const std::string& file, const Options& options) {
  std::ifstream in(file);
  if (!in) return absl::NotFoundError(file + ": can't be read");
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  absl::StatusOr<std::vector<Scenario>> scenarios = ReadScenarios(file, text);
  if (!scenarios.ok()) return scenarios.status();
  Section out;
  for (Scenario& s : *scenarios) {
    Adjust(options, s);
    absl::StatusOr<Outcome> outcome = RunScenario(s, options);
    if (!outcome.ok()) {
      return absl::InvalidArgumentError(file + ": " + std::string(outcome.status().message()));
    }
    out.push_back(*std::move(outcome));
  }
  return out;
}

int Fail(const absl::Status& why) {
  std::cerr << "rondo-lab: " << why.message() << "\n";
  return 2;
}

int Main(int count, char** words) {
  Options options;
  if (!Read(count, words, options)) {
    std::cerr << kUsage;
    return 2;
  }
  std::vector<Section> sections;
  std::vector<Outcome> all;
  bool unmet = false;
  for (const std::string& file : options.files) {
    absl::StatusOr<Section> section = RunFile(file, options);
    if (!section.ok()) return Fail(section.status());
    for (const Outcome& o : *section) {
      for (const std::string& line : Unmet(o.scenario, o.rows)) {
        std::cerr << "rondo-lab: " << line << "\n";
        unmet = true;
      }
      if (options.json) all.push_back(o);
    }
    if (!options.out.empty()) sections.push_back(*std::move(section));
  }
  if (options.json) std::cout << ToJson(all);
  if (!options.out.empty()) {
    if (absl::Status written = WriteReport(options.out, sections); !written.ok()) {
      return Fail(written);
    }
    std::cerr << "rondo-lab: " << options.out << "/report.html\n";
  }
  return options.check && unmet ? 1 : 0;
}

}  // namespace
}  // namespace rondo::lab

int main(int count, char** words) { return rondo::lab::Main(count, words); }

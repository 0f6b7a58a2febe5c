// rondo-lab: runs scenario files and prints what came of each policy.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "report.h"
#include "scenario.h"
#include "simulation.h"

namespace rondo::lab {
namespace {

constexpr const char* kUsage =
    "usage: rondo-lab [--policy a,b] [--json] [--check] SCENARIO.json...\n"
    "  --policy a,b  only these of the scenario's policies\n"
    "  --json        the report as JSON, with all metrics\n"
    "  --check       exit with 1 if what a scenario expects doesn't come\n";

struct Options {
  std::set<std::string> policies;  // Empty: all.
  bool json = false, check = false;
  std::vector<std::string> files;
};

bool Read(int count, char** words, Options& out) {
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--json") {
      out.json = true;
    } else if (word == "--check") {
      out.check = true;
    } else if (word == "--policy" && i + 1 < count) {
      std::string names = words[++i];
      names += ',';
      for (size_t from = 0, to; (to = names.find(',', from)) != std::string::npos; from = to + 1) {
        out.policies.insert(names.substr(from, to - from));
      }
    } else if (word.starts_with("-")) {
      return false;
    } else {
      out.files.push_back(word);
    }
  }
  return !out.files.empty();
}

// The number of expectations that weren't met; -1: it can't be run.
int RunFile(const std::string& file, const Options& options) {
  std::ifstream in(file);
  if (!in) {
    std::cerr << "rondo-lab: " << file << ": can't be read\n";
    return -1;
  }
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  absl::StatusOr<Scenario> scenario = ReadScenario(file, text);
  if (!scenario.ok()) {
    std::cerr << "rondo-lab: " << scenario.status().message() << "\n";
    return -1;
  }
  std::vector<Row> rows;
  uint64_t simulated = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (size_t p = 0; p < scenario->policies.size(); ++p) {
    const std::string& name = scenario->policies[p].first;
    if (!options.policies.empty() && !options.policies.contains(name)) continue;
    std::vector<Metrics> runs;
    for (const uint64_t seed : scenario->seeds) {
      absl::StatusOr<Result> result = Simulate(*scenario, p, seed);
      if (!result.ok()) {
        std::cerr << "rondo-lab: " << file << ": policies." << name << ": "
                  << result.status().message() << "\n";
        return -1;
      }
      simulated += result->simulated;
      runs.push_back(MetricsOf(*result));
    }
    rows.push_back({name, Median(runs)});
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  if (options.json) {
    std::cout << ToJson(*scenario, rows);
  } else {
    PrintTable(*scenario, rows, std::cout);
    std::printf("%llu calls in %.1f s, %.2f million a second\n\n",
                static_cast<unsigned long long>(simulated), took.count(),
                static_cast<double>(simulated) / 1e6 / std::max(took.count(), 1e-9));
    std::fflush(stdout);
  }
  const std::vector<std::string> unmet = Unmet(*scenario, rows);
  for (const std::string& line : unmet) std::cerr << "rondo-lab: " << line << "\n";
  return static_cast<int>(unmet.size());
}

int Main(int count, char** words) {
  Options options;
  if (!Read(count, words, options)) {
    std::cerr << kUsage;
    return 2;
  }
  bool unmet = false;
  for (const std::string& file : options.files) {
    const int found = RunFile(file, options);
    if (found < 0) return 2;
    unmet |= found > 0;
  }
  return options.check && unmet ? 1 : 0;
}

}  // namespace
}  // namespace rondo::lab

int main(int count, char** words) { return rondo::lab::Main(count, words); }

#pragma once
// What is simulated, as a file says it (docs/lab.md). Threads: values.
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "random.h"
#include "server.h"

namespace rondo::lab {

struct ServerGroup {
  uint32_t count = 1;
  ServerModel model;
  uint32_t weight = 1;  // As the resolver tells it.
  double extra = 0;     // Seconds that each answer takes longer.
  std::string zone{};   // As the resolver tells it.
  bool listed = true;   // By the resolver, at first.
};
// Others on the same machines: each server's share of its cores is drawn anew now and then.
struct Antagonists {
  double every = 0;  // Seconds between draws, on average (exponential); 0: there are none.
  double hot = 0;    // The probability of `hot_share`; else uniform in [low, high].
  double hot_share = 1, low = 1, high = 1;
};
// From `at` seconds on, servers `first` to `last` are like this; what is below 0 stays.
struct Change {
  double at = 0;
  uint32_t first = 0, last = 0;
  double speed = -1;   // 0: frozen.
  double extra = -1;   // Seconds.
  double errors = -1;  // The share of calls that fail, at once on arrival.
  int down = -1;       // 1: connections break and are refused, calls fail; 0: it is back, empty.
  int listed = -1;     // 1, 0: the resolver names it, or doesn't.
};
struct Expectation {
  std::string policy, metric;  // One of MetricNames().
  std::string than{};          // If not empty, the bounds are of the ratio to this policy's.
  double low = 0, high = 0;
};
// Where a scenario of a sweep stands.
struct Point {
  std::string of;  // What is swept, for people; empty: nothing is.
  double value = 0;
};

struct Scenario {
  std::string name, about;
  Point point;
  std::vector<std::string> published;  // What others found, in words.
  std::vector<uint64_t> seeds{1};
  double warmup = 0, duration = 10;  // Seconds; what begins in the warm-up isn't counted.
  uint32_t clients = 1;
  double rate = 0;                 // Calls a second, of all clients together (Poisson).
  double timeout = 0;              // Seconds; 0: none.
  double network = 0, jitter = 0;  // Seconds one way: fixed, and exponential on top.
  // Clients are dealt to these zones in turn; to another zone it is `zone_way` seconds more one
  // way.
  std::vector<std::string> client_zones{};
  double zone_way = 0;
  bool reports = false;  // Servers tell their load with each answer (A51).
  Distribution work;
  std::vector<ServerGroup> servers;
  Antagonists antagonists;
  std::vector<Change> changes;                                // In the order of time.
  std::vector<std::pair<std::string, std::string>> policies;  // Name, loadBalancingConfig.
  std::vector<Expectation> expected;

  uint32_t ServerCount() const;
  // "e2 at load 0.75" of a sweep, else the name.
  std::string Title() const;
};

// The names of all metrics of the report, as in its JSON.
const std::vector<std::string>& MetricNames();

// `where` names the text in errors, which are INVALID_ARGUMENT: "e5.json: servers[0].queue: ...".
// Of a file with a sweep: one for each value, in their order; else one.
absl::StatusOr<std::vector<Scenario>> ReadScenarios(std::string_view where, std::string_view text);

}  // namespace rondo::lab

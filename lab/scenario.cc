#include "scenario.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

namespace rondo::lab {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMost = 1e9;
constexpr uint32_t kMostServers = 10000, kMostClients = 10000;
constexpr size_t kMostPoints = 100;
constexpr uint64_t kMostPairs = 10000000;  // Of clients and servers.

// Thrown inside this file only.
struct Wrong {
  std::string text;
};
std::string Text(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", x);
  return text;
}

// One object, whose fields are all asked for or else unknown.
class Fields {
 public:
  Fields(const Json& json, std::string path) : json_(json), path_(std::move(path)) {
    if (!json_.is_object()) Bad("", "must be an object");
  }
  [[noreturn]] void Bad(const std::string& name, const std::string& what) const {
    throw Wrong{PathOf(name) + ": " + what};
  }
  std::string PathOf(const std::string& name) const {
    return path_.empty() ? (name.empty() ? "scenario" : name)
                         : (name.empty() ? path_ : path_ + "." + name);
  }
  const Json* Find(const std::string& name) {
    asked_.insert(name);
    const auto it = json_.find(name);
    return it == json_.end() ? nullptr : &*it;
  }
  const Json& Need(const std::string& name) {
    const Json* found = Find(name);
    if (found == nullptr) Bad(name, "is needed");
    return *found;
  }
  double Number(const std::string& name, double otherwise, double low, double high) {
    const Json* found = Find(name);
    if (found == nullptr) return otherwise;
    if (!found->is_number()) Bad(name, "must be a number");
    const auto x = found->get<double>();
    if (!(x >= low && x <= high)) {
      Bad(name, Text(x) + " is not within " + Text(low) + ".." + Text(high));
    }
    return x;
  }
  uint32_t Whole(const std::string& name, uint32_t otherwise, uint32_t low, uint32_t high) {
    const double x = Number(name, otherwise, low, high);
    if (x != std::floor(x)) Bad(name, Text(x) + " is no whole number");
    return static_cast<uint32_t>(x);
  }
  std::string String(const std::string& name) {
    const Json* found = Find(name);
    if (found == nullptr) return "";
    if (!found->is_string()) Bad(name, "must be a text");
    return found->get<std::string>();
  }
  int Bool(const std::string& name, int otherwise) {
    const Json* found = Find(name);
    if (found == nullptr) return otherwise;
    if (!found->is_boolean()) Bad(name, "must be true or false");
    return found->get<bool>() ? 1 : 0;
  }
  template <class F>
  void Each(const std::string& name, F each) {
    const Json* found = Find(name);
    if (found == nullptr) return;
    if (!found->is_array()) Bad(name, "must be a list");
    for (size_t i = 0; i < found->size(); ++i) {
      each((*found)[i], PathOf(name) + "[" + std::to_string(i) + "]");
    }
  }
  void Done() const {
    for (const auto& [name, _] : json_.items()) {
      if (!asked_.contains(name)) Bad(name, "unknown field");
    }
  }

 private:
  const Json& json_;
  const std::string path_;
  std::set<std::string> asked_;
};

Distribution ReadWork(Fields f) {
  static const std::pair<const char*, Distribution::Kind> kKinds[] = {
      {"constant", Distribution::Kind::kConstant},
      {"exponential", Distribution::Kind::kExponential},
      {"normal", Distribution::Kind::kNormal},
      {"uniform", Distribution::Kind::kUniform}};
  Distribution out;
  const std::string kind = f.String("kind");
  const auto* found = std::find_if(std::begin(kKinds), std::end(kKinds),
                                   [&](const auto& k) { return kind == k.first; });
  if (found == std::end(kKinds)) f.Bad("kind", "must be constant, exponential, normal or uniform");
  out.kind = found->second;
  out.mean = f.Number("mean_ms", 0, 0, kMost) / 1e3;
  out.deviation = f.Number("deviation_ms", 0, 0, kMost) / 1e3;
  f.Done();
  return out;
}

ServerGroup ReadServers(Fields f) {
  ServerGroup out;
  out.count = f.Whole("count", 1, 1, kMostServers);
  const std::string queue = f.String("queue");
  if (queue == "fifo") {
    out.model.queue = ServerModel::Queue::kFifo;
  } else if (queue == "none") {
    out.model.queue = ServerModel::Queue::kNone;
  } else if (!queue.empty() && queue != "sharing") {
    f.Bad("queue", "must be sharing, fifo or none");
  }
  out.model.cores = f.Whole("cores", 1, 1, 1000000);
  out.model.speed = f.Number("speed", 1, 1e-6, 1e6);
  out.weight = f.Whole("weight", 1, 1, 1000000);
  out.extra = f.Number("extra_ms", 0, 0, kMost) / 1e3;
  out.zone = f.String("zone");
  out.listed = f.Bool("listed", 1) != 0;
  f.Done();
  return out;
}

Antagonists ReadAntagonists(Fields f) {
  Antagonists out;
  out.every = f.Number("every_s", 0, 0, kMost);
  out.hot = f.Number("hot", 0, 0, 1);
  out.hot_share = f.Number("hot_share", 1, 0, 1000);
  out.low = f.Number("low", 1, 0, 1000);
  out.high = f.Number("high", out.low, out.low, 1000);
  f.Done();
  return out;
}

Change ReadChange(Fields f, uint32_t servers) {
  Change out;
  out.at = f.Number("at_s", 0, 0, kMost);
  out.first = f.Whole("first", 0, 0, servers - 1);
  out.last = f.Whole("last", out.first, out.first, servers - 1);
  out.speed = f.Number("speed", -1, 0, 1e6);
  if (f.Find("extra_ms") != nullptr) out.extra = f.Number("extra_ms", 0, 0, kMost) / 1e3;
  out.errors = f.Number("errors", -1, 0, 1);
  out.down = f.Bool("down", -1);
  out.listed = f.Bool("listed", -1);
  f.Done();
  return out;
}

void ReadTraffic(Fields& f, Scenario& out) {
  out.warmup = f.Number("warmup_s", 0, 0, kMost);
  out.duration = f.Number("duration_s", 10, 1e-3, kMost);
  out.clients = f.Whole("clients", 1, 1, kMostClients);
  out.timeout = f.Number("timeout_s", 0, 0, kMost);
  out.network = f.Number("network_ms", 0, 0, kMost) / 1e3;
  out.jitter = f.Number("jitter_ms", 0, 0, kMost) / 1e3;
  out.zone_way = f.Number("zone_ms", 0, 0, kMost) / 1e3;
  f.Each("client_zones", [&](const Json& zone, const std::string& path) {
    if (!zone.is_string()) throw Wrong{path + ": must be a text"};
    out.client_zones.push_back(zone.get<std::string>());
  });
  out.reports = f.Bool("reports", 0) != 0;
  if (const Json* work = f.Find("work")) out.work = ReadWork({*work, "work"});
  out.rate = f.Number("rate", 0, 0, kMost);
  const double load = f.Number("load", 0, 0, 1000);
  if (load <= 0) return;
  if (out.rate > 0) f.Bad("load", "stands beside rate: one of them");
  if (out.work.Mean() <= 0) f.Bad("load", "needs work with a mean above 0");
  double power = 0;
  for (const ServerGroup& g : out.servers) power += g.count * g.model.cores * g.model.speed;
  out.rate = load * power / out.work.Mean();
}

void CheckMetric(const Fields& f, const std::string& metric) {
  std::string known;
  for (const std::string& name : MetricNames()) {
    if (name == metric) return;
    known += (known.empty() ? "" : ", ") + name;
  }
  f.Bad("metric", "no metric is called \"" + metric + "\"; there are " + known);
}

void ReadPolicies(Fields& f, Scenario& out) {
  const Json& policies = f.Need("policies");
  if (!policies.is_object() || policies.empty()) {
    f.Bad("policies", "must be an object: names and their loadBalancingConfig");
  }
  for (const auto& [name, config] : policies.items()) {
    out.policies.emplace_back(name, config.dump());
  }
  f.Each("expected", [&](const Json& item, const std::string& path) {
    Fields e(item, path);
    Expectation x{.policy = e.String("policy"), .metric = e.String("metric")};
    if (!policies.contains(x.policy)) e.Bad("policy", "no policy is called \"" + x.policy + "\"");
    if (x.metric.empty()) e.Bad("metric", "is needed");
    CheckMetric(e, x.metric);
    x.than = e.String("than");
    if (!x.than.empty() && !policies.contains(x.than)) {
      e.Bad("than", "no policy is called \"" + x.than + "\"");
    }
    x.low = e.Number("min", -kMost, -kMost, kMost);
    x.high = e.Number("max", kMost, x.low, kMost);
    const double at = e.Number("at", out.point.value, -kMost, kMost);
    e.Done();
    if (at == out.point.value) out.expected.push_back(std::move(x));
  });
}

Scenario Read(const Json& json, Point point) {
  Fields f(json, "");
  Scenario out;
  out.point = std::move(point);
  out.name = f.String("name");
  out.about = f.String("about");
  f.Each("published", [&](const Json& line, const std::string& path) {
    if (!line.is_string()) throw Wrong{path + ": must be a text"};
    out.published.push_back(line.get<std::string>());
  });
  if (f.Find("seeds") != nullptr) out.seeds.clear();
  f.Each("seeds", [&](const Json& seed, const std::string& path) {
    if (!seed.is_number_unsigned()) throw Wrong{path + ": must be a whole number"};
    out.seeds.push_back(seed.get<uint64_t>());
  });
  if (out.seeds.empty()) f.Bad("seeds", "is empty: name at least one");
  f.Each("servers", [&](const Json& group, const std::string& path) {
    out.servers.push_back(ReadServers({group, path}));
    if (out.ServerCount() > kMostServers) throw Wrong{path + ": more than 10000 servers"};
  });
  if (out.servers.empty()) f.Bad("servers", "is needed: at least one group");
  ReadTraffic(f, out);
  if (static_cast<uint64_t>(out.clients) * out.ServerCount() > kMostPairs) {
    f.Bad("clients", "more than 10000000 pairs of a client and a server");
  }
  if (const Json* a = f.Find("antagonists")) out.antagonists = ReadAntagonists({*a, "antagonists"});
  f.Each("changes", [&](const Json& change, const std::string& path) {
    out.changes.push_back(ReadChange({change, path}, out.ServerCount()));
  });
  std::sort(out.changes.begin(), out.changes.end(),
            [](const Change& a, const Change& b) { return a.at < b.at; });
  ReadPolicies(f, out);
  f.Done();
  return out;
}

// A file as it is with each of the sweep's values at its path.
std::vector<Scenario> ReadSweep(Json json) {
  if (!json.is_object() || !json.contains("sweep")) return {Read(json, {})};
  const Json sweep = json["sweep"];
  json.erase("sweep");
  Fields f(sweep, "sweep");
  const std::string path = f.String("path");
  if (!path.starts_with("/")) f.Bad("path", "must be a JSON pointer, such as \"/load\"");
  const Json::json_pointer pointer(path);
  if (!json.contains(pointer)) f.Bad("path", "nothing in the scenario is at " + path);
  std::string of = f.String("of");
  if (of.empty()) of = path.substr(1);
  std::vector<Scenario> out;
  f.Each("values", [&](const Json& value, const std::string& where) {
    if (!value.is_number()) throw Wrong{where + ": must be a number"};
    if (out.size() == kMostPoints) throw Wrong{where + ": more than 100 values"};
    json[pointer] = value;
    out.push_back(Read(json, {of, value.get<double>()}));
  });
  if (out.empty()) f.Bad("values", "is needed: at least one");
  f.Done();
  return out;
}

}  // namespace

uint32_t Scenario::ServerCount() const {
  uint32_t count = 0;
  for (const ServerGroup& g : servers) count += g.count;
  return count;
}

std::string Scenario::Title() const {
  return point.of.empty() ? name : name + " at " + point.of + " " + Text(point.value);
}

const std::vector<std::string>& MetricNames() {
  static const std::vector<std::string>& names = *new std::vector<std::string>([] {
    std::vector<std::string> out = {
        "calls",    "mean_ms",     "p50_ms",           "p90_ms",     "p99_ms",
        "p99.9_ms", "error_share", "unfinished_share", "slow_share", "most_in_flight",
        "goodput",  "dials",       "cross_zone_share"};
    for (const char* of : {"calls_to_a_server_", "connections_to_a_server_"}) {
      for (const char* what : {"mean", "min", "max", "max_to_mean", "cv"}) {
        out.push_back(std::string(of) + what);
      }
    }
    return out;
  }());
  return names;
}

absl::StatusOr<std::vector<Scenario>> ReadScenarios(std::string_view where, std::string_view text) {
  const std::string file(where);
  try {
    return ReadSweep(Json::parse(text));
  } catch (const Wrong& wrong) {
    return absl::InvalidArgumentError(file + ": " + wrong.text);
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(file + ": " + error.what());
  }
}

}  // namespace rondo::lab

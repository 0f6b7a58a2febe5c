#pragma once
// Which share of a client's calls goes to which zone (behind Envoy's zone aware routing and its
// load-aware locality policy). Pure functions.
// Threads: any.
#include <cstdint>
#include <optional>
#include <vector>

namespace rondo {

// A zone as a client sees it. One without endpoints isn't listed.
struct ZoneLoad {
  bool own = false;
  uint32_t endpoints = 0;               // > 0
  uint32_t ready = 0;                   // Of them.
  std::optional<double> utilization{};  // Of those that report, on average; none: nobody does.
  double clients = 0;                   // How many run there.
};

struct SpillRules {
  double margin = 0.1;  // The own zone may be busier than the others by so much.
  double probe = 0.03;  // The least share of the others, once utilisation is reported.
};

// The share that the own zone should have by utilisation, whether or not its endpoints are ready:
// all, less the probe, unless it is busier than the others by more than the margin; then by what
// each has free. 1 if it doesn't report.
double HomeByUtilization(const std::vector<ZoneLoad>& zones, const SpillRules& rules);

// `home` to the own zone, less as it isn't available (with an overprovisioning of 1.4); the rest to
// the others by what each has free. All shares are 0..1 and add up to 1.
std::vector<double> PreferredShares(const std::vector<ZoneLoad>& zones, double home);

// So that each endpoint has the same load when all clients do so: at home up to endpoints' share of
// the zone / clients' share of it, the rest where endpoints outnumber clients.
std::vector<double> ProportionalShares(const std::vector<ZoneLoad>& zones);

// By the endpoints that are ready, of all if none is.
std::vector<double> EvenShares(const std::vector<ZoneLoad>& zones);

}  // namespace rondo

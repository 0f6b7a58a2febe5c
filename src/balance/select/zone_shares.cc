#include "balance/select/zone_shares.h"

#include <algorithm>
#include <cstddef>

namespace rondo {
namespace {

constexpr double kOverprovisioning = 1.4;  // Envoy's.
constexpr double kLeastFree = 0.01;        // A zone that is full isn't given up.

bool AnyReady(const std::vector<ZoneLoad>& zones) {
  return std::any_of(zones.begin(), zones.end(), [](const ZoneLoad& z) { return z.ready > 0; });
}

const ZoneLoad* HomeOf(const std::vector<ZoneLoad>& zones) {
  const auto it = std::find_if(zones.begin(), zones.end(), [](const ZoneLoad& z) { return z.own; });
  return it == zones.end() ? nullptr : &*it;
}

// Gives `total` out, as it is wanted.
void GiveOut(std::vector<double>& shares, const std::vector<double>& wanted, double total) {
  double sum = 0;
  for (double w : wanted) sum += w;
  for (size_t i = 0; i < shares.size(); ++i) {
    if (sum > 0) shares[i] += total * wanted[i] / sum;
  }
}

double FreeOf(const ZoneLoad& zone, double assumed) {
  const double busy = std::clamp(zone.utilization.value_or(assumed), 0.0, 1.0);
  return zone.ready * std::max(1 - busy, kLeastFree);
}

// Of the other zones by their ready endpoints; those that don't report count as the others do.
std::optional<double> OthersUtilization(const std::vector<ZoneLoad>& zones) {
  double sum = 0;
  uint32_t ready = 0;
  for (const ZoneLoad& z : zones) {
    if (z.own || !z.utilization || z.ready == 0) continue;
    sum += *z.utilization * z.ready;
    ready += z.ready;
  }
  if (ready == 0) return std::nullopt;
  return sum / ready;
}

}  // namespace

std::vector<double> EvenShares(const std::vector<ZoneLoad>& zones) {
  const bool any = AnyReady(zones);
  std::vector<double> shares(zones.size()), wanted;
  for (const ZoneLoad& z : zones) wanted.push_back(any ? z.ready : z.endpoints);
  GiveOut(shares, wanted, 1);
  return shares;
}

double HomeByUtilization(const std::vector<ZoneLoad>& zones, const SpillRules& rules) {
  const ZoneLoad* home = HomeOf(zones);
  if (home == nullptr || !home->utilization) return 1;
  const double own = std::clamp(*home->utilization, 0.0, 1.0);
  double most = 1 - rules.probe;
  if (own > OthersUtilization(zones).value_or(own) + rules.margin) {
    double all = 0;
    for (const ZoneLoad& z : zones) all += FreeOf(z, own);
    if (all > 0) most = std::min(most, FreeOf(*home, own) / all);
  }
  return most;
}

std::vector<double> PreferredShares(const std::vector<ZoneLoad>& zones, double home) {
  const ZoneLoad* own = HomeOf(zones);
  if (own == nullptr) return EvenShares(zones);
  const bool others = std::any_of(zones.begin(), zones.end(),
                                  [](const ZoneLoad& z) { return !z.own && z.ready > 0; });
  const double available = std::min(1.0, kOverprovisioning * own->ready / own->endpoints);
  const double most = others ? std::min(home, available) : 1;
  std::vector<double> shares, free;
  for (const ZoneLoad& z : zones) {
    shares.push_back(z.own ? most : 0);
    free.push_back(z.own ? 0 : FreeOf(z, own->utilization.value_or(0)));
  }
  GiveOut(shares, free, 1 - most);
  return shares;
}

std::vector<double> ProportionalShares(const std::vector<ZoneLoad>& zones) {
  std::vector<double> servers = EvenShares(zones);
  const ZoneLoad* home = HomeOf(zones);
  double clients = 0;
  for (const ZoneLoad& z : zones) clients += z.clients;
  if (home == nullptr || home->clients <= 0) return servers;
  double away = 1, all_spare = 0;
  std::vector<double> shares(zones.size()), spare(zones.size());
  for (size_t i = 0; i < zones.size(); ++i) {
    const double here = zones[i].clients / clients;
    if (zones[i].own) {
      shares[i] = std::min(1.0, servers[i] / here);
      away = 1 - shares[i];
      servers[i] = 0;
    } else {
      all_spare += spare[i] = std::max(0.0, servers[i] - here);
    }
  }
  GiveOut(shares, all_spare > 0 ? spare : servers, away);
  return shares;
}

}  // namespace rondo
